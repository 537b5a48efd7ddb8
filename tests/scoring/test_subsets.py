"""Chosen samples: scored beside the whole, recorded, and recomputed by anyone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small
from typer.testing import CliRunner

import forgebench
from forgebench import InputError, NotFoundError
from forgebench.cli import app
from forgebench.metrics import pixel_counts, pixel_numbers
from forgebench.scoring.subsets import read_subsets


@pytest.fixture(scope="module")
def hard(scene, given):
    """Every second tampered sample."""
    return [one.sample_id for one in given if scene.tampered(one.sample_id)][::2]


@pytest.fixture(scope="module")
def scored(scene, given, hard, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chosen")
    submission = small.write_zip(folder / "s.zip", small.files(scene, given))
    forgebench.score(submission, scene.benchmark, folder / "out", subsets={"hard": hard[::-1] + hard}, workers=1)
    return folder


def test_a_subset_is_the_score_of_its_samples_beside_the_whole(scene, given, hard, scored):
    record, _ = forgebench.read_record(scored / "out")
    masks = {one.sample_id: one.mask for one in given}
    f1 = [pixel_numbers(pixel_counts(masks[name], scene.truth[name]))["pixel_f1"] for name in hard]
    assert record.value("pixel_f1", subset="subset=hard") == pytest.approx(np.mean(f1))
    assert record.value("pixel_f1") != record.value("pixel_f1", subset="subset=hard")
    assert record.subsets == {"hard": sorted(hard)}


def test_a_record_with_a_subset_verifies_and_rescores(scene, scored):
    record, folder = forgebench.read_record(scored / "out")
    assert forgebench.verify(folder) == []
    again = forgebench.rescore(folder, predictions=scored / "s.zip", benchmark=scene.benchmark, workers=1)
    assert again.metrics == record.metrics
    assert again.subsets == record.subsets


def test_another_choice_under_the_same_numbers_is_caught(scored, tmp_path):
    record, folder = forgebench.read_record(scored / "out")
    easier = {"hard": record.subsets["hard"][:1]}
    record.model_copy(update={"subsets": easier}).sealed().write(tmp_path)
    (tmp_path / "per_image.parquet").write_bytes((folder / "per_image.parquet").read_bytes())
    assert {one.code for one in forgebench.verify(tmp_path)} == {"number"}


def test_a_record_without_a_choice_keeps_its_hash(scored):
    record, _ = forgebench.read_record(scored / "out")
    assert b'"subsets"' in record.canonical()
    assert b'"subsets"' not in record.model_copy(update={"subsets": {}}).canonical()


def test_unknown_samples_are_named(scene, scored):
    with pytest.raises(InputError, match=r"easy: expected sample ids.*hard: .* has no nobody"):
        forgebench.score(scored / "s.zip", scene.benchmark, subsets={"easy": [], "hard": ["nobody"]}, workers=1)


def test_lists_are_read_by_their_names(tmp_path: Path):
    file = tmp_path / "hard.txt"
    with pytest.raises(NotFoundError, match=r"one a line, at .*hard\.txt"):
        read_subsets([file])
    file.write_text("b\n\na\n")
    assert read_subsets([file]) == {"hard": ["b", "a"]}
    with pytest.raises(InputError, match="Two lists are called hard"):
        read_subsets([file, file])


def test_the_command_takes_a_list(scene, hard, scored, tmp_path):
    (tmp_path / "hard.txt").write_text("\n".join(hard))
    arguments = ["score", scored / "s.zip", "-b", scene.benchmark.path, "--out", tmp_path / "out", "--json"]
    done = CliRunner().invoke(app, [*map(str, arguments), "--subset", str(tmp_path / "hard.txt"), "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["subsets"] == {"hard": sorted(hard)}
