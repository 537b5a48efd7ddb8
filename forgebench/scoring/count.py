"""The one pass over benchmark and predictions: every sample counted, written row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark import Benchmark
from forgebench.benchmark.cells import mask_of
from forgebench.benchmark.hashing import frame, hash_of_lines, row_digest
from forgebench.benchmark.opened import RowGroup
from forgebench.engine import Engine, run
from forgebench.errors import Problem, ProblemsError
from forgebench.jpeg import file_quality
from forgebench.metrics import pixel_counts
from forgebench.metrics.counting import Shown
from forgebench.metrics.families import families
from forgebench.schema import COLUMNS, LABELS, Prediction
from forgebench.scoring.columns import ROWS, TableAbout, schema
from forgebench.submission import Submission, prediction_line

OK = "ok"
_BUT_THE_IMAGE = (*(name for name in COLUMNS if name != "image"), "image.path")
"""Enough to see that what is scored is what was built."""


@dataclass(frozen=True)
class Counts:
    """What came of the pass beside the table."""

    predictions_hash: str
    """SHA-256 over all that was predicted, whatever the container."""
    statuses: dict[str, int]
    """How many samples have a valid prediction (`ok`), and how many each kind of problem."""


@dataclass(frozen=True)
class _Task:
    """What every worker needs."""

    submission: Submission
    about: TableAbout
    qualities: bool
    """Whether the images' JPEG qualities are wanted, which takes reading their bytes."""


def count(
    submission: Submission,
    benchmark: Benchmark,
    table: Path,
    about: TableAbout,
    *,
    qualities: bool = False,
    workers: int | None = None,
    engine: Engine = "local",
) -> Counts:
    """Count every sample of the submission's split, and write the per-image table.

    Raises:
        ProblemsError: If the benchmark was changed after it was built: the samples are named.
    """
    groups = benchmark.row_groups(submission.manifest.split)
    results = run(
        partial(_count_group, _Task(submission, about, qualities)), groups,
        total=len(groups), what="scoring", workers=workers, chunk=1, engine=engine,
    )  # fmt: skip
    lines, problems, statuses = list[bytes](), list[Problem](), Counter[str]()
    fix = f"See all: forgebench verify {benchmark.path}"

    def rows() -> Iterator[dict[str, Any]]:
        for counted, of_group, digests in results:
            lines.extend(of_group)
            for sample_id, digest in digests.items():
                if benchmark.manifest.rows.get(sample_id) != digest:
                    problems.append(Problem("changed", sample_id, "the values that were built", "others", fix))
            statuses.update(row["status"] for row in counted)
            yield from counted

    _write(rows(), table, about)
    expected, found = benchmark.manifest.splits[submission.manifest.split].samples, statuses.total()
    if found != expected:
        problems.append(Problem("changed", "", f"{expected} samples", str(found), fix))
    if problems:
        raise ProblemsError(f"{benchmark.path} was changed after it was built and cannot be scored on:", problems)
    return Counts(hash_of_lines(lines), dict(sorted(statuses.items())))


def _write(rows: Iterable[dict[str, Any]], path: Path, about: TableAbout) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    form = schema(about)
    with pq.ParquetWriter(path, form, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == ROWS:
                writer.write_table(pa.Table.from_pylist(waiting, schema=form), row_group_size=ROWS)
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema=form), row_group_size=ROWS)


_Counted = tuple[list[dict[str, Any]], list[bytes], dict[str, str]]
"""The table's rows, the lines of the predictions' hash, and the digest of each benchmark row."""


def _count_group(task: _Task, group: RowGroup) -> _Counted:
    rows = group.read([*_BUT_THE_IMAGE, "image.bytes"] if task.qualities else _BUT_THE_IMAGE)
    counted = [_count_row(task, row) for row in rows]
    digests = {row["sample_id"]: row_digest(row) for row in rows}
    return [row for row, _ in counted], [line for _, line in counted], digests


def _count_row(task: _Task, row: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    size = (row["height"], row["width"])
    truth = _truth(row, size)
    tampered = 0 if truth is None else int(np.count_nonzero(truth))
    counted = {
        "sample_id": row["sample_id"], "group": row["group"], "label": LABELS[row["label"]], "status": OK,
        "tampered_px": tampered, "authentic_px": 0 if truth is None else truth.size - tampered,
        "manipulation": row["manipulation"], "width": row["width"], "height": row["height"],
        "source": _source(row["provenance"]),
    }  # fmt: skip
    if task.qualities:
        counted["jpeg_quality"] = file_quality(row["image"]["bytes"])
    prediction = task.submission.read(row["sample_id"], size)
    if isinstance(prediction, Problem):
        line = frame(row["sample_id"]) + frame(prediction.code)
        shown = Shown(None, truth, true_explanation=row["explanation"], lost=True)
        return counted | {"status": prediction.code} | _further(task, shown), line
    return counted | _counts(task, row, prediction, truth), prediction_line(prediction)


def _counts(
    task: _Task, row: dict[str, Any], prediction: Prediction, truth: NDArray[np.bool_] | None
) -> dict[str, Any]:
    counted: dict[str, Any] = {"score": prediction.score, "synthetic": prediction.synthetic}
    if prediction.mask is not None and truth is not None:
        counts = pixel_counts(prediction.mask, truth)
        counted |= {"hist_tampered": counts.tampered, "hist_authentic": counts.authentic}
    shown = Shown(prediction.mask, truth, prediction.boxes, prediction.explanation, row["explanation"])
    return counted | _further(task, shown)


def _further(task: _Task, shown: Shown) -> dict[str, Any]:
    return {name: value for family in families(task.about.families) for name, value in family.count(shown).items()}


def _truth(row: dict[str, Any], size: tuple[int, int]) -> NDArray[np.bool_] | None:
    if row["mask"] is None:
        return None
    if LABELS[row["label"]] == "authentic":
        return np.zeros(size, bool)
    return mask_of(row["mask"])


def _source(provenance: str | None) -> str | None:
    """Where a sample comes from, as its provenance says: the source that it names, or the recipe."""
    if provenance is None:
        return None
    said = json.loads(provenance)
    recipe = said.get("recipe")
    return said.get("source") or (recipe.get("name") if isinstance(recipe, dict) else recipe)
