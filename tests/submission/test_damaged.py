"""Bytes changed at random: a damaged file ends in problems or in a score, and in nothing else."""

from __future__ import annotations

import random
from functools import partial

import pytest
import small
from counts import count

import forgebench

from . import rich


def _mutated(data, rng):
    """One to four bytes changed, left out or put in."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.choice([rng.randrange(len(data)), max(0, len(data) - rng.randint(1, 1200))])
        kind = rng.randrange(3)
        if kind == 0:
            data[place] = rng.randrange(256)
        elif kind == 1:
            del data[place : place + rng.choice([1, 1, 7, 300])]
        else:
            data[place:place] = rng.randbytes(rng.choice([1, 1, 9]))
        if len(data) < 2:
            return bytes(data)
    return bytes(data)


def _sound(folder, scene, outputs, container):
    """The bytes of a sound submission for some of the samples."""
    made_by = {"score and mask": small, "everything": rich}[outputs]
    given = [one for one in made_by.predictions(scene) if one.mask.size < 1000]
    files, path = made_by.files(scene, given), folder / f"sound.{container}"
    if container == "zip":
        return small.write_zip(path, files).read_bytes()
    write = {"score and mask": small.write_parquet, "everything": partial(rich.write_parquet, given=given)}[outputs]
    return write(path, files).read_bytes()


@pytest.mark.soak
@pytest.mark.parametrize("outputs", ["score and mask", "everything"])
@pytest.mark.parametrize("container", ["zip", "parquet"])
def test_damaged_files_end_in_problems_or_a_score_and_nothing_else(tmp_path, scene, container, outputs, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no git: asking it for the commit takes longer than scoring
    data = _sound(tmp_path, scene, outputs, container)
    path = tmp_path / f"s.{container}"
    rng, refused, scored = random.Random(20), 0, 0
    for _ in range(count(75, 3600)):
        path.write_bytes(_mutated(data, rng))
        problems = forgebench.validate(path, scene.benchmark, workers=1)
        assert all(isinstance(problem, forgebench.Problem) and str(problem).isprintable() for problem in problems)
        try:
            record = forgebench.score(path, scene.benchmark, workers=1, definitions=())
            scored += record.predictions.n_valid + sum(record.predictions.problems.values()) == len(scene.truth)
        except forgebench.ForgeBenchError:
            refused += 1
    assert refused > 10
    assert scored > 3


@pytest.mark.soak
@pytest.mark.parametrize("member", ["boxes.json", "explanations.csv", "predictions.csv", "submission.json"])
def test_damaged_members_do_too(tmp_path, scene, member, monkeypatch):
    """Inside an archive whose checksums are right."""
    monkeypatch.setenv("PATH", "")
    given = [one for one in rich.predictions(scene) if one.mask.size < 500]
    files = rich.files(scene, given)
    rng, fatal, concerned = random.Random(21), 0, 0
    for number in range(count(60, 1000)):
        spoilt = files | {member: _mutated(files[member], rng)}
        path = small.write_zip(tmp_path / f"{number}.zip", spoilt)
        problems = forgebench.validate(path, scene.benchmark, workers=1)
        assert all(str(problem).isprintable() for problem in problems)
        missing = len(scene.truth) - len(given)
        try:
            record = forgebench.score(path, scene.benchmark, workers=1, definitions=())
            concerned += record.predictions.n_valid < len(given)
            assert record.predictions.problems["missing"] >= missing
        except forgebench.ProblemsError:
            fatal += 1
        path.unlink()
    assert fatal > 5
    assert concerned > 0 or member.endswith(".json")
