"""Bytes changed at random: a damaged file ends in problems or in a score, and in nothing else."""

from __future__ import annotations

import random

import pytest
import small
from counts import count

import forgebench


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


@pytest.mark.soak
@pytest.mark.parametrize("container", ["zip", "parquet"])
def test_damaged_files_end_in_problems_or_a_score_and_nothing_else(tmp_path, scene, container, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no git: asking it for the commit takes longer than scoring
    write = {"zip": small.write_zip, "parquet": small.write_parquet}[container]
    given = [one for one in small.predictions(scene) if one.mask.size < 1000]
    data = write(tmp_path / f"sound.{container}", small.files(scene, given)).read_bytes()
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
