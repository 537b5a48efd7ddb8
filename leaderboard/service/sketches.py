"""A submission's sketch: so little of it that all can be compared with all, so much that a copy is found.

Of each sample, in the order of their ids: the score and the mean of each cell of a 4 × 4 grid over the mask, as bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forgebench import Benchmark, Prediction, Submission

GRID = 4
WIDTH = 1 + GRID * GRID


def sketch(submission: Submission, benchmark: Benchmark) -> bytes:
    """The sketch of a submission, `WIDTH` bytes a sample; zeros where there is no valid prediction."""
    rows = benchmark.rows(submission.manifest.split, ["sample_id", "height", "width"])
    found = {row["sample_id"]: _line(submission, row["sample_id"], (row["height"], row["width"])) for row in rows}
    return b"".join(found[sample_id].tobytes() for sample_id in sorted(found))


def distance(first: bytes, second: bytes) -> float:
    """Mean absolute difference of two sketches, of 255; infinite where they are of different samples."""
    if len(first) != len(second):
        return float("inf")
    a, b = (np.frombuffer(one, np.uint8).astype(np.int16) for one in (first, second))
    return float(np.abs(a - b).mean())


def _line(submission: Submission, sample_id: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    line = np.zeros(WIDTH, np.uint8)
    prediction = submission.read(sample_id, size)
    if isinstance(prediction, Prediction):
        line[0] = round(prediction.score * 255)
        if prediction.mask is not None:
            line[1:] = [round(float(cell.mean())) if cell.size else 0 for cell in _cells(prediction.mask)]
    return line


def _cells(mask: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [cell for band in np.array_split(mask, GRID) for cell in np.array_split(band, GRID, axis=1)]
