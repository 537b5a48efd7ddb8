"""Benchmarks: a data set built on disk under one schema; build, degrade, open, verify, publish."""

from forgebench.benchmark.build import build
from forgebench.benchmark.degrade import degrade
from forgebench.benchmark.grid import Grid, degrade_grid, open_grid
from forgebench.benchmark.hide import Halves, hide
from forgebench.benchmark.manifest import Facts, Manifest, Parent
from forgebench.benchmark.opened import Benchmark, open_benchmark
from forgebench.benchmark.publish import Pushed, push
from forgebench.benchmark.synthesize import synthesize
from forgebench.benchmark.verify import verify_benchmark

__all__ = [
    "Benchmark", "Facts", "Grid", "Halves", "Manifest", "Parent", "Pushed", "build", "degrade", "degrade_grid", "hide",
    "open_benchmark", "open_grid", "push", "synthesize", "verify_benchmark",
]  # fmt: skip
