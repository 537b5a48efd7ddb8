"""Submission × benchmark → per-image table → record."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.errors import InputError
from forgebench.metrics import Definition
from forgebench.metrics.intervals import RESAMPLES, check_draws
from forgebench.scoring import per_image
from forgebench.scoring.numbers import compute, definitions_named
from forgebench.scoring.per_image import OK, Scored, metric_table
from forgebench.scoring.record import FILE, BenchmarkPart, PerImagePart, PredictionsPart, Record, Statistics, Suite
from forgebench.submission import Submission, usable
from forgebench.submission.manifest import SubmissionManifest
from forgebench.version import VERSION

REPORT = "report.html"
INPUTS = "inputs.json"
"""Where benchmark and submission lay on this machine, for the report's pictures; no part of the record."""


def score(
    submission: str | Path | Submission,
    benchmark: Benchmark | str | Path,
    out: str | Path | None = None,
    *,
    split: str | None = None,
    definitions: Sequence[str] = ("forgebench",),
    seed: int = 0,
    workers: int | None = None,
) -> Record:
    """Score a submission in one pass.

    Missing and invalid predictions get the worst value that each metric allows, and are counted.

    Args:
        submission: A folder, a .zip or a .parquet file.
        benchmark: The benchmark that it predicts, or its folder.
        out: Where `record.json` and `per_image.parquet` are written; an earlier score there is replaced.
        split: The split that it must be for; None takes the one it names.
        definitions: Names of definitions, or `all`.
        seed: Of the bootstrap.
        workers: Number of processes; None takes all cores.

    Raises:
        NotFoundError: If there is no such submission or benchmark.
        InputError: If it cannot be scored: unsafe, unreadable or for another benchmark.
    """
    chosen, benchmark = definitions_named(definitions), open_benchmark(benchmark)
    check_draws(seed, RESAMPLES)
    path = submission.path if isinstance(submission, Submission) else Path(submission)
    target = None if out is None else _checked(Path(out))
    opened, _ = usable(path, benchmark, split)
    scored = per_image.count(opened, benchmark, workers)
    record = make_record(scored, opened.manifest, benchmark, chosen, seed)
    if target is not None:
        _write(
            target,
            record,
            scored,
            {"benchmark": str(benchmark.path.resolve()), "submission": str(path.resolve())},
        )
    return record


def make_record(
    scored: Scored, manifest: SubmissionManifest, benchmark: Benchmark, definitions: Sequence[Definition], seed: int,
    resamples: int = RESAMPLES,
) -> Record:  # fmt: skip
    """The record of a finished pass."""
    table = metric_table(scored.table)
    statuses = Counter(scored.table["status"].to_pylist())
    return Record(
        suite=_suite(),
        benchmark=BenchmarkPart(
            name=benchmark.name, content_hash=benchmark.content_hash, split=manifest.split, n=len(table),
            n_authentic=int((~table.tampered).sum()), n_tampered=int(table.tampered.sum()),
        ),
        predictions=PredictionsPart(
            sha256=scored.predictions_hash, n_valid=statuses.pop(OK, 0), problems=dict(sorted(statuses.items()))
        ),
        per_image=PerImagePart(file=per_image.FILE, sha256=per_image.table_hash(scored.table)),
        method=manifest,
        definitions={definition.name: definition.version for definition in definitions},
        statistics=Statistics(resamples=resamples, seed=seed, n_groups=len(np.unique(table.group))),
        metrics=compute(table, definitions, seed, resamples),
        packages={name: version(name) for name in ("numpy", "scipy", "pillow", "pyarrow")},
        python=platform.python_version(),
        platform=platform.platform(),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    ).sealed()  # fmt: skip


def _checked(out: Path) -> Path:
    """Nothing but an earlier score may be replaced."""
    if out.is_symlink() or out.is_file():
        raise InputError(f"{out} exists and is not an earlier score. Choose another --out.")
    names = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    others = sorted(names - {FILE, per_image.FILE, INPUTS, REPORT})
    if others or (names and FILE not in names):
        raise InputError(
            f"{out} exists and is not an earlier score: it would be replaced with all it holds, such as "
            f"{(others or sorted(names))[0]}. Choose another --out."
        )
    return out


def _write(out: Path, record: Record, scored: Scored, inputs: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        per_image.write_table(scored.table, temporary / per_image.FILE)
        (temporary / INPUTS).write_text(json.dumps(inputs, indent=1) + "\n", encoding="utf-8")
        record.write(temporary)
        temporary.chmod(0o755)
        if out.is_dir():
            shutil.rmtree(out)
        temporary.rename(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


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
