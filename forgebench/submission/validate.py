"""Validate a submission: every problem at once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from forgebench import engine
from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.benchmark.opened import RowGroup
from forgebench.errors import Problem
from forgebench.submission.check import check
from forgebench.submission.opened import Submission


def validate(
    submission: str | Path | Submission, benchmark: Benchmark | str | Path, *, workers: int | None = None
) -> list[Problem]:
    """Everything that is wrong with a submission, sorted; empty where it is valid.

    Args:
        submission: A folder, a .zip or a .parquet file.
        benchmark: The benchmark that it predicts, or its folder.
        workers: Number of processes; None takes all cores.

    Raises:
        NotFoundError: If there is no such submission or benchmark.
    """
    benchmark = open_benchmark(benchmark)
    path = submission.path if isinstance(submission, Submission) else Path(submission)
    opened, problems = check(path, benchmark)
    if opened is not None:
        groups = benchmark.row_groups(opened.manifest.split)
        results = engine.run(
            partial(_check_group, opened), groups, total=len(groups), what="validating", workers=workers, chunk=1
        )
        problems += [problem for found in results for problem in found]
    return sorted(problems)


def _check_group(submission: Submission, group: RowGroup) -> list[Problem]:
    rows = group.read(["sample_id", "height", "width"])
    return [found for row in rows for found in submission.problems(row["sample_id"], (row["height"], row["width"]))]
