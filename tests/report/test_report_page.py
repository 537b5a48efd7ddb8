"""The page says what the records say, and nothing that a stranger made it say."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import lookalikes
import pytest
from page_reader import Element, figures, parse, words
from seer import HOSTILE

import forgebench
from forgebench import controls
from forgebench.errors import InputError, NotFoundError
from forgebench.report import write_report
from forgebench.report.entries import Entry, read_entries
from forgebench.report.gallery import Gallery
from forgebench.report.page import render
from forgebench.report.ranking import rank
from forgebench.report.results import RANKED

Scores = dict[str, Path]
_APP = "http://127.0.0.1:5151/datasets/"
"""Links into a FiftyOne App of the reader's own."""
_TAGS = (
    "section", "h1", "h2", "h3", "h4", "p", "div", "svg", "image", "path", "dialog", "footer", "figure", "script",
)  # fmt: skip


@pytest.fixture(scope="module")
def html(scores: Scores, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(list(scores.values()), tmp_path_factory.mktemp("page") / "r.html").read_text()


@pytest.fixture(scope="module")
def page(html: str) -> Element:
    return parse(html)


def rows(page: Element) -> dict[str, dict[str, Element]]:
    """The main table's cells by method and metric."""
    (table,) = page.all("table", class_="main sortable")
    (body,) = table.all("tbody")
    found = {}
    for row in body.all("tr"):
        (name,) = row.all("th")
        found[name.attributes["data-value"]] = {c.attributes["data-metric"]: c for c in row.all("td", data_metric=None)}
    return found


def test_numbers_in_the_table_are_those_of_the_records(page: Element, scores: Scores) -> None:
    found = rows(page)
    assert len(found) == len(scores)
    for folder in scores.values():
        record = json.loads((folder / "record.json").read_text())
        numbers = {m["metric"]: m for m in record["metrics"]}
        cells = found[record["method"]["method"]]
        assert len(cells) >= 8
        for metric, cell in cells.items():
            value = numbers[metric]["value"]
            said = cell.attributes["data-value"]
            assert (None if said == "" else float(said)) == value
            interval = "" if value is None else f"[{numbers[metric]['ci_low']:.3f}, {numbers[metric]['ci_high']:.3f}]"
            assert words(cell) == (f"{value:.3f}{interval}" if value is not None else "—")
            assert (cell.attributes["title"] == "undefined") == (value is None)


def test_rows_are_sorted_by_pixel_f1_with_the_undefined_last(page: Element) -> None:
    values = [cells["pixel_f1"].attributes["data-value"] for cells in rows(page).values()]
    assert values[-1] == ""
    defined = [float(value) for value in values[:-1]]
    assert defined == sorted(defined, reverse=True)
    assert len(defined) == 3


def test_a_hostile_name_stays_text(page: Element, html: str) -> None:
    assert HOSTILE in rows(page)
    assert HOSTILE not in html
    assert "{{" in words(next(page.all("main")))
    assert HOSTILE in [button.text for button in page.all("button", data_entry="0")]


def drawn(entry: Entry, note: str = "") -> str:
    return render([entry], Gallery(note=note), "pixel_f1", {metric: rank([entry], metric) for metric in RANKED})


def test_markup_in_a_name_cannot_leave_its_place(scores: Scores) -> None:
    evil = "</script></title><script>alert(1)</script><img src=x onerror=alert(1)>"
    (entry,) = read_entries([scores["seer"]])
    method = entry.record.method.model_copy(update={"method": evil, "hardware": evil, "version": evil})
    (number,) = (one for one in entry.record.metrics if one.metric == "pixel_f1")
    strange = [
        number.model_copy(update={"definition": evil, "metric": f"pixel_f1_{evil}", "rankable": False}),
        number.model_copy(update={"subset": f"source={evil}"}),
    ]
    changes = {
        "method": method, "definitions": entry.record.definitions | {evil: 1}, "slices": ["source"],
        "metrics": [*entry.record.metrics, *strange],
    }  # fmt: skip
    changed = type(entry)(evil, entry.folder, entry.record.model_copy(update=changes), entry.table)
    html = drawn(changed, evil)
    page = parse(html)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert len(list(page.all("script"))) == len(list(parse(drawn(entry)).all("script")))
    assert figures(page)["f1"]["data"][0]["name"].startswith("&lt;/script&gt;")
    for name in ("definitions", "slices", "every"):
        assert evil in next(page.all("section", id=name)).text


def test_the_page_is_one_file_that_may_run_only_its_own_scripts(page: Element, html: str) -> None:
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    content = policy.attributes["content"]
    assert "default-src 'none'" in content
    assert "unsafe" not in content.split("style-src")[0]
    scripts = [one for one in page.all("script") if one.attributes.get("type") != "application/json"]
    digests = [b64encode(sha256(one.text.encode()).digest()).decode() for one in scripts]
    assert len(digests) == 5
    assert re.findall(r"'sha256-([^']+)'", content) == digests
    for tag, attribute in (("link", "href"), ("img", "src"), ("script", "src"), ("iframe", "src")):
        assert not list(page.all(tag, **{attribute: None}))
    targets = [one.attributes["href"] for tag in ("a", "use", "image") for one in page.all(tag, href=None)]
    assert targets
    assert all(target.startswith(("#", "data:image/webp;base64,", _APP)) for target in targets)
    assert not re.search(r"\son[a-z]+=", html.split("<script>")[0])


def test_references_headings_and_labels_hold(page: Element) -> None:
    ids = [one.attributes["id"] for tag in _TAGS for one in page.all(tag, id=None)]
    assert len(ids) == len(set(ids))
    for tag, attribute in (("use", "href"), ("a", "href")):
        targets = {one.attributes[attribute] for one in page.all(tag)}
        assert {one.removeprefix("#") for one in targets if not one.startswith(_APP)} <= set(ids)
    labelled = [one for tag in _TAGS for one in page.all(tag, aria_labelledby=None)]
    assert {one.attributes["aria-labelledby"] for one in labelled} <= set(ids)
    levels = [int(tag[1]) for tag in re.findall(r"<(h[1-6])[ >]", _without_scripts(page))]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(one.attributes["aria-label"] for one in page.all("svg", role="img"))


def _without_scripts(element: Element) -> str:
    """The page's tags in order."""
    inside = "".join(_without_scripts(child) for child in element.children)
    return f"<{element.tag}>{inside}"


def test_the_same_scores_give_the_same_bytes(scores: Scores, tmp_path: Path) -> None:
    some = [scores["seer"], scores["box"]]
    first, second = (write_report(some, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_a_folder_of_scores_is_all_of_them_and_takes_the_report(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["seer"].parent, tmp_path / "all")
    path = write_report([tmp_path / "all"])
    assert path == tmp_path / "all" / "report.html"
    buttons = [button.text for button in parse(path.read_text()).all("button", data_entry=None)]
    assert buttons == ["all black", "centre box", HOSTILE, "no masks"]
    assert not [entry for entry in path.parent.iterdir() if entry.name.startswith(".")]


def test_a_score_named_twice_is_one_entry(scores: Scores) -> None:
    assert len(read_entries([scores["seer"], scores["seer"]])) == 1


def test_two_scores_of_one_method_have_names_of_their_own(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["black"], tmp_path / "again")
    html = write_report([scores["black"], tmp_path / "again", scores["seer"]], tmp_path / "r.html").read_text()
    found = rows(parse(html))
    assert set(found) == {"all black (black)", "all black (again)", HOSTILE}


def test_one_entry_has_no_tier(scores: Scores, tmp_path: Path) -> None:
    page = parse(write_report([scores["seer"]], tmp_path / "r.html").read_text())
    (table,) = page.all("table", class_="main sortable")
    assert "Tier" not in words(table)
    assert not list(table.all("td", class_="number best"))


def test_another_benchmark_is_refused(scores: Scores, tmp_path: Path) -> None:
    lookalikes.folder(tmp_path / "in", n=3)
    other = forgebench.build("folder", tmp_path / "in", tmp_path / "other", workers=1)
    forgebench.predict(controls.all_black(), other, tmp_path / "sub")
    forgebench.score(tmp_path / "sub", other, tmp_path / "score", workers=1)
    with pytest.raises(InputError, match=r"mine test .*other test .*A report is of one benchmark"):
        write_report([scores["seer"], tmp_path / "score"], tmp_path / "r.html")
    with pytest.raises(InputError, match=f"{other.content_hash[:12]}"):
        write_report([scores["seer"]], tmp_path / "r.html", benchmark=other)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("given", ["nowhere", ".", "file.txt"])
def test_what_is_no_score_is_refused(tmp_path: Path, given: str) -> None:
    (tmp_path / "file.txt").write_text("no score")
    with pytest.raises(NotFoundError, match="forgebench score"):
        write_report([tmp_path / given])


def test_nothing_given_and_a_folder_as_the_page_are_refused(scores: Scores, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one"):
        write_report([])
    with pytest.raises(InputError, match=r"report\.html"):
        write_report([scores["seer"]], tmp_path)


def test_a_changed_record_and_a_changed_table_are_marked(scores: Scores, tmp_path: Path) -> None:
    for name in ("seer", "box"):
        shutil.copytree(scores[name], tmp_path / name)
    record = json.loads((tmp_path / "seer" / "record.json").read_text())
    record["metrics"][0]["value"] = 0.99
    (tmp_path / "seer" / "record.json").write_text(json.dumps(record))
    shutil.copy(scores["black"] / "per_image.parquet", tmp_path / "box")
    page = parse(write_report([tmp_path / "seer", tmp_path / "box"]).read_text())
    warnings = [words(one) for one in page.all("p", class_="note warning")]
    assert len(warnings) == 2
    assert "the record was changed" in warnings[0]
    assert "the per-image table is not the one" in warnings[1]
    clean = parse(write_report([scores["seer"], scores["box"]], tmp_path / "c.html").read_text())
    assert not list(clean.all("p", class_="note warning"))


def test_an_edit_is_told(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["seer"], tmp_path / "s")
    record = forgebench.read_record(tmp_path / "s")[0]
    edit = {"author": "Ann", "reason": "a link", "timestamp": "2026-01-02"}
    edited = type(record).model_validate(record.model_dump() | {"edits": [edit]}).sealed()
    edited.write(tmp_path / "s")
    page = parse(write_report([tmp_path / "s"]).read_text())
    assert "2026-01-02 by Ann, a link." in words(next(page.all("footer")))
    assert not list(page.all("p", class_="note warning"))
