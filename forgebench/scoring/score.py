"""Submission × benchmark → per-image table → record."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import numpy as np

from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.engine import Engine
from forgebench.errors import InputError
from forgebench.metrics import Definition
from forgebench.metrics.intervals import RESAMPLES, check_draws
from forgebench.scoring import per_image
from forgebench.scoring.calibration import freeze
from forgebench.scoring.columns import wanted
from forgebench.scoring.count import Counts, count
from forgebench.scoring.numbers import Interval, compute, counts_of, definitions_named
from forgebench.scoring.per_image import OK, PerImage, open_table
from forgebench.scoring.record import (
    FILE,
    BenchmarkPart,
    CalibrationPart,
    MetricValue,
    PerImagePart,
    PredictionsPart,
    Record,
    Statistics,
    Suite,
)
from forgebench.scoring.scored import metric_table
from forgebench.scoring.slices import check_slices
from forgebench.scoring.slices import subsets as sliced
from forgebench.scoring.subsets import check_subsets, chosen
from forgebench.submission import Submission, usable
from forgebench.submission.manifest import SubmissionManifest
from forgebench.version import VERSION

PACKAGES = ("numpy", "scipy", "pillow", "pyarrow")
"""What the numbers are made with."""
REPORT = "report.html"
ROBUSTNESS = "robustness.json"
INPUTS = "inputs.json"
"""Where benchmark and submission lay on this machine, for the report's pictures; no part of the record."""


def score(
    submission: str | Path | Submission,
    benchmark: Benchmark | str | Path,
    out: str | Path | None = None,
    *,
    split: str | None = None,
    definitions: Sequence[str] = ("forgebench",),
    slices: Sequence[str] = (),
    subsets: Mapping[str, Sequence[str]] | None = None,
    calibration: str | Path | None = None,
    interval: Interval = "percentile",
    without: Sequence[str] = (),
    seed: int = 0,
    workers: int | None = None,
    engine: Engine = "local",
) -> Record:
    """Score a submission in one pass.

    Missing and invalid predictions get the worst value that each metric allows, and are counted.

    Args:
        submission: A folder, a .zip or a .parquet file.
        benchmark: The benchmark that it predicts, or its folder.
        out: Where `record.json` and `per_image.parquet` are written; an earlier score there is replaced.
        split: The split that it must be for; None takes the one it names.
        definitions: Names of definitions, or `all`.
        slices: What to slice by: `manipulation`, `region_size`, `image_size`, `jpeg_quality`, `source`.
        subsets: Chosen sample ids by the name of the choice: each is scored too, as `subset=name`, and recorded.
        calibration: The score of the same method on another split: thresholds are chosen there and frozen.
        interval: `percentile`, or `bca` (bias-corrected and accelerated).
        without: Families of counts to leave out, such as `boundary` and `regions`, the slowest parts of the pass: the
            metrics that need them are undefined.
        seed: Of the bootstrap.
        workers: Number of processes; None takes all cores.
        engine: `local` processes, or `ray`.

    Raises:
        NotFoundError: If there is no such submission, benchmark or calibration.
        InputError: If it cannot be scored: unsafe, unreadable or for another benchmark.
    """
    defined, benchmark = definitions_named(definitions), open_benchmark(benchmark)
    slices = check_slices(slices)
    check_interval(interval)
    check_draws(seed, RESAMPLES)
    path = submission.path if isinstance(submission, Submission) else Path(submission)
    target = None if out is None else _checked(Path(out))
    opened, _ = usable(path, benchmark, split)
    benchmark.check_truth(opened.manifest.split)
    frozen = None if calibration is None else freeze(calibration, benchmark, opened.manifest)
    about = wanted(counts_of(defined, without), opened.manifest.outputs)
    statistics = Statistics(interval=interval, resamples=RESAMPLES, seed=seed, n_groups=0)
    plan = Plan(defined, statistics, slices, check_subsets(subsets or {}, benchmark, opened.manifest.split), frozen)
    with _folder(target) as folder:
        table = folder / per_image.FILE
        counts = count(
            opened, benchmark, table, about, qualities="jpeg_quality" in slices, workers=workers, engine=engine
        )
        record = make_record(open_table(table), counts, opened.manifest, benchmark, plan)
        inputs = {"benchmark": str(benchmark.path.resolve()), "submission": str(path.resolve())}
        (folder / INPUTS).write_text(json.dumps(inputs, indent=1) + "\n", encoding="utf-8")
        record.write(folder)
    return record


@dataclass(frozen=True)
class Plan:
    """What is to be computed from a per-image table."""

    definitions: Sequence[Definition]
    statistics: Statistics
    slices: Sequence[str]
    subsets: Mapping[str, Sequence[str]]
    frozen: CalibrationPart | None


def make_record(
    stored: PerImage, counts: Counts, manifest: SubmissionManifest, benchmark: Benchmark, plan: Plan
) -> Record:
    """The record of a finished pass."""
    labels, statuses = stored.column("label"), dict(counts.statuses)
    groups = len(np.unique(stored.column("group").astype(str)))
    return Record(
        suite=_suite(),
        benchmark=BenchmarkPart(
            name=benchmark.name, content_hash=benchmark.content_hash, split=manifest.split, n=len(stored),
            n_authentic=int((labels == "authentic").sum()), n_tampered=int((labels == "tampered").sum()),
        ),
        predictions=PredictionsPart(
            sha256=counts.predictions_hash, n_valid=statuses.pop(OK, 0), problems=statuses
        ),
        per_image=PerImagePart(
            file=per_image.FILE, sha256=stored.sha256(), families=list(stored.about.families)
        ),
        method=manifest,
        definitions={definition.name: definition.version for definition in plan.definitions},
        statistics=plan.statistics.model_copy(update={"n_groups": groups}),
        slices=list(plan.slices),
        subsets={name: list(ids) for name, ids in plan.subsets.items()},
        calibration=plan.frozen,
        metrics=numbers(stored, manifest, plan),
        packages={name: version(name) for name in PACKAGES},
        python=platform.python_version(),
        platform=platform.platform(),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    ).sealed()  # fmt: skip


def numbers(stored: PerImage, manifest: SubmissionManifest, plan: Plan) -> list[MetricValue]:
    """Every number of a plan, from the per-image table."""
    statistics = plan.statistics
    return compute(
        metric_table(stored, manifest, plan.frozen), plan.definitions, statistics.seed,
        resamples=statistics.resamples, interval=statistics.interval,
        subsets=[*sliced(plan.slices, stored.slice_columns()), *chosen(plan.subsets, stored.column("sample_id"))],
    )  # fmt: skip


def check_interval(name: str) -> None:
    """Make sure that there is such an interval.

    Raises:
        InputError: If there is none.
    """
    if name not in get_args(Interval):
        raise InputError(f"No interval {name!r}. There are: {', '.join(get_args(Interval))}")


def _checked(out: Path) -> Path:
    """Nothing but an earlier score may be replaced."""
    if out.is_symlink() or out.is_file():
        raise InputError(f"{out} exists and is not an earlier score. Choose another --out.")
    names = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    others = sorted(names - {FILE, per_image.FILE, INPUTS, REPORT, ROBUSTNESS})
    if others or (names and FILE not in names):
        raise InputError(
            f"{out} exists and is not an earlier score: it would be replaced with all it holds, such as "
            f"{(others or sorted(names))[0]}. Choose another --out."
        )
    return out


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """A folder that becomes `out` when all is written, or is thrown away."""
    parent = None if out is None else out.parent
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".forgebench-score-", dir=parent))
    try:
        yield temporary
        if out is not None:
            temporary.chmod(0o755)
            if out.is_dir():
                shutil.rmtree(out)
            temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _suite() -> Suite:
    here = Path(__file__).parent
    commit = _git(here, "rev-parse", "HEAD") if _git(here, "ls-files", "--error-unmatch", __file__) else None
    dirty = None if commit is None else bool(_git(here, "status", "--porcelain", "--", "."))
    return Suite(version=VERSION, commit=commit, dirty=dirty)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, or None where there is no git or no checkout."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
