"""The page in a browser: it draws, sorts, opens pictures, follows the colour scheme and fetches nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from seer import HOSTILE

from forgebench.report import write_report

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(scores: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(list(scores.values()), tmp_path_factory.mktemp("page") / "report.html").as_uri()


@pytest.fixture(scope="module")
def rich_address(rich: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(list(rich.values()), tmp_path_factory.mktemp("rich page") / "report.html").as_uri()


Open = Callable[..., playwright.Page]


@pytest.fixture
def opened(chromium: playwright.Browser, address: str) -> Iterator[Open]:
    """Open the page; a message on the console or a request to anywhere else fails the test at its end."""
    contexts, wrong = [], []

    def answer(route: playwright.Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    def run(width: int = 1280, height: int = 900, scheme: str = "light", at: str = address) -> playwright.Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(at)
        return page

    yield run
    for context in contexts:
        context.close()
    assert wrong == []


def test_all_curves_are_drawn(opened: Open) -> None:
    page = opened()
    assert page.locator(".plot").count() == 6 + 4
    assert page.locator(".plot .main-svg:first-child").count() == 6 + 4
    assert page.locator('[data-figure="image_roc"] .scatterlayer .trace').count() == 4
    assert page.locator('[data-figure="f1"] .scatterlayer .trace').count() == 3


def test_a_click_sorts_the_table_and_another_one_turns_it(opened: Open) -> None:
    page = opened()
    names = "table.main tbody tr th"
    before = page.locator(names).all_text_contents()
    header = page.locator("table.main thead th", has_text="FPR on authentic")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert page.locator("table.main [aria-sort]").count() == 1
    after = page.locator(names).all_text_contents()
    assert sorted(after) == sorted(before)
    assert after != before
    values = page.locator('table.main [data-metric="fpr_authentic"]').evaluate_all(
        "cells => cells.map(cell => Number(cell.dataset.value))"
    )
    assert values == sorted(values)
    header.get_by_role("button").press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert page.locator(names).first.text_content() == after[-1]


def test_the_undefined_stay_last_in_either_order(opened: Open) -> None:
    page = opened()
    button = page.locator("table.main thead th", has_text="Pixel AUC").get_by_role("button")
    for _ in range(2):
        button.click()
        cell = page.locator('table.main tbody tr:last-child [data-metric="pixel_auc"]')
        assert cell.get_attribute("title") == "undefined"


def test_a_hostile_name_is_shown_as_it_is(opened: Open) -> None:
    page = opened()
    assert page.locator("table.main tbody th").first.inner_text().strip() == HOSTILE
    page.evaluate("Plotly.Fx.hover(document.querySelector('[data-figure=f1]'), [{curveNumber: 0, pointNumber: 100}])")
    lines = page.locator('[data-figure="f1"] .hoverlayer .hovertext tspan.line').all_text_contents()
    assert lines[0] == HOSTILE


def test_the_legend_hides_an_entry_everywhere(opened: Open) -> None:
    page = opened()
    button = page.locator(".legend button").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.locator('[data-figure="image_roc"] .scatterlayer .trace').count() == 3
    assert page.locator('[data-figure="f1"] .scatterlayer .trace').count() == 2
    button.click()
    assert page.locator('[data-figure="image_roc"] .scatterlayer .trace').count() == 4


def test_a_picture_opens_layer_by_layer_and_closes_with_escape(opened: Open) -> None:
    page = opened()
    dialog, picture = page.locator("#lightbox"), page.locator("#lightbox .picture")
    assert not dialog.is_visible()
    card = page.locator("button.pictures").nth(1)
    name = page.locator(".card .id").nth(1).text_content()
    card.click()
    assert dialog.is_visible()
    assert page.locator("#lightbox-title").text_content() == name
    for layer in ("image", "truth", "prediction"):
        toggle, shown = dialog.get_by_role("button", name=layer, exact=False), picture.locator(f".layer-{layer}")
        assert shown.evaluate("layer => getComputedStyle(layer).display") != "none"
        toggle.click()
        assert toggle.get_attribute("aria-pressed") == "false"
        assert shown.evaluate("layer => getComputedStyle(layer).display") == "none"
        toggle.click()
        assert shown.evaluate("layer => getComputedStyle(layer).display") != "none"
    page.keyboard.press("ArrowRight")
    assert page.locator("#lightbox-title").text_content() == page.locator(".card .id").nth(2).text_content()
    dialog.get_by_role("button", name="Previous").click()
    assert page.locator("#lightbox-title").text_content() == name
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert card.evaluate("button => button === document.activeElement")


def test_a_layer_that_is_not_there_cannot_be_toggled(opened: Open) -> None:
    page = opened()
    page.locator(".wall").last.locator("button.pictures").first.click()
    assert page.locator('#lightbox [data-layer="prediction"]').is_disabled()
    assert page.locator('#lightbox [data-layer="image"]').is_enabled()


def test_pictures_have_pixels(opened: Open) -> None:
    page = opened()
    sizes = page.evaluate(
        "Promise.all([...document.querySelectorAll('.stock image')].map(async (image) => {"
        "  const probe = new Image(); probe.src = image.href.baseVal; await probe.decode();"
        "  return probe.naturalWidth * probe.naturalHeight; }))"
    )
    assert len(sizes) > 20
    assert min(sizes) > 0


def test_curves_follow_the_colour_scheme(opened: Open) -> None:
    page = opened()
    line = page.locator('[data-figure="image_roc"] .scatterlayer .js-line').first
    light = line.evaluate("line => getComputedStyle(line).stroke")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "before => getComputedStyle(document.querySelector("
        "'[data-figure=image_roc] .scatterlayer .js-line')).stroke !== before",
        arg=light,
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_nothing_but_the_tables_scrolls_sideways(opened: Open, width: int) -> None:
    page = opened(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 360:
        box = page.locator("#results .scroll").first
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")


def test_on_paper_everything_is_open_and_the_tools_are_gone(opened: Open) -> None:
    page = opened(scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details[open]").count() == page.locator("details").count() >= 1
    assert not page.locator("nav").is_visible()
    assert page.locator('[data-figure="image_roc"] .main-svg').first.get_attribute("width") == "330"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 30, 35)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_dots_lie_in_their_tracks_and_have_their_entrys_colour(opened: Open, rich_address: str) -> None:
    page = opened(at=rich_address)
    dots = page.locator("#slices .track circle, #comparison .track circle")
    assert dots.count() >= 5
    for dot in dots.all():
        inside = dot.evaluate(
            "dot => { const [a, b] = [dot, dot.ownerSVGElement].map(e => e.getBoundingClientRect());"
            " return a.left >= b.left && a.right <= b.right && a.width > 4 && Math.abs(a.width - a.height) < 0.5; }"
        )
        assert inside
    row = page.locator("#slices .slice tbody tr", has_text=HOSTILE).first
    dot, swatch = row.locator("circle"), row.locator(".swatch")
    assert dot.evaluate("e => getComputedStyle(e).fill") == swatch.evaluate("e => getComputedStyle(e).backgroundColor")


def test_grey_numbers_look_grey_and_say_why_in_text(opened: Open, rich_address: str) -> None:
    page = opened(at=rich_address)
    table = page.locator(".published[open]")
    assert table.count() == 1
    grey, plain = (table.locator(one).first for one in (".variant.grey .value", ".variant:not(.grey) .value"))
    colour = "e => getComputedStyle(e).color"
    assert grey.evaluate(colour) != plain.evaluate(colour)
    number = int(grey.locator("sup").inner_text())
    reason = page.locator(".reasons li").nth(number - 1)
    assert reason.is_visible()
    assert reason.inner_text() in grey.locator("xpath=..").get_attribute("title")


def test_definitions_open_by_a_click_and_by_the_keyboard(opened: Open, rich_address: str) -> None:
    page = opened(at=rich_address)
    second = page.locator(".published").nth(1)
    assert not second.locator("table").is_visible()
    second.locator("summary").click()
    assert second.locator("table").is_visible()
    source = page.locator(".source").nth(1)
    assert not source.locator("li").first.is_visible()
    source.locator("summary").press("Enter")
    assert source.locator("li").first.is_visible()


def test_the_frozen_threshold_is_drawn_and_hidden_with_its_entry(opened: Open, rich_address: str) -> None:
    page = opened(at=rich_address)
    marks = page.locator('[data-figure="f1"] .scatterlayer .points path')
    assert marks.count() == 1
    assert "◆" in page.locator("#curves figcaption").first.inner_text()
    page.locator(".legend button").first.click()
    assert marks.count() == 0


def test_pixel_reliability_counts_pixels(opened: Open, rich_address: str) -> None:
    page = opened(at=rich_address)
    plot = "document.querySelector('[data-figure=pixel_reliability]')"
    page.evaluate(f"Plotly.Fx.hover({plot}, [{{curveNumber: 0, pointNumber: 3}}])")
    lines = page.locator('[data-figure="pixel_reliability"] .hoverlayer tspan.line').all_text_contents()
    assert lines[1].endswith(" pixels)")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("media", ["screen", "print"])
def test_the_rich_page_fits(opened: Open, rich_address: str, width: int, media: str) -> None:
    page = opened(width=688 if media == "print" else width, at=rich_address)
    page.emulate_media(media=media)
    if media == "print":
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= (688 if media == "print" else width)
