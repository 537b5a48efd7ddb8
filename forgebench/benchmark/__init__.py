"""Benchmarks: a data set built on disk under one schema; build, open, verify, publish."""

from forgebench.benchmark.build import build
from forgebench.benchmark.manifest import Facts, Manifest
from forgebench.benchmark.opened import Benchmark, open_benchmark
from forgebench.benchmark.publish import Pushed, push
from forgebench.benchmark.synthesize import synthesize
from forgebench.benchmark.verify import verify_benchmark

__all__ = [
    "Benchmark", "Facts", "Manifest", "Pushed", "build", "open_benchmark", "push", "synthesize", "verify_benchmark",
]  # fmt: skip
