"""Where a score is written: an earlier one is replaced, anything else is not touched."""

from __future__ import annotations

import json

import pytest
import small

import forgebench
from forgebench import InputError


def test_a_second_score_replaces_the_first(scene, given, tmp_path):
    out = tmp_path / "out"
    files = small.files(scene, given)
    forgebench.score(small.write_zip(tmp_path / "a.zip", files), scene.benchmark, out)
    (out / "report.html").write_text("of the first")
    second = forgebench.score(small.write_zip(tmp_path / "b.zip", files | {"masks/tampered-a.png": b""}),
                              scene.benchmark, out)  # fmt: skip
    assert {path.name for path in out.iterdir()} == {"record.json", "per_image.parquet", "inputs.json"}
    assert json.loads((out / "record.json").read_text())["record_sha256"] == second.record_sha256
    assert forgebench.verify(out) == []
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "b.zip", "out"}


@pytest.mark.parametrize("kept", [["notes.txt"], ["record.json", "notes.txt"], ["record.json", "thesis/"]])
def test_a_folder_that_is_not_an_earlier_score_is_not_touched(scene, given, tmp_path, kept):
    out = tmp_path / "out"
    out.mkdir()
    for name in kept:
        (out / name).mkdir() if name.endswith("/") else (out / name).write_text("{}")
    with pytest.raises(InputError, match="not an earlier score"):
        forgebench.score(small.write_zip(tmp_path / "a.zip", small.files(scene, given)), scene.benchmark, out)
    assert {path.name for path in out.iterdir()} == {name.rstrip("/") for name in kept}


def test_a_file_or_link_in_its_place_is_not_touched(scene, given, tmp_path):
    submission = small.write_zip(tmp_path / "a.zip", small.files(scene, given))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("file", "link"):
        with pytest.raises(InputError, match="not an earlier score"):
            forgebench.score(submission, scene.benchmark, tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "link").is_symlink()


def test_an_empty_folder_is_taken(scene, given, tmp_path):
    (tmp_path / "out").mkdir()
    forgebench.score(small.write_zip(tmp_path / "a.zip", small.files(scene, given)), scene.benchmark, tmp_path / "out")
    assert forgebench.verify(tmp_path / "out") == []


def test_a_submission_that_cannot_be_scored_leaves_an_earlier_score_alone(scene, given, tmp_path):
    files = small.files(scene, given)
    forgebench.score(small.write_zip(tmp_path / "a.zip", files), scene.benchmark, tmp_path / "out")
    before = (tmp_path / "out" / "record.json").read_bytes()
    bad = small.write_zip(tmp_path / "b.zip", files | {"submission.json": b"{}"})
    with pytest.raises(forgebench.ProblemsError, match="cannot be scored"):
        forgebench.score(bad, scene.benchmark, tmp_path / "out")
    assert (tmp_path / "out" / "record.json").read_bytes() == before
