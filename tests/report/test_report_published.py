"""What each definition would have published is what the records say, under the names that the field uses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from page_reader import Element, parse, words
from seer import HOSTILE

import forgebench
from forgebench.metrics import DEFINITIONS
from forgebench.report import write_report
from forgebench.report.entries import read_entries
from forgebench.report.published import QUANTITIES, _is_called, disagreement
from forgebench.report.results import Row

Scores = dict[str, Path]
Numbers = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def section(rich: Scores, tmp_path_factory: pytest.TempPathFactory) -> Element:
    return read(list(rich.values()), tmp_path_factory.mktemp("page") / "r.html")


def read(folders: list[Path], out: Path) -> Element:
    (found,) = parse(write_report(folders, out).read_text()).all("section", id="definitions")
    return found


def numbers(folder: Path) -> Numbers:
    """What the record says of all samples, by definition and metric."""
    record = json.loads((folder / "record.json").read_text())
    return {(m["definition"], m["metric"]): m for m in record["metrics"] if m["subset"] is None}


def tables(section: Element) -> dict[str, Element]:
    """By the entry's title."""
    found = {}
    for details in section.all("details", class_="published"):
        _, title, _ = next(details.all("summary")).all("span")
        found[title.text] = details
    return found


def test_every_number_is_the_records_in_the_column_of_its_definition(section: Element, rich: Scores) -> None:
    found = tables(section)
    assert set(found) == {HOSTILE, "centre box", "no masks"}
    for folder in rich.values():
        record = numbers(folder)
        table = found[json.loads((folder / "record.json").read_text())["method"]["method"]]
        (head,), (body,) = table.all("thead"), table.all("tbody")
        columns = [words(one) for one in head.all("th")][1:]
        assert columns == list(DEFINITIONS)
        seen = 0
        for row in body.all("tr"):
            for name, cell in zip(columns, row.all("td"), strict=True):
                for variant in cell.all("span", data_metric=None):
                    number = record[name, variant.attributes["data-metric"]]
                    value = number["value"]
                    assert variant.attributes["data-value"] == ("" if value is None else repr(value))
                    assert words(variant).startswith("—" if value is None else f"{value:.3f}".replace("-", "−"))
                    if value is not None:
                        ends = f"[{number['ci_low']:.3f}, {number['ci_high']:.3f}]".replace("-", "−")
                        assert ends in words(variant)
                    seen += 1
        assert seen >= 15


def test_what_cannot_rank_is_grey_with_its_reason_and_nothing_else_is(section: Element, rich: Scores) -> None:
    reasons = [words(one) for one in next(section.all("div", class_="reasons")).all("li")]
    assert len(reasons) == len(set(reasons)) > 3
    record, grey = numbers(rich["seer"]), 0
    table = tables(section)[HOSTILE]
    for row in next(table.all("tbody")).all("tr"):
        for name, cell in zip(DEFINITIONS, row.all("td"), strict=True):
            for variant in cell.all("span", data_metric=None):
                metric = variant.attributes["data-metric"]
                marks = list(variant.all("sup"))
                assert ("grey" in variant.attributes["class"].split()) == bool(marks)
                assert bool(marks) == (not record[name, metric]["rankable"])
                if marks:
                    note = DEFINITIONS[name].metric(metric).note
                    assert reasons[int(marks[0].text) - 1] == note
                    assert variant.attributes["title"].endswith(note)
                    grey += 1
    assert grey >= 8


def test_the_spread_is_from_the_lowest_to_the_highest(section: Element, rich: Scores) -> None:
    """Pixel F1 and AUC, by ids chosen here with a pattern of their own."""
    record = numbers(rich["seer"])
    for title, pattern in (("Pixel F1", r"pixel_f1"), ("Pixel AUC", r"pixel_au(ro)?c")):
        of_name = rf"{pattern}(?!.*(reverse|beyond|second))"
        inside = [m for (_, name), m in record.items() if re.match(of_name, name) and m["value"] is not None]
        every = [m["value"] for m in inside]
        fair = [m["value"] for m in inside if m["rankable"]]
        expected = f"{min(every):.3f} to {max(every):.3f}, depending on who counts"
        if (min(fair), max(fair)) != (min(every), max(every)):
            expected += f"; {min(fair):.3f} to {max(fair):.3f} among those that rank"
        table = tables(section)[HOSTILE]
        said = [words(one) for one in table.all("th", scope="row") if words(one).startswith(f"{title} ")]
        assert said == [f"{title} {expected}"]


def test_the_strip_has_a_dot_for_each_value_where_it_is(section: Element) -> None:
    table = tables(section)[HOSTILE]
    for row in next(table.all("tbody")).all("tr"):
        said = [one.attributes["data-value"] for one in row.all("span", data_metric=None)]
        values = [float(value) for value in said if value]
        (strip,) = row.all("svg")
        dots = [float(one.attributes["cx"].rstrip("%")) for one in strip.all("circle")]
        assert len(dots) == len(values)
        if min(values) >= 0 and max(values) <= 1:
            assert dots == pytest.approx([3 + 94 * value for value in values], abs=0.01)


def test_an_undefined_number_is_shown_only_where_a_definition_has_no_other(section: Element, rich: Scores) -> None:
    box = tables(section)["centre box"]
    shown = {one.attributes["data-metric"] for one in box.all("span", data_metric=None)}
    assert numbers(rich["box"])["forgebench", "pixel_f1_frozen"]["value"] is None
    assert "pixel_f1_frozen" not in shown
    seer = tables(section)[HOSTILE]
    assert "pixel_f1_frozen" in {one.attributes["data-metric"] for one in seer.all("span", data_metric=None)}
    unmasked = tables(section)["no masks"]
    undefined = {one.attributes["data-metric"] for one in unmasked.all("span", data_metric=None, data_value="")}
    assert "image_auc" in undefined, "mvss takes scores from masks"
    assert "Undefined for no masks whoever counts: Pixel F1, Pixel IoU" in words(unmasked)


def test_every_definition_names_its_source_and_its_traps(section: Element) -> None:
    sources = {words(next(one.all("summary"))).split()[0]: one for one in section.all("details", class_="source")}
    assert list(sources) == list(DEFINITIONS)
    for name, definition in DEFINITIONS.items():
        assert words(next(sources[name].all("p"))) == " ".join(definition.source.split())
        assert [words(one) for one in sources[name].all("li")] == [" ".join(trap.split()) for trap in definition.traps]
    assert sum(len(list(one.all("li"))) for one in sources.values()) > 30


def test_by_one_definition_the_page_says_how_to_get_more(scores: Scores, tmp_path: Path) -> None:
    found = read([scores["seer"]], tmp_path / "r.html")
    assert "--definitions all" in words(found)
    assert not list(found.all("table"))


def test_a_definition_of_another_version_has_its_numbers_and_no_traps(rich: Scores, tmp_path: Path) -> None:
    shutil.copytree(rich["seer"], tmp_path / "s")
    record = forgebench.read_record(tmp_path / "s")[0].model_dump()
    record["definitions"]["mvss"] = 99
    for one in record["metrics"]:
        if one["definition"] == "mvss":
            one |= {"version": 99, "rankable": False}
    type(forgebench.read_record(tmp_path / "s")[0]).model_validate(record).sealed().write(tmp_path / "s")
    found = read([tmp_path / "s"], tmp_path / "r.html")
    (source,) = (one for one in found.all("details", class_="source") if words(one).startswith("mvss version 99"))
    assert "has no such definition" in words(source)
    assert not list(source.all("li"))
    assert "Its definition does not let it rank." in words(next(found.all("div", class_="reasons")))


def test_a_metric_has_one_name_at_most_and_what_papers_print_has_one() -> None:
    ids = {metric.id for definition in DEFINITIONS.values() for metric in definition.metrics}
    names = {one: [title for title in QUANTITIES if _is_called(one, title)] for one in ids}
    assert all(len(titles) <= 1 for titles in names.values()), names
    assert all(any(titles == [title] for titles in names.values()) for title in QUANTITIES)
    nameless = {one for one, titles in names.items() if not titles}
    for printed in ("f1", "iou", "auc", "ap", "giou", "ciou", "miou", "auroc"):
        assert f"pixel_{printed}" not in nameless
    for definition in DEFINITIONS.values():
        assert any(names[metric.id] for metric in definition.metrics), definition.name


def test_nothing_is_gathered_that_only_one_definition_has(rich: Scores) -> None:
    (entry,) = read_entries([rich["box"]])
    (table,) = disagreement([Row(0, entry, None, ())]).tables
    titles = [row.title for row in table.rows] + list(table.undefined)
    assert "Pixel AP" not in titles
    assert all(sum(map(bool, row.by_definition)) > 1 for row in table.rows)
