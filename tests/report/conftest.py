"""A small benchmark, and scores of it by methods of every sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lookalikes
import pytest
from seer import Seer

import forgebench
from forgebench import controls
from forgebench.benchmark import Benchmark


@pytest.fixture(scope="session")
def truths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, lookalikes.Truths]:
    root = tmp_path_factory.mktemp("folder")
    return root, lookalikes.folder(root, n=8) | lookalikes.turned(root)


@pytest.fixture(scope="session")
def benchmark(truths: tuple[Path, lookalikes.Truths], tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Eight authentic and ten tampered images: JPEG, PNG, TIFF, BMP, WebP, two of them turned by EXIF."""
    return forgebench.build("folder", truths[0], tmp_path_factory.mktemp("built") / "mine", workers=1)


Score = Callable[..., Path]


@pytest.fixture(scope="session")
def score(benchmark: Benchmark) -> Score:
    """Predict with a method below a folder, drop the masks of `lost`, and score."""

    def run(method: object, root: Path, name: str, lost: Sequence[str] = (), **how: Any) -> Path:
        submission = forgebench.predict(method, benchmark, root / "submissions" / name)
        for sample_id in lost:
            (submission.path / "masks" / f"{sample_id}.png").unlink()
        forgebench.score(submission.path, benchmark, root / "scores" / name, workers=1, **how)
        return root / "scores" / name

    return run


@pytest.fixture(scope="session")
def scores(
    truths: tuple[Path, lookalikes.Truths], score: Score, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """One good method, two controls, one of them with samples missing, and one without masks; not to be changed."""
    root = tmp_path_factory.mktemp("scored")
    methods = {
        "seer": Seer(truths[1]),
        "box": controls.centre_box(),
        "black": controls.all_black(),
        "unmasked": Seer(truths[1], "no masks", "image", masks=False),
    }
    lost = {"box": ("tampered-p0", "tampered-p3", "authentic-p2")}
    return {name: score(method, root, name, lost.get(name, ())) for name, method in methods.items()}


@pytest.fixture(scope="session")
def rich(
    truths: tuple[Path, lookalikes.Truths], score: Score, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """By all definitions, in slices: a method whose threshold was frozen elsewhere, a control, one without masks."""
    root = tmp_path_factory.mktemp("rich")
    elsewhere = lookalikes.folder(root / "elsewhere", n=4)
    other = forgebench.build("folder", root / "elsewhere", root / "other", workers=1)
    forgebench.predict(Seer(elsewhere), other, root / "sub")
    forgebench.score(root / "sub", other, root / "frozen", workers=1)
    how = {"definitions": ["all"], "slices": ["region_size", "jpeg_quality"]}
    lost = ("tampered-p0", "authentic-p2")
    return {
        "seer": score(Seer(truths[1]), root, "seer", calibration=root / "frozen", **how),
        "box": score(controls.centre_box(), root, "box", lost, **how),
        "unmasked": score(Seer(truths[1], "no masks", "image", masks=False), root, "unmasked", **how),
    }
