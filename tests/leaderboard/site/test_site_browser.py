"""The board in a browser: from a file, by keyboard, on a phone, on paper, to a screen reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest

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
Open = Callable[..., playwright.Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: playwright.Browser, site: Path) -> Iterator[Open]:
    """Open a page from disk; a message on the console or a request to anywhere else fails the test at its end."""
    contexts, wrong = [], []

    def answer(route: playwright.Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    def run(path: str = "index.html", width: int = 1280, scheme: str = "light") -> playwright.Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        (file,) = site.glob(path.partition("#")[0])
        page.goto(f"{file.as_uri()}{''.join(path.partition('#')[1:])}")
        if path.startswith("index.html"):
            page.wait_for_selector("#slices .main-svg")
        return page

    yield run
    for context in contexts:
        context.close()
    assert wrong == []


def ids(page: playwright.Page) -> list[str]:
    return page.locator("#table tbody tr").evaluate_all("rows => rows.map(row => row.dataset.id)")


def test_filters_are_in_the_address_and_controls_always_stand_there(opened: Open) -> None:
    page = opened()
    assert ids(page) == ["strong", "weak", "random", "black", "old"]
    page.locator(".tracks span", has_text="box").click()
    assert set(ids(page)) == {"weak", "random", "black"}
    page.locator("#definition").select_option("trufor")
    page.locator("#metric").select_option("image_auc")
    address = page.url
    assert {"track=box", "definition=trufor", "metric=image_auc"} <= set(address.partition("#")[2].split("&"))
    again = opened(f"index.html#{address.partition('#')[2]}")
    assert ids(again) == ids(page)
    assert again.locator("#metric").input_value() == "image_auc"
    again.locator("#search").fill("nobody of that name")
    assert set(ids(again)) == {"random", "black"}


def test_a_header_sorts_and_sorts_back_by_the_keyboard(opened: Open) -> None:
    page = opened()
    header = page.locator('#table th[data-key="image_ece"]')
    header.get_by_role("button").press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    first = ids(page)
    assert first[-1] == "old"
    assert page.evaluate("document.activeElement.closest('th').dataset.key") == "image_ece"
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert ids(page)[:-1] == first[:-1][::-1]
    assert "sort=-image_ece" in page.url
    assert "the worst first" in page.locator("#status").inner_text()


def test_what_does_not_rank_is_grey_and_says_why(opened: Open) -> None:
    page = opened("index.html#definition=trufor&metric=pixel_f1_best")
    note = page.locator("#unrankable")
    assert note.is_visible()
    assert "does not rank" in note.inner_text()
    header = page.locator('#table th[data-key="pixel_f1_best"]')
    assert "grey" in header.get_attribute("class")
    number = int(header.locator("sup").inner_text())
    assert page.locator("#reasons li").nth(number - 1).inner_text() in f"Does not rank: {note.inner_text()}" or (
        page.locator("#reasons li").nth(number - 1).inner_text().removeprefix("Does not rank: ") in note.inner_text()
    )


def test_the_superseded_row_is_last_and_leads_to_its_successor(opened: Open) -> None:
    row = opened().locator('#table tr[data-id="old"]')
    assert "gone" in row.get_attribute("class")
    assert row.get_by_role("link", name="strong").get_attribute("href") == "entries/strong/index.html"
    assert row.locator(".tier").inner_text() == "–"


def test_the_matrix_is_antisymmetric(opened: Open) -> None:
    cells = opened().locator(".matrix tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => [cell.textContent, cell.className]))"
    )  # fmt: skip
    turned = {"ahead": "behind", "behind": "ahead", "": "", "self": "self"}
    signs = {"+": "−", "−": "+"}
    assert len(cells) == 4
    for i, row in enumerate(cells):
        for j, (text, kind) in enumerate(row):
            assert cells[j][i] == [signs.get(text[:1], text[:1]) + text[1:], turned[kind]]
    assert {kind for row in cells for _, kind in row} >= {"ahead", "behind", "self"}


def test_names_are_shown_as_they_are(opened: Open) -> None:
    page = opened()
    assert page.locator('#table tr[data-id="weak"] th > a').inner_text() == "a & b \"c\" 'd' {{ 7 * 7 }}"


def test_the_verify_command_is_copied_or_selected(opened: Open) -> None:
    page = opened("entries/strong/index.html")
    page.get_by_role("button", name="Copy").press("Enter")
    page.wait_for_function("document.querySelector('.copied').textContent !== ''")
    assert page.locator("#command").inner_text() == "forgebench verify strong"


BENCHMARK = "benchmarks/*/index.html"
PAGES = ("index.html", "definitions.html", "downloads.html", "entries/weak/index.html", BENCHMARK)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(opened: Open, path: str) -> None:
    assert opened(path, width=360).evaluate("document.documentElement.scrollWidth") <= 360


def test_on_paper_nothing_is_cut_off(opened: Open) -> None:
    page = opened(width=688, scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert not page.locator(".filters").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 30, 35)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(opened: Open, path: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(path, scheme=scheme)
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_style_comes_from_the_page_itself(opened: Open, path: str, scheme: str) -> None:
    """What the policy stops is a message on the console, and these fail each test; here everything is touched."""
    page = opened(path, scheme=scheme)
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert "unsafe" not in policy
    assert page.locator("style, [onclick]").count() == 0
    for plot in page.locator(".js-plotly-plot").all():
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
        page.mouse.wheel(0, 10)
    for cell in page.locator(".matrix td").all()[:2]:
        cell.hover()
    page.locator("details").evaluate_all("folds => folds.forEach(one => { one.open = true; })")
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(100)


def test_the_policy_would_be_heard(chromium: playwright.Browser, site: Path) -> None:
    """A style in the markup is stopped, and said on the console: so the test above can fail."""
    page = chromium.new_page()
    page.goto((site / "downloads.html").as_uri())
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")


def test_the_kept_rules_are_those_of_plotly(chromium: playwright.Browser) -> None:
    assets = Path(str(files("forgebench.pages"))) / "assets"
    page = chromium.new_page()
    page.set_content("<!doctype html><title>x</title>")
    page.add_script_tag(path=str(assets / "plotly-basic.min.js"))
    page.add_style_tag(path=str(assets / "plotly.css"))
    own, kept = page.evaluate("[...document.styleSheets].map((one) => [...one.cssRules].map((rule) => rule.cssText))")
    page.close()
    assert len(own) > 40
    assert kept == own
