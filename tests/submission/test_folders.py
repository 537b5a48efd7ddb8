"""Folders with links, pipes, folders and names that are no text."""

from __future__ import annotations

import os

import numpy as np
import pytest
import small

import forgebench


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_folder_with_links_pipes_and_folders(tmp_path, scene):
    (tmp_path / "secret.png").write_bytes(small.png(np.zeros((20, 30), np.uint8)))
    sub = small.write_folder(tmp_path / "sub", small.files(scene))
    mask = sub / "masks" / "tampered-a.png"
    mask.unlink()
    mask.symlink_to(tmp_path / "secret.png")
    os.mkfifo(sub / "masks" / "tampered-b.png.pipe")
    (sub / "model").mkdir()
    problems = forgebench.validate(sub, scene.benchmark)
    assert [(one.code, one.got) for one in problems] == [
        ("unexpected_file", "'model/'"),
        ("unsafe_archive", "'masks/tampered-a.png': a link"),
        ("unsafe_archive", "'masks/tampered-b.png.pipe': not a plain file"),
    ]


def test_a_linked_folder_of_masks_is_unsafe(tmp_path, scene):
    sub = small.write_folder(tmp_path / "sub", small.files(scene))
    (sub / "masks").rename(tmp_path / "elsewhere")
    (sub / "masks").symlink_to(tmp_path / "elsewhere")
    (problem,) = forgebench.validate(sub, scene.benchmark)
    assert (problem.code, problem.got) == ("unsafe_archive", "'masks': a link")


def test_a_folder_named_like_a_mask(tmp_path, scene):
    sub = small.write_folder(tmp_path / "sub", small.files(scene))
    (sub / "masks" / "tampered-a.png").unlink()
    (sub / "masks" / "tampered-a.png").mkdir()
    (problem,) = forgebench.validate(sub, scene.benchmark)
    assert (problem.code, problem.sample_id, problem.got) == ("undecodable", "tampered-a", "Is a directory")
    assert forgebench.score(sub, scene.benchmark).predictions.problems == {"undecodable": 1}


@pytest.mark.parametrize("name", ["submission.json", "predictions.csv", "masks"])
def test_folder_and_file_in_each_others_place(tmp_path, scene, name):
    sub = small.write_folder(tmp_path / "sub", small.files(scene))
    (sub / name).rename(tmp_path / "away")
    if name == "masks":
        (sub / name).write_bytes(b"")
    else:
        (sub / name).mkdir()
    problems = forgebench.validate(sub, scene.benchmark)
    assert "unexpected_file" in {one.code for one in problems}
    assert {one.code for one in problems} <= {"unexpected_file", "manifest", "missing_mask"}


def test_a_name_that_is_no_text(tmp_path, scene):
    sub = small.write_folder(tmp_path / "sub", small.files(scene))
    with open(os.fsencode(sub) + b"/masks/\xff\x1b.png", "wb"):  # noqa: PTH123
        pass
    (problem,) = forgebench.validate(sub, scene.benchmark)
    assert problem.code == "unknown_id"
    assert problem.sample_id.isascii()
    assert problem.sample_id.isprintable()
