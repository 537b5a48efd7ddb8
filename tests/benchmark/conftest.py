"""Benchmarks built once from look-alikes."""

from __future__ import annotations

import shutil
from pathlib import Path

import lookalikes
import pytest

import forgebench
from benchmark.publishing import bound, changeable, free, hub, photos
from forgebench.benchmark import Benchmark, open_benchmark

__all__ = ["bound", "changeable", "free", "hub", "photos"]


@pytest.fixture(scope="session")
def truths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, lookalikes.Truths]:
    """A folder source of five kinds of files with two turned images, and what it must become."""
    root = tmp_path_factory.mktemp("folder")
    return root, lookalikes.folder(root, n=6) | lookalikes.turned(root)


@pytest.fixture(scope="session")
def built(truths: tuple[Path, lookalikes.Truths], tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """That folder as a benchmark; not to be changed."""
    return forgebench.build("folder", truths[0], tmp_path_factory.mktemp("built") / "mine", workers=1)


@pytest.fixture(scope="session")
def cover(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """A benchmark with source masks and known defects; not to be changed."""
    root = tmp_path_factory.mktemp("cover")
    lookalikes.coverage(root / "in")
    return forgebench.build("coverage", root / "in", root / "out", workers=1)


@pytest.fixture
def copied(built: Benchmark, tmp_path: Path) -> Benchmark:
    """A copy that may be changed."""
    shutil.copytree(built.path, tmp_path / "copy")
    return open_benchmark(tmp_path / "copy")
