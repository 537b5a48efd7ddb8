"""What holds for every source: its look-alike, and what becomes of one with a file gone, renamed or moved."""

from __future__ import annotations

import lookalikes
import pytest
from lookalikes import JUNK, put

import forgebench
from forgebench.benchmark import verify_benchmark
from forgebench.errors import Problem, ProblemsError
from forgebench.schema import Fix
from forgebench.sources import SOURCES, Entry, MaskFile
from sources.walking import check, walked

NAMES = sorted(SOURCES)
BY_CONTENT = {"openforensics", "coco", "hub", "opensdi", "magicbrush", "sid-set", "doctamper"}
"""Sources whose files are named or held by another file."""


def test_every_source_has_a_look_alike():
    assert set(lookalikes.MAKERS) == set(SOURCES)


@pytest.mark.parametrize("name", NAMES)
def test_a_look_alike_becomes_what_it_must(tmp_path, name):
    check(name, tmp_path, lookalikes.MAKERS[name](tmp_path))
    assert walked(name, tmp_path, Problem) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_builds_and_verifies(tmp_path, name):
    truths = lookalikes.MAKERS[name](tmp_path / "in")
    built = forgebench.build(name, tmp_path / "in", tmp_path / "out", workers=1)
    assert verify_benchmark(built, workers=1) == []
    assert sorted(built.manifest.rows) == sorted(truths)
    assert set(built.splits) == {truth.split for truth in truths.values()}
    for split in built.splits:
        for row in built.rows(split):
            truth = truths[row["sample_id"]]
            assert row["image"]["bytes"] == truth.image
            assert (row["mask"] is None) == (truth.mask is None)
            if truth.boxes is not None:
                assert [tuple(box) for box in row["boxes"]] == list(truth.boxes)
            elif truth.label == "authentic":
                assert row["boxes"] == []
            if truth.label == "tampered" and truth.mask is None:
                assert (row["scribble"] is None) == (truth.scribble is None)


@pytest.mark.parametrize("name", NAMES)
def test_junk_changes_nothing(tmp_path, name):
    truths = lookalikes.MAKERS[name](tmp_path)
    folders = {path.parent for path in tmp_path.rglob("*") if path.is_file()}
    for folder in folders:
        for junk in (*JUNK, "list.txt.bak", "readme.md", "notes.doc"):
            put(folder / junk, b"not an image")
    check(name, tmp_path, truths)
    assert walked(name, tmp_path, Problem) == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"folder", "hub", "sc-iml"}))
def test_folders_above_it_change_nothing(tmp_path, name):
    check(name, tmp_path, lookalikes.MAKERS[name](tmp_path / "data sets" / "unpacked"))


@pytest.mark.parametrize("name", sorted(set(NAMES) - BY_CONTENT))
def test_upper_case_suffixes_change_nothing(tmp_path, name):
    truths = lookalikes.MAKERS[name](tmp_path)
    for path in sorted(tmp_path.rglob("*")):
        if path.suffix.lower() in (".jpg", ".png", ".tif", ".bmp"):
            path.rename(path.with_suffix(path.suffix.upper()))
    check(name, tmp_path, truths)


@pytest.mark.parametrize("name", sorted(set(NAMES) - BY_CONTENT - {"sc-iml", "compraise", "tampered-ic13", "misd"}))
def test_a_mask_that_is_gone_is_named_and_shifts_nothing(tmp_path, name):
    lookalikes.MAKERS[name](tmp_path)
    before = {entry.sample_id: entry for entry in walked(name, tmp_path, Entry)}
    victim = next(entry for entry in before.values() if isinstance(entry.mask, MaskFile))
    mask = victim.mask.path
    (tmp_path / mask).unlink()
    gone = {key for key, entry in before.items() if mask in entry.files}
    problems = walked(name, tmp_path, Problem)
    assert {problem.sample_id for problem in problems if problem.code == "unpaired"} == gone
    assert all("--allow-issues unpaired" in problem.fix for problem in problems)
    after = {entry.sample_id: entry for entry in walked(name, tmp_path, Entry)}
    assert after == {key: entry for key, entry in before.items() if key not in gone}
    with pytest.raises(ProblemsError, match=r"\[unpaired\]"):
        forgebench.build(name, tmp_path, tmp_path / "out", workers=1)


@pytest.mark.parametrize("name", sorted(set(NAMES) - BY_CONTENT - {"sc-iml"}))
def test_an_image_that_is_gone_shifts_nothing(tmp_path, name):
    lookalikes.MAKERS[name](tmp_path)
    before = {entry.sample_id: entry for entry in walked(name, tmp_path, Entry)}
    victim = next((entry for entry in before.values() if entry.label == "tampered"), next(iter(before.values())))
    (tmp_path / victim.image).unlink()
    after = {entry.sample_id: entry for entry in walked(name, tmp_path, Entry)}
    del before[victim.sample_id]
    assert after == before
    used = {path for entry in after.values() for path in entry.files}
    problems = walked(name, tmp_path, Problem)
    if set(victim.files[1:]) - used:
        assert {problem.code for problem in problems} <= {"missing", "unpaired"}
        assert len(problems) == 1
    assert not [one for one in walked(name, tmp_path, Fix) if one.action != "left out"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"coco", "hub"}))
def test_a_group_never_lies_in_two_splits_of_the_card(tmp_path, name):
    lookalikes.MAKERS[name](tmp_path)
    splits = {}
    for entry in walked(name, tmp_path, Entry):
        assert splits.setdefault(entry.group, entry.split) == entry.split
