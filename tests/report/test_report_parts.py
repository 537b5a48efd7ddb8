"""Slices, the comparison and the table of all metrics say what the records and `compare` say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from page_reader import Element, parse, words
from seer import HOSTILE

import forgebench
from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS
from forgebench.report import write_report
from forgebench.report.comparison import forest
from forgebench.report.entries import read_entries
from forgebench.report.every import all_metrics
from forgebench.report.ranking import Ranking, rank
from forgebench.report.scales import scale
from forgebench.scoring.compare import Difference

Scores = dict[str, Path]


@pytest.fixture(scope="module")
def page(rich: Scores, tmp_path_factory: pytest.TempPathFactory) -> Element:
    return parse(write_report(list(rich.values()), tmp_path_factory.mktemp("page") / "r.html").read_text())


def part(page: Element, name: str) -> Element:
    (found,) = page.all("section", id=name)
    return found


def record_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "record.json").read_text())


def by_method(rich: Scores) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """Numbers of the definition forgebench, by subset and metric."""
    records = [record_of(folder) for folder in rich.values()]
    return {
        r["method"]["method"]: {
            (m["subset"], m["metric"]): m for m in r["metrics"] if m["definition"] == "forgebench"
        }
        for r in records
    }  # fmt: skip


def at(axis: dict[float, float], value: float) -> float:
    """Where a value is between the labels of an axis."""
    (low, x), (high, y) = min(axis.items()), max(axis.items())
    return x + (y - x) * (value - low) / (high - low)


def axis_of(table: Element) -> dict[float, float]:
    """Its labels, and where they are."""
    (axis,) = table.all("svg", class_="track axis")
    return {float(one.text.replace("−", "-")): float(one.attributes["x"].rstrip("%")) for one in axis.all("text")}


def positions(svg: Element) -> list[float]:
    """Low end, value and high end as drawn."""
    (dot,), (line,) = svg.all("circle"), svg.all("line", class_="range")
    drawn = (line.attributes["x1"], dot.attributes["cx"], line.attributes["x2"])
    return [float(one.rstrip("%")) for one in drawn]


def test_slices_are_drawn_and_told_as_recorded(page: Element, rich: Scores) -> None:
    numbers, section = by_method(rich), part(page, "slices")
    tables = list(section.all("table", class_="slice"))
    assert [words(one) for one in section.all("h3")] == ["Pixel F1 by region size", "Pixel F1 by jpeg quality"]
    drawn = 0
    for name, table in zip(("region_size", "jpeg_quality"), tables, strict=True):
        axis = axis_of(table)
        values = [subset for subset, _ in numbers[HOSTILE] if subset and subset.startswith(f"{name}=")]
        bodies = list(table.all("tbody"))
        assert len(bodies) == len(set(values)) >= (2 if name == "jpeg_quality" else 1)
        for body in bodies:
            value = words(next(body.all("th", scope="rowgroup")))
            for row in body.all("tr"):
                number = numbers[next(row.all("th", scope="row")).text.strip()][f"{name}={value}", "pixel_f1"]
                (cell,) = row.all("td", data_metric="pixel_f1")
                assert cell.attributes["data-value"] == ("" if number["value"] is None else repr(number["value"]))
                assert words(list(row.all("td"))[-1]) == str(number["n"])
                tracks = list(row.all("svg"))
                assert bool(tracks) == (number["value"] is not None)
                if tracks:
                    ends = [at(axis, number[end]) for end in ("ci_low", "value", "ci_high")]
                    assert positions(tracks[0]) == pytest.approx(ends, abs=0.02)
                    drawn += 1
    assert drawn >= 6


def test_the_wider_table_of_a_slice_has_every_main_metric(page: Element, rich: Scores) -> None:
    numbers = by_method(rich)
    (details, *_) = part(page, "slices").all("details", class_="wider")
    checked = 0
    for body in details.all("tbody"):
        value = words(next(body.all("th", scope="rowgroup")))
        for row in body.all("tr"):
            of_entry = numbers[next(row.all("th", scope="row")).text.strip()]
            for cell in row.all("td", data_metric=None):
                number = of_entry[f"region_size={value}", cell.attributes["data-metric"]]
                assert cell.attributes["data-value"] == ("" if number["value"] is None else repr(number["value"]))
                checked += 1
    assert checked >= 3 * 8


def test_an_entry_that_was_not_sliced_is_said_not_to_be(rich: Scores, scores: Scores, tmp_path: Path) -> None:
    page = parse(write_report([rich["seer"], scores["black"]], tmp_path / "r.html").read_text())
    rows = [row for row in part(page, "slices").all("tr") if "all black" in words(row)]
    assert rows
    cells = [cell for row in rows for cell in row.all("td", data_metric=None)]
    assert {cell.attributes["title"] for cell in cells} == {"not scored"}


def test_without_slices_or_a_second_entry_the_page_says_how_or_nothing(scores: Scores, tmp_path: Path) -> None:
    page = parse(write_report([scores["seer"]], tmp_path / "r.html").read_text())
    assert "--slice manipulation" in words(part(page, "slices"))
    assert not list(page.all("section", id="comparison"))


def test_the_forest_is_that_of_compare(page: Element, rich: Scores) -> None:
    comparison = forgebench.compare([rich["seer"], rich["box"]])
    (gap,) = comparison.differences
    section = part(page, "comparison")
    (table,) = section.all("table")
    (row,) = next(table.all("tbody")).all("tr")
    assert [words(one) for one in row.all("th")] == [HOSTILE, "centre box"]
    (cell,) = row.all("td", data_value=None)
    assert float(cell.attributes["data-value"]) == gap.value
    assert words(cell) == f"{gap.value:.3f}[{gap.ci_low:.3f}, {gap.ci_high:.3f}]".replace("-", "−")
    (track,) = row.all("svg")
    axis = axis_of(table)
    assert 0 in axis
    assert positions(track) == pytest.approx([at(axis, one) for one in (gap.ci_low, gap.value, gap.ci_high)], abs=0.02)
    assert [words(one) for one in row.all("td")][-3:] == [f"{gap.p_holm:.2g}", "told apart", f"{gap.detectable:.3f}"]
    assert f"true difference is at least {gap.detectable:.3f}. What is smaller" in words(section)
    assert [words(one) for one in section.all("li")] == [f"Tier 1 {HOSTILE}", "Tier 2 centre box"]
    assert "Not compared: no masks, for want of a value" in words(section)


def test_verdicts_and_words_follow_the_differences(scores: Scores) -> None:
    entries = read_entries([scores["seer"], scores["box"], scores["black"]])
    titles = [entry.title for entry in entries]
    gaps = (
        Difference(titles[0], titles[1], 0.2, 0.1, 0.3, 0.001, 0.003, 0.11),
        Difference(titles[0], titles[2], 0.3, -0.1, 0.4, 0.2, 0.2, 0.34),
        Difference(titles[1], titles[2], 0.1, float("nan"), float("nan"), float("nan"), float("nan"), float("nan")),
    )
    tiers = dict(zip(titles, (1, 2, 1), strict=True))
    made = forest(entries, Ranking("pixel_f1", tuple(entries), tiers, gaps))
    assert made is not None
    assert "at least 0.110 to 0.340, by pair, before the correction for several pairs." in made.detectable
    assert made.tiers == ((1, (titles[0], titles[2])), (2, (titles[1],)))
    assert made.scale.ticks == (-0.1, 0.0, 0.1, 0.2, 0.3, 0.4)
    unknown = Ranking("pixel_f1", tuple(entries), tiers, gaps[2:])
    assert forest(entries, unknown).detectable == "How small a difference could be found here cannot be known."  # type: ignore[union-attr]
    assert forest(entries, Ranking("pixel_f1", tuple(entries))) is None


def test_two_that_are_alike_are_not_told_apart(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["seer"], tmp_path / "again")
    page = parse(write_report([scores["seer"], tmp_path / "again"], tmp_path / "r.html").read_text())
    (row,) = part(page, "comparison").all("tr", class_="alike")
    assert "not told apart" in words(row)
    assert "Tier 2" not in words(part(page, "comparison"))


def test_another_metric_leads_when_it_is_told_to(scores: Scores, tmp_path: Path) -> None:
    some = [scores["seer"], scores["box"], scores["black"]]
    page = parse(write_report(some, tmp_path / "r.html", metric="image_eer").read_text())
    (table,) = page.all("table", class_="main sortable")
    (head,) = table.all("th", aria_sort=None)
    assert (words(head), head.attributes["aria-sort"]) == ("Image EER", "ascending")
    values = [float(one.attributes["data-value"]) for one in table.all("td", data_metric="image_eer")]
    assert values == sorted(values)
    assert len(values) == 3
    section = part(page, "comparison")
    assert "Comparison by Image EER" in words(section)
    assert "Lower is better." in words(section)
    gaps = [float(one.attributes["data-value"]) for one in section.all("td", data_value=None)]
    assert gaps == [one.value for one in forgebench.compare(some, metric="image_eer").differences]
    assert min(gaps) < 0


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("pixel_f2", "no metric 'pixel_f2'"), ("pixel_f1_oracle", "cannot lead. The threshold is chosen by the truth")],
)
def test_a_metric_that_cannot_lead_is_refused(scores: Scores, tmp_path: Path, metric: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        write_report([scores["seer"]], tmp_path / "r.html", metric=metric)
    assert not list(tmp_path.iterdir())


def test_without_any_masks_image_auc_leads(scores: Scores, tmp_path: Path) -> None:
    page = parse(write_report([scores["unmasked"]], tmp_path / "r.html").read_text())
    (head,) = next(page.all("table", class_="main sortable")).all("th", aria_sort=None)
    assert words(head) == "Image AUC"


@pytest.mark.parametrize("which", ["scores", "rich"])
def test_every_metric_of_every_record_is_in_the_page(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folders = list(request.getfixturevalue(which).values())
    page = parse(write_report(folders, tmp_path / "r.html").read_text())
    records = [record_of(folder) for folder in folders]
    every = list(part(page, "every").all("details", class_="all-metrics"))
    assert [words(next(one.all("summary"))).split(",")[0] for one in every] == [
        f"Definition {name}" for name in records[0]["definitions"]
    ]
    for name, table in zip(records[0]["definitions"], every, strict=True):
        numbers = [
            {m["metric"]: m for m in r["metrics"] if m["definition"] == name and m["subset"] is None} for r in records
        ]
        absent = " ".join(words(one) for one in table.all("tr", class_="absent"))
        rows = {}
        for row in table.all("tr"):
            cells = list(row.all("td", data_metric=None))
            rows |= {cells[0].attributes["data-metric"]: cells} if cells else {}
        for metric in numbers[0]:
            found = [of_entry[metric] for of_entry in numbers]
            defined = any(one["value"] is not None for one in found)
            assert (metric in rows) == defined
            assert (DEFINITIONS[name].metric(metric).title in absent) or defined
            for cell, number in zip(rows.get(metric, ()), found, strict=defined):
                value = number["value"]
                assert cell.attributes["data-value"] == ("" if value is None else repr(value))
                some = value is not None and number["n_undefined"] > 0
                assert (f"{number['n_undefined']} undefined" in cell.text) == some
        assert set(rows) <= set(numbers[0])


def reasons(folders: list[Path]) -> dict[str, str]:
    """Why the metrics of each family of forgebench are absent; one reason a family here."""
    (table,) = all_metrics(read_entries(folders))
    return {one.name: one.absent[0].why for one in table.families if one.absent and not one.lines}


def test_families_without_a_value_are_one_line_that_says_why(scores: Scores, tmp_path: Path) -> None:
    assert reasons([scores["seer"]]) == {
        "text": "no explanations were submitted",
        "classes": "no probabilities of synthetic were submitted",
    }
    alone = reasons([scores["unmasked"]])
    for family in ("boundary", "region"):
        assert alone[family] == "no masks were submitted"
    assert "cost" not in alone, "image labels have a cost"
    assert reasons([scores["box"], scores["black"]])["cost"] == "zero-shot needs no annotation"
    submission = json.loads((scores["seer"] / "inputs.json").read_text())
    forgebench.score(submission["submission"], submission["benchmark"], tmp_path / "s", without=["boundary"], workers=1)
    assert reasons([tmp_path / "s"])["boundary"] == "boundaries were not counted"


def test_a_frozen_threshold_is_missed_only_where_there_is_none(scores: Scores, rich: Scores) -> None:
    def why(folder: Path) -> list[str]:
        tables = all_metrics(read_entries([folder]))
        return [one.why for family in tables[0].families for one in family.absent if "frozen" in one.titles[0]]

    assert set(why(scores["seer"])) == {"no threshold was frozen on another split"}
    assert why(rich["seer"]) == []


def test_a_planted_undefined_number_has_no_made_up_reason(scores: Scores) -> None:
    (entry,) = read_entries([scores["seer"]])
    metrics = [
        one.model_copy(update={"value": None, "n_undefined": one.n}) if one.metric == "pixel_iou" else one
        for one in entry.record.metrics
    ]
    (table,) = all_metrics([replace(entry, record=entry.record.model_copy(update={"metrics": metrics}))])
    pixel = next(one for one in table.families if one.name == "pixel")
    assert ("", ("Pixel IoU",)) in [(one.why, one.titles) for one in pixel.absent]


@pytest.mark.parametrize(
    ("values", "zero", "ticks"),
    [
        ([], False, (0.0, 0.5, 1.0)),
        ([None, float("nan")], False, (0.0, 0.5, 1.0)),
        ([0.3], False, None),
        ([-2.0, 2.0], False, (-2.0, -1.0, 0.0, 1.0, 2.0)),
        ([0.481, 0.4811], True, None),
        ([1e-9], True, None),
    ],
)
def test_an_axis_holds_its_values_between_round_ticks(
    values: list[float | None], zero: bool, ticks: tuple[float, ...] | None
) -> None:
    found = scale(values, zero=zero)
    assert ticks is None or found.ticks == ticks
    assert 2 <= len(found.ticks) <= 8
    assert list(found.ticks) == sorted(set(found.ticks))
    for value in [one for one in values if one is not None and one == one] + [0.0] * zero:
        assert 3 <= found.at(value) <= 97


def test_a_ranking_keeps_all_pairs_under_the_pages_titles(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["black"], tmp_path / "again")
    entries = read_entries([scores["black"], tmp_path / "again", scores["seer"]])
    found = rank(entries, "pixel_f1")
    titles = {entry.title for entry in entries}
    assert len(found.differences) == 3
    assert {one.first for one in found.differences} | {one.second for one in found.differences} == titles
    assert set(found.ahead) == titles - {HOSTILE}
