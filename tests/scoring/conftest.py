"""The small benchmark, and a score of it that verifies fast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import small
from small import scene_fixture

import forgebench

from .edits import quick

__all__ = ["scene_fixture"]


@pytest.fixture(scope="session")
def given(scene):
    """Predictions that lean towards the truth."""
    return small.predictions(scene)


@pytest.fixture(scope="session")
def scored(scene, given, tmp_path_factory) -> Path:
    """The folder of a score with two invalid predictions, one of them of an authentic image."""
    folder = tmp_path_factory.mktemp("scored")
    files = small.files(scene, given)
    files["masks/tampered-f.png"] = b""
    del files["masks/authentic-h.png"]
    forgebench.score(small.write_zip(folder / "sub.zip", files), scene.benchmark, folder / "out", workers=1)
    return folder / "out"


@pytest.fixture(scope="session")
def quick_score(scored, tmp_path_factory) -> Path:
    """The same with 20 resamples, sealed again: verifying it takes milliseconds."""
    return quick(scored, tmp_path_factory.mktemp("quick") / "out")


@pytest.fixture
def fields(quick_score):
    """The fields of its record, to be edited."""
    return json.loads((quick_score / "record.json").read_text(encoding="utf-8"))
