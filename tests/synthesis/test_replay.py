"""Samples made again from their provenance alone."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import forgebench
from forgebench.benchmark.synthesize import replay_sample
from forgebench.cli import app
from forgebench.demo import PHOTOS
from forgebench.errors import InputError, NotFoundError
from forgebench.sources.masks import decode_mask
from forgebench.synthesis import replay
from forgebench.synthesis.recipe import shipped_recipes
from synthesis.making import photos

RUN = CliRunner()


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_sample_is_made_again_to_the_byte(tmp_path: Path, name: str) -> None:
    """From a folder that holds other photographs too, under other names, in a new process' worth of caches."""
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=8, recipe=name, seed=4, workers=1)
    moved = tmp_path / "moved"
    moved.mkdir()
    for number, photo in enumerate(reversed(photos())):
        shutil.copy(photo.path, moved / f"{number:02d}.jpg")
    for number, row in enumerate(made.rows("test")):
        again = replay(row["provenance"], moved if number % 3 == 0 else PHOTOS)
        assert again.image == row["image"]["bytes"]
        assert again.provenance == row["provenance"]
        assert again.explanation == row["explanation"]
        assert np.array_equal(again.mask, decode_mask(row["mask"]["bytes"]))


def test_the_command_makes_one_sample_again(tmp_path: Path) -> None:
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=4, splits={"train": 0.5, "test": 0.5}, workers=1)
    rows = {row["sample_id"]: row for split in made.splits for row in made.rows(split)}
    arguments = ["synth", "--photos", str(PHOTOS), "--benchmark", str(made.path), "--out", str(tmp_path / "again.jpg")]
    done = RUN.invoke(app, [*arguments, "--replay", "s0-000002", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output)["identical"] is True
    assert (tmp_path / "again.jpg").read_bytes() == rows["s0-000002"]["image"]["bytes"]
    done = RUN.invoke(app, [*arguments, "--replay", "s0-000003"])
    assert "the same bytes" in done.output
    done = RUN.invoke(app, [*arguments, "--replay", "s0-000099"])
    assert done.exit_code == 2
    assert "holds no sample 's0-000099'" in done.output


def test_a_sample_that_comes_out_otherwise_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, workers=1)
    monkeypatch.setattr(import_module("forgebench.synthesis.forge"), "finished", lambda image, saving: 255 - image)
    assert replay_sample("s0-000000", made, PHOTOS)[1] is False
    arguments = [
        "--photos",
        str(PHOTOS),
        "-b",
        str(made.path),
        "--out",
        str(tmp_path / "x.jpg"),
        "--replay",
        "s0-000001",
    ]
    done = RUN.invoke(app, ["synth", *arguments])
    assert done.exit_code == 1
    assert "NOT the bytes" in done.output


def test_what_is_needed_is_told(tmp_path: Path) -> None:
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, recipe="splice", workers=1)
    row = next(row for row in made.rows("test") if row["label"] == 1)
    (tmp_path / "few").mkdir()
    with pytest.raises(NotFoundError, match=r"does not hold the photograph .* \(SHA-256 [0-9a-f]{64}\)"):
        replay(row["provenance"], tmp_path / "few")
    for wrong in (None, "", "{}", '{"recipe": "x"}', "[1]"):
        with pytest.raises(InputError, match="provenance of a synthetic sample"):
            replay(wrong, PHOTOS)
    told = json.loads(row["provenance"])
    told["steps"][0]["blend"] = "glue"
    with pytest.raises(InputError, match=r"steps\.0\.blend"):
        replay(json.dumps(told), PHOTOS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "-n"),
        (["--replay", "s0-000000"], "--benchmark"),
        (["-n", "4", "--splits", "train"], "NAME=SHARE"),
        (["-n", "4", "--splits", "train=0.9,test=0.9"], "add up to 1"),
        (["-n", "4", "--recipe", "dmo"], "No recipe 'dmo'"),
        (["-n", "4", "--objects", "nowhere.json"], "COCO instances file"),
    ],
)
def test_wrong_use_of_the_command_ends_with_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = RUN.invoke(app, ["synth", "--photos", str(PHOTOS), "--out", str(tmp_path / "out"), *arguments])
    assert done.exit_code == 2
    assert words in done.output
    assert not (tmp_path / "out").exists()


def test_the_command_splits_and_skips(tmp_path: Path) -> None:
    shutil.copytree(PHOTOS, tmp_path / "in")
    (tmp_path / "in/bad.jpg").write_text("no photograph")
    arguments = ["synth", "--photos", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "-n", "12", "--json"]
    arguments += ["--splits", "train=0.7, test=0.3", "--workers", "1"]
    assert RUN.invoke(app, arguments).exit_code == 2
    done = RUN.invoke(app, [*arguments, "--allow-issues", "unreadable"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["samples"], told["authentic"], told["tampered"]) == (12, 6, 6)
    assert [problem["sample_id"] for problem in told["skipped"]] == ["bad.jpg"]
    assert set(forgebench.open_benchmark(tmp_path / "out").splits) == {"train", "test"}
