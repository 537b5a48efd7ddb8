"""Frozen thresholds: chosen once on a calibration split, recorded with its hash, then used on another split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark import Benchmark
from forgebench.errors import InputError
from forgebench.metrics import Table
from forgebench.metrics.image import curve_counts
from forgebench.metrics.pixel import BINS, Floats, Histograms
from forgebench.metrics.table import Frozen
from forgebench.scoring.record import CalibrationPart, Record
from forgebench.scoring.scored import read_scored
from forgebench.submission import SubmissionManifest


def freeze(path: str | Path, benchmark: Benchmark, manifest: SubmissionManifest) -> CalibrationPart:
    """Choose thresholds on the score of a calibration split.

    Raises:
        NotFoundError: If there is no record, or no table beside it.
        InputError: If the record was changed, is of another method or version, or of the very split that is scored.
    """
    scored = read_scored(path).unchanged()
    record, folder = scored.record, scored.folder
    _refuse_another(record, folder, manifest)
    part = record.benchmark
    if (part.content_hash, part.split) == (benchmark.content_hash, manifest.split):
        raise InputError(
            f"{folder} is a score on {part.name} {part.split}, which is what is being scored: thresholds chosen there "
            "would be tuned on the test. Score the method on another split or benchmark first."
        )
    frozen = thresholds(scored.stored.table())
    return CalibrationPart(
        benchmark=part.name, split=part.split, content_hash=part.content_hash, record_sha256=record.record_sha256,
        per_image_sha256=record.per_image.sha256, byte=frozen.byte, score=frozen.score,
    )  # fmt: skip


def _refuse_another(record: Record, folder: Path, manifest: SubmissionManifest) -> None:
    for name in ("method", "version"):
        said, wanted = getattr(record.method, name), getattr(manifest, name)
        if said != wanted:
            raise InputError(
                f"{folder} is a score of {name} {said!r}, the submission is of {wanted!r}: thresholds are a part of "
                "the method and cannot be another's."
            )


def thresholds(table: Table) -> Frozen:
    """The byte of the highest mean pixel F1 over tampered images, and the score of the highest balanced accuracy.

    Of thresholds that are equally good, the one nearest to 0.5. Without masks, or tampered ones, the byte is 128;
    without both classes, the score is 0.5.
    """
    return Frozen(_best_byte(table), _best_score(table))


def _best_byte(table: Table) -> int:
    sums = np.zeros(BINS)
    inside = table.tampered_with_mask & table.valid
    if not table.localizes or not inside.any():
        return BINS // 2
    for rows, tampered, authentic in table.blocks():
        sums += _f1_at_every_byte(tampered[inside[rows]], authentic[inside[rows]]).sum(axis=0)
    return int(_nearest_best(sums, np.arange(BINS), BINS / 2))


def _f1_at_every_byte(tampered: Histograms, authentic: Histograms) -> Floats:
    tp, fp = (np.cumsum(h[:, ::-1], axis=1)[:, ::-1] for h in (tampered, authentic))
    return 2 * tp / (tp + fp + tp[:, :1])


def _best_score(table: Table) -> float:
    valid = table.only(table.valid)
    if valid.tampered.all() or not valid.tampered.any():
        return 0.5
    curve = curve_counts(valid, valid.whole)
    called = np.pad(np.concatenate([curve.tp / curve.tp[:, -1:], curve.fp / curve.fp[:, -1:]]), ((0, 0), (1, 0)))
    scores = np.unique(valid.score)[::-1]
    # Option i calls the i highest scores tampered: any threshold above the next and up to the last of them does.
    upper, lower = np.concatenate([[1.0], scores]), np.concatenate([scores, [0.0]])
    at = np.where((lower < 0.5) & (upper >= 0.5), 0.5, (upper + lower) / 2)
    return float(_nearest_best(called[0] - called[1], at, 0.5))


def _nearest_best(values: Floats, at: NDArray[Any], middle: float) -> float:
    best = at[values >= values.max() - 1e-12]
    return float(best[np.abs(best - middle).argmin()])
