"""The audit: one pass over the images of one or several benchmarks, then everything that follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from sys import intern

import numpy as np
from numpy.typing import NDArray

from forgebench import engine
from forgebench.audits import duplicates, holdings, shortcuts
from forgebench.audits.document import Audit, BenchmarkAudit, Finding
from forgebench.audits.look import Look, jobs, look
from forgebench.audits.originals import Comparer, Key
from forgebench.audits.pixels import GRID
from forgebench.audits.verdicts import verdicts
from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.errors import InputError
from forgebench.metrics.intervals import RESAMPLES, check_draws


def audit(
    benchmarks: str | Path | Benchmark | Sequence[str | Path | Benchmark],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    workers: int | None = None,
) -> Audit:
    """Look for shortcuts, leaks, duplicates and wrong truth, and describe what there is.

    Args:
        benchmarks: One, or several that are searched for images in common.
        seed: Of folds, classifiers and bootstrap.
        resamples: Of the bootstrap.
        workers: Number of processes; None takes all cores. The audit is the same whatever their number.

    Returns:
        The audit; it is `negative` where a shortcut tells the label or images leak across splits or benchmarks.

    Raises:
        InputError: If there is no benchmark, one is given twice, or an image cannot be decoded.
        NotFoundError: If there is no benchmark at a path.
    """
    check_draws(seed, resamples)
    given = [benchmarks] if isinstance(benchmarks, str | Path | Benchmark) else benchmarks
    opened = _named([open_benchmark(one) for one in given])
    looks, comparer, heats = _look_at_all(opened, workers)
    pairs = duplicates.find_pairs(looks)
    units = duplicates.units(looks, pairs)
    audits = []
    for name, benchmark in opened.items():
        members = np.flatnonzero([one.benchmark == name for one in looks])
        mine = [looks[i] for i in members]
        audits.append(_benchmark(name, benchmark, mine, units[members], comparer, heats[name], seed, resamples))
    counts, recurring = duplicates.counted(looks, pairs), duplicates.recurring(looks)
    findings = [
        Finding(code=code, benchmark=one.benchmark, split=one.split, sample_id=one.sample_id, text=text)
        for one in looks
        for code, text in one.findings
    ]
    return Audit(
        seed=seed, resamples=resamples, verdicts=list(verdicts(audits, counts, recurring, findings)),
        benchmarks=audits, pair_counts=counts, pairs=duplicates.listed(looks, pairs), recurring=recurring,
        findings=findings,
    )  # fmt: skip


def _named(benchmarks: Sequence[Benchmark]) -> dict[str, Benchmark]:
    """By name; those of one name by name and start of their content hash."""
    if not benchmarks:
        raise InputError("Expected at least one benchmark, got none.")
    times = Counter(one.name for one in benchmarks)
    named: dict[str, Benchmark] = {}
    for one in benchmarks:
        name = one.name if times[one.name] == 1 else f"{one.name}@{one.content_hash[:8]}"
        if name in named:
            raise InputError(f"{named[name].path} and {one.path} are one benchmark. Name each once.")
        named[name] = one
    return named


def _look_at_all(
    benchmarks: Mapping[str, Benchmark], workers: int | None
) -> tuple[list[Look], Comparer, dict[str, NDArray[np.float64]]]:
    """The one pass over the images; what is large of a sample is used and dropped as it comes."""
    todo = [job for name, benchmark in benchmarks.items() for job in jobs(benchmark, name)]
    comparer = Comparer(_expected(benchmarks))
    heats: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros((GRID, GRID)))
    looks = []
    for found in engine.run(look, todo, total=len(todo), what="looking at the images", workers=workers, chunk=1):
        for one in found:
            if one.cells is not None and one.cells.any():
                heats[one.benchmark] += one.cells / one.cells.sum()
            comparer.take(one)
            one.kinds = tuple(intern(kind) for kind in one.kinds)
            looks.append(one)
    return looks, comparer, heats


def _expected(benchmarks: Mapping[str, Benchmark]) -> Counter[Key]:
    """How many samples will be compared within each group and size."""
    return Counter(
        (name, row["group"], (row["width"], row["height"]))
        for name, benchmark in benchmarks.items()
        for split in benchmark.splits
        for row in benchmark.rows(split, ("group", "width", "height"))
    )


def _benchmark(
    name: str, benchmark: Benchmark, looks: Sequence[Look], units: NDArray[np.int64], comparer: Comparer,
    heat: NDArray[np.float64], seed: int, resamples: int,
) -> BenchmarkAudit:  # fmt: skip
    tampered = np.array([one.tampered for one in looks], bool)
    probes = [
        shortcuts.probe(kind, features(looks), tampered, units, seed=seed, resamples=resamples)
        for kind, features in shortcuts.PROBES.items()
    ]
    return BenchmarkAudit(
        name=name,
        content_hash=benchmark.content_hash,
        splits=benchmark.splits,
        n=len(looks),
        n_authentic=int((~tampered).sum()),
        n_tampered=int(tampered.sum()),
        n_groups=len({one.group for one in looks}),
        n_without_mask=sum(one.tampered and not one.has_mask for one in looks),
        n_flat=sum(one.hash is None for one in looks),
        probes=probes,
        originals=comparer.summary(name),
        statistics=holdings.statistics(looks, heat),
    )
