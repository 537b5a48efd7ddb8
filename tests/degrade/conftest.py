"""A benchmark of all kinds of files, and all recipes over it, made once."""

from __future__ import annotations

from pathlib import Path

import parents
import pytest

import forgebench
from forgebench.benchmark import Benchmark, Grid


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Not to be changed."""
    return parents.build(tmp_path_factory.mktemp("shapes") / "shapes", parents.samples())


@pytest.fixture(scope="session")
def grid(shapes: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Grid]:
    """Not to be changed."""
    out = tmp_path_factory.mktemp("grid") / "grid"
    return out, forgebench.degrade_grid(shapes, out, workers=1)
