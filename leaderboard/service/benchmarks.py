"""The benchmarks of a board: what participants have of them, and what workers alone read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from forgebench import Benchmark, open_benchmark
from leaderboard.service.errors import RefusedError
from leaderboard.service.settings import Settings


def public_benchmarks(settings: Settings) -> dict[str, Benchmark]:
    """Every benchmark by its name, as participants have it."""
    folder = settings.public_folder
    found = [_opened(path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*/forgebench.json"))]
    return {benchmark.name: benchmark for benchmark in found}


def public_benchmark(settings: Settings, name: str) -> Benchmark:
    """One of them.

    Raises:
        RefusedError: If there is none of this name.
    """
    found = public_benchmarks(settings)
    if name not in found:
        raise RefusedError(404, f"This board has no such benchmark. It has: {', '.join(found) or 'none'}.")
    return found[name]


def scored_benchmark(settings: Settings, name: str) -> Benchmark:
    """The one that submissions are scored on: the private half where there is one. For workers alone.

    Raises:
        RefusedError: If there is none of this name.
    """
    public = public_benchmark(settings, name)
    if public.manifest.hidden is None:
        return public
    for path in sorted((settings.private or Path()).glob("*/forgebench.json")) if settings.private else ():
        private = _opened(path, path.stat().st_mtime_ns)
        if private.content_hash == public.content_hash:
            return private
    raise RefusedError(500, f"No private half of {name} lies in {settings.private}: FORGEBENCH_BOARD_PRIVATE.")


def is_hidden(benchmark: Benchmark, split: str) -> bool:
    """Whether a split's truth is hidden from participants; of the public half."""
    hidden = benchmark.manifest.hidden
    return hidden is not None and split in hidden.splits


@lru_cache(maxsize=64)
def _opened(path: Path, _changed: int) -> Benchmark:
    return open_benchmark(path.parent)
