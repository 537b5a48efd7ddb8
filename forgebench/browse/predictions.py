"""Scored submissions as fields of a FiftyOne dataset: maps, masks and our own per-image numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forgebench import engine
from forgebench.benchmark.rows import png
from forgebench.browse.connect import cache_folder
from forgebench.browse.media import write
from forgebench.browse.scores import PIXEL_NUMBERS, Row, Scores
from forgebench.browse.truth import ID
from forgebench.errors import InputError, Problem
from forgebench.metrics.pixel import BINS, THRESHOLD
from forgebench.scoring.per_image import OK
from forgebench.submission import Submission

if TYPE_CHECKING:
    import fiftyone as fo

_BATCH = 100
_MAP, _MASK = "map", "mask"
FIELDS = (_MASK, _MAP, *PIXEL_NUMBERS, "score", "status")
"""What a submission adds; of these, one without masks adds `score` and `status`."""


def add_scores(dataset: fo.Dataset, scores: Scores) -> str:
    """Add or update the fields of a submission.

    Returns:
        What could not be shown, or nothing.

    Raises:
        NotFoundError, InputError: If the per-image table is missing, cannot be read or is of other samples, or the
            predictions have changed since they were scored.
    """
    folder = cache_folder(dataset.name) / f"{scores.slug}-{scores.predictions_hash[:12]}"
    _forget_others(dataset, scores, folder)
    _declare(dataset, scores)
    submission = scores.submission() if scores.localizes else None
    if submission is not None:
        for name in (_MAP, _MASK):
            (folder / name).mkdir(parents=True, exist_ok=True)
    ids = dict(zip(*dataset.values([ID, "id"]), strict=True))
    shown = engine.run(
        partial(_values, submission, folder), scores.rows(), total=scores.record.benchmark.n, what=f"adding {scores.title}"
    )
    for batch in _batches(shown):
        _set(dataset, scores, {_id(ids, row, scores): values for row, values in batch})
    missing = scores.localizes and submission is None
    return f"{scores.title}: numbers without maps, for its predictions are no longer where they were scored." if missing else ""
