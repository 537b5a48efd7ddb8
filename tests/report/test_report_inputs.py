"""Pictures are of what was scored, or there are none and the page says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import lookalikes
import numpy as np
import pytest
from page_reader import Element, parse, words
from PIL import Image

from forgebench.benchmark import Benchmark
from forgebench.report import write_report

Scores = dict[str, Path]


def note(page: Element) -> str:
    (gallery,) = page.all("section", id="gallery")
    return " ".join(words(one) for one in gallery.all("p", class_="note"))


def test_without_inputs_the_page_says_why_it_has_no_pictures(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["seer"], tmp_path / "s")
    (tmp_path / "s" / "inputs.json").unlink()
    page = parse(write_report([tmp_path / "s"]).read_text())
    assert "has no inputs.json" in note(page)
    assert not list(page.all("figure", class_="card"))
    assert list(page.all("table", class_="main sortable"))


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ('{"benchmark": "/nowhere", "submission": "/nowhere"}', "Expected a benchmark at /nowhere"),
        ('{"benchmark": 1', "does not say where"),
        ("[]", "does not say where"),
    ],
)
def test_inputs_that_point_to_nothing_are_named(scores: Scores, tmp_path: Path, inputs: str, expected: str) -> None:
    shutil.copytree(scores["seer"], tmp_path / "s")
    (tmp_path / "s" / "inputs.json").write_text(inputs)
    assert expected in note(parse(write_report([tmp_path / "s"]).read_text()))


def test_a_benchmark_of_another_hash_gives_no_pictures(scores: Scores, benchmark: Benchmark, tmp_path: Path) -> None:
    shutil.copytree(scores["seer"], tmp_path / "s")
    shutil.copytree(benchmark.path, tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / "forgebench.json").read_text())
    (tmp_path / "b" / "forgebench.json").write_text(json.dumps(manifest | {"content_hash": "0" * 64}))
    inputs = json.loads((tmp_path / "s" / "inputs.json").read_text()) | {"benchmark": str(tmp_path / "b")}
    (tmp_path / "s" / "inputs.json").write_text(json.dumps(inputs))
    page = parse(write_report([tmp_path / "s"]).read_text())
    assert "found 000000000000" in note(page)
    assert not list(page.all("figure", class_="card"))
    named = parse(write_report([tmp_path / "s"], benchmark=benchmark).read_text())
    assert note(named) == ""
    assert list(named.all("figure", class_="card"))


def test_another_submission_in_the_place_of_the_scored_one_is_noticed(scores: Scores, tmp_path: Path) -> None:
    shutil.copytree(scores["seer"], tmp_path / "s")
    inputs = json.loads((tmp_path / "s" / "inputs.json").read_text())
    other = json.loads((scores["black"] / "inputs.json").read_text())["submission"]
    (tmp_path / "s" / "inputs.json").write_text(json.dumps(inputs | {"submission": other}))
    page = parse(write_report([tmp_path / "s", scores["box"]], tmp_path / "r.html").read_text())
    assert "is no longer what was scored" in note(page)
    assert list(page.all("figure", class_="card")), "the other entry keeps its pictures"


@pytest.mark.parametrize("where", ["tampered", "authentic"])
def test_a_mask_changed_after_scoring_is_noticed(
    scores: Scores, truths: tuple[Path, lookalikes.Truths], tmp_path: Path, where: str
) -> None:
    shutil.copytree(scores["seer"], tmp_path / "s")
    inputs = json.loads((tmp_path / "s" / "inputs.json").read_text())
    shutil.copytree(inputs["submission"], tmp_path / "sub")
    for path in (tmp_path / "sub" / "masks").iterdir():
        mask, truth = np.array(Image.open(path)), truths[1][path.stem].mask
        mask[truth if where == "tampered" else ~truth] //= 2
        Image.fromarray(mask).save(path)
    (tmp_path / "s" / "inputs.json").write_text(json.dumps(inputs | {"submission": str(tmp_path / "sub")}))
    assert "expected the counts of the per-image table" in note(parse(write_report([tmp_path / "s"]).read_text()))
