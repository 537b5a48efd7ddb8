"""The robustness of the page: what is drawn and said is what `robustness.json` says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import lookalikes
import numpy as np
import pytest
from page_reader import Element, parse, words
from PIL import Image
from seer import HOSTILE

import forgebench
from forgebench import InputError, Prediction, Sample
from forgebench.benchmark import Benchmark
from forgebench.degrade import parent_of
from forgebench.report import write_report
from forgebench.scoring.robust import Robustness, read_robustness

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
RECIPES = ("blur", "resize-0.5", "resize-1.5", "x", "facebook")
WITHOUT = ("boundary", "regions")


@dataclass(frozen=True)
class Fading:
    """A method that knows the truth of the parent, and sees less of it under blur."""

    truths: lookalikes.Truths
    name: str
    sight: float
    fading: float
    supervision: str = "pixel"

    def predict(self, samples: Sequence[Sample]) -> Iterable[Prediction]:
        for sample in samples:
            origin = parent_of(sample.sample_id) if "--" in sample.sample_id else None
            name = origin.sample_id if origin else sample.sample_id
            blur = (origin.strength or 0) if origin and origin.family == "blur" else 0
            truth = Image.fromarray(self.truths[name].mask).resize((sample.width, sample.height))
            rng = np.random.default_rng(list(name.encode()))
            sight = self.sight - self.fading * blur
            noisy = rng.normal(90 + sight * np.asarray(truth), 45)
            yield Prediction(sample.sample_id, 0.5, np.clip(noisy, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def robust(
    truths: tuple[Path, lookalikes.Truths], benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Two methods over a grid, the second without one strength; folders that are not to be changed."""
    root = tmp_path_factory.mktemp("robust")
    forgebench.degrade_grid(benchmark, root / "grid", recipes=RECIPES, workers=1)
    folders = []
    for number, (name, sight, fading) in enumerate(((HOSTILE, 90.0, 30.0), ("steady", 60.0, 0.0))):
        method, home = Fading(truths[1], name, sight, fading), root / str(number)
        forgebench.predict(method, benchmark, home / "sub")
        forgebench.score(home / "sub", benchmark, home / "clean", without=WITHOUT, workers=1)
        forgebench.predict_grid(method, root / "grid", home / "subs")
        if number:
            (home / "subs" / "resize-1.5.parquet").unlink()
        forgebench.score_grid(
            home / "subs", root / "grid", home / "out", clean=home / "clean", without=WITHOUT, workers=1
        )
        folders.append(home / "out")
    return folders


@pytest.fixture(scope="module")
def page(robust: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Element:
    return parse(write_report(robust, tmp_path_factory.mktemp("page") / "r.html").read_text())


def section(page: Element) -> Element:
    (found,) = page.all("section", id="robustness")
    return found


def figures(page: Element) -> dict[str, Element]:
    return {words(next(iter(one.all("h3")))): one for one in page.all("figure", class_="strengths")}


def heights(figure: Element) -> tuple[float, float]:
    """The metric as a linear function of the height in the panel, read off its own tick labels."""
    ticks = {float(line.attributes["y1"]) for line in figure.all("line", class_="tick")}
    labels = [one for one in figure.all("text", text_anchor="end") if one.attributes.get("class") != "at"]
    read = {float(one.attributes["y"]) - 3.5: float(one.text.replace("−", "-")) for one in labels}
    assert set(read) == ticks
    slope, start = np.polyfit(list(read), list(read.values()), 1)
    return float(slope), float(start)


def drawn(figure: Element) -> dict[int, list[tuple[float, float, bool]]]:
    """Place, value and whether told apart, of every dot of every entry."""
    slope, start = heights(figure)
    return {
        int(group.attributes["data-colour"]): [
            (float(c.attributes["cx"]), start + slope * float(c.attributes["cy"]), c.attributes["class"] == "apart")
            for c in group.all("circle")
        ]
        for group in figure.all("g", data_colour=None)
    }  # fmt: skip


def made(robust: list[Path]) -> list[Robustness]:
    return [read_robustness(folder) for folder in robust]


def test_panels_are_families_and_their_axes_start_at_clean(page: Element) -> None:
    panels = figures(section(page))
    assert list(panels) == ["blur sigma, pixels", "resize factor", "One strength each"]
    ticks = {name: [words(one) for one in panel.all("text", class_="at")] for name, panel in panels.items()}
    assert list(ticks.values()) == [["clean", "0.5", "1", "2", "3"], ["0.5", "clean", "1.5"], ["x", "facebook"]]


def test_dots_are_where_the_points_are(page: Element, robust: list[Path]) -> None:
    for name, panel in figures(section(page)).items():
        places = {words(one): float(one.attributes["x"]) for one in panel.all("text", class_="at")}
        family = name.split()[0]
        dots = drawn(panel)
        for index, one in enumerate(made(robust)):
            single = family == "One"
            curves = [c for c in one.curves if (c.clean_at is None if single else c.family == family)]
            points = [point for curve in curves for point in curve.points]
            assert [value for _, value, _ in dots[index]] == pytest.approx([p.value for p in points], abs=1e-3)
            assert [apart for _, _, apart in dots[index]] == [p.separated for p in points]
            wanted = [places[p.recipe.removeprefix(f"{family}-")] for p in points]
            assert [x for x, _, _ in dots[index]] == pytest.approx(wanted, abs=10 if single else 1e-6)


def test_clean_lines_and_bands_are_those_of_the_numbers(page: Element, robust: list[Path]) -> None:
    panel = figures(section(page))["blur sigma, pixels"]
    slope, start = heights(panel)
    for group, one in zip(panel.all("g", data_colour=None), made(robust), strict=True):
        (line,) = group.all("line", class_="clean")
        assert start + slope * float(line.attributes["y1"]) == pytest.approx(one.clean, abs=1e-3)
        (band,) = group.all("polygon")
        corners = [tuple(map(float, pair.split(","))) for pair in band.attributes["points"].split()]
        points = next(curve for curve in one.curves if curve.family == "blur").points
        lows, highs = [one.ci_low, *(p.ci_low for p in points)], [one.ci_high, *(p.ci_high for p in points)]
        assert [start + slope * y for _, y in corners] == pytest.approx(highs + lows[::-1], abs=1e-3)


def test_areas_are_those_of_the_file(page: Element, robust: list[Path]) -> None:
    (table,) = section(page).all("table", class_="slice areas")
    rows = [[words(cell) for cell in row.all("td")] for row in list(table.all("tr"))[1:]]
    found = made(robust)
    curves = [curve for family in ("blur", "resize") for one in found for curve in one.curves if curve.family == family]
    assert len(rows) == len(curves) == 4
    for row, curve in zip(rows, curves, strict=True):
        said = row[0].split("[")[0].strip()
        assert said == ("—" if curve.area is None else f"{curve.area.value:.3f}")
        if curve.area:
            low, high = curve.area.difference_low, curve.area.difference_high
            assert row[1].replace("−", "-").endswith(f"[{low:.3f}, {high:.3f}]")
    assert [curve.area is None for curve in curves] == [False, False, False, True]
    assert "steady was not scored under resize-1.5." in words(section(page))


def test_all_points_are_in_a_table_and_the_name_stays_text(page: Element, robust: list[Path]) -> None:
    (details,) = section(page).all("details")
    (table,) = details.all("table")
    rows = list(table.all("tr"))[1:]
    points = [point for one in made(robust) for curve in one.curves for point in curve.points]
    assert [words(next(iter(row.all("th")))) for row in rows] == [point.recipe for point in points]
    for row, point in zip(rows, points, strict=True):
        cells = list(row.all("td"))
        assert float(cells[1].attributes["title"]) == point.value
        assert float(cells[3].attributes["title"]) == point.difference
        assert words(cells[5]) == str(point.n)
    assert HOSTILE in section(page).text


def test_without_robustness_there_is_no_section(scores: dict[str, Path], page: Element, tmp_path: Path) -> None:
    plain = parse(write_report(list(scores.values()), tmp_path / "r.html").read_text())
    assert not list(plain.all("section", id="robustness"))
    assert not list(plain.all("a", href="#robustness"))
    assert list(page.all("a", href="#robustness"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"record_sha256": "0" * 64}, "of another record"),
        ({"metric": "image_auc"}, "by image_auc of forgebench"),
        ({"curves": [{"family": "blur", "unit": "s", "axis": ["blur-9"], "clean_at": 0, "points": [], "area": None}]},
         "other strengths of blur"),
        ({"clean": "high"}, "cannot be read"),
    ],
)  # fmt: skip
def test_robustness_that_does_not_belong_is_refused(
    robust: list[Path], tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    copy = Path(shutil.copytree(robust[1], tmp_path / "copy"))
    file = copy / "robustness.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError, match=expected):
        write_report([robust[0], copy], tmp_path / "r.html")


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    driver = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"there is no {CHROMIUM}")
    with driver.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_panels_in_a_browser(chromium, robust: list[Path], tmp_path: Path, width: int, scheme: str) -> None:
    address = write_report(robust, tmp_path / "r.html").as_uri()
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panels = page.locator(".strengths svg")
    assert panels.count() == 3
    inside = page.evaluate(
        "[...document.querySelectorAll('.strengths svg')].every(svg => { const b = svg.getBoundingClientRect();"
        "return [...svg.querySelectorAll('circle, text')].every(one => { const a = one.getBoundingClientRect();"
        "return a.left >= b.left - 9 && a.right <= b.right + 9 && a.top >= b.top - 9 && a.bottom <= b.bottom + 9; });"
        "})"
    )
    assert inside
    fill, stroke = ("e => getComputedStyle(e).fill", "e => getComputedStyle(e).stroke")
    full, hollow = panels.first.locator("circle.apart").first, page.locator(".strengths circle.alike").first
    assert full.evaluate(fill) == full.evaluate(stroke)
    assert hollow.evaluate(fill) != hollow.evaluate(stroke)
    context.close()
    assert wrong == []
