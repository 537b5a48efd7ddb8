"""Benchmarks: a data set built on disk under one schema; build, open, verify."""

from forgebench.benchmark.build import build
from forgebench.benchmark.manifest import Facts, Manifest
from forgebench.benchmark.opened import Benchmark, open_benchmark
from forgebench.benchmark.synthesize import synthesize
from forgebench.benchmark.verify import verify_benchmark

__all__ = ["Benchmark", "Facts", "Manifest", "build", "open_benchmark", "synthesize", "verify_benchmark"]
