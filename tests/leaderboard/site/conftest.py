"""A board of really scored entries on the small benchmark."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small import predictions, scene_fixture

import forgebench
from forgebench import controls
from leaderboard.entry import FILE, Entry
from leaderboard.site import build

__all__ = ["scene_fixture"]

FORMULA = "=HYPERLINK(1)"
HOSTILE = "a & b \"c\" 'd' {{ 7 * 7 }}"


@pytest.fixture(scope="session")
def records(scene, tmp_path_factory):
    """Three methods of other skill, one of them superseded, two controls; every one was scored."""
    folder = tmp_path_factory.mktemp("board")
    given = {
        "weak": (HOSTILE, "box", 0.1, Entry(account="Ada", submitted_utc=datetime(2026, 3, 1, tzinfo=UTC))),
        "strong": (FORMULA, "pixel", 0.7, Entry(account="+Bob")),
        "old": ("an older one", "pixel", 0.5, Entry(superseded_by="strong")),
    }
    for name, (method, supervision, skill, entry) in given.items():
        submission = folder / "submissions" / f"{name}.parquet"
        forgebench.write_submission(
            submission, predictions(scene, skill=skill), benchmark=scene.benchmark, method=method,
            supervision=supervision,
        )  # fmt: skip
        _score(submission, scene, folder / "records" / name, entry)
    for name, control in {"black": controls.all_black, "random": controls.random}.items():
        submission = forgebench.predict(control(), scene.benchmark, folder / "submissions" / f"{name}.parquet")
        _score(submission, scene, folder / "records" / name, Entry(kind="control"))
    return folder / "records"


def _score(submission, scene, out, entry):
    forgebench.score(
        submission, scene.benchmark, out, definitions=("forgebench", "trufor"), slices=("region_size",), workers=1
    )
    entry.write(out / FILE)


@pytest.fixture(scope="session")
def site(records, scene, tmp_path_factory):
    return build(records, tmp_path_factory.mktemp("site") / "site", benchmarks=[scene.benchmark.path]).parent


@pytest.fixture(scope="session")
def board(site):
    """The one benchmark's document, as the page's script gets it."""
    (file,) = (path for path in (site / "data").glob("*.js") if path.name != "index.js")
    return json.loads(file.read_text().partition(" = ")[2].rstrip().rstrip(";"))


@pytest.fixture
def spoilt(records, tmp_path: Path):
    """A copy of the entries to be spoilt."""
    return shutil.copytree(records, tmp_path / "records")
