"""A submission's sketch: so little of it that all can be compared with all, so much that a copy is found.

Of each sample, in the order of their ids: the score and the mean of each cell of a 4 × 4 grid over the mask, as bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from forgebench import Benchmark, Prediction, Submission

GRID = 4
WIDTH = 1 + GRID * GRID


def sketch(submission: Submission, benchmark: Benchmark) -> bytes:
    """The sketch of a submission, `WIDTH` bytes a sample; zeros where there is no valid prediction."""
    rows = benchmark.rows(submission.manifest.split, ["sample_id", "height", "width"])
    found = {row["sample_id"]: _line(submission, row["sample_id"], (row["height"], row["width"])) for row in rows}
    return b"".join(found[sample_id].tobytes() for sample_id in sorted(found))


def distance(first: bytes, second: bytes) -> float:
    """How far two sketches are apart: the mean difference of ranks, of 255, so that no curve hides a copy.

    Scores and masks are compared each for themselves, and the larger distance counts; masks only where both have some.
    Infinite where the sketches are of different samples.
    """
    if len(first) != len(second):
        return float("inf")
    a, b = (np.frombuffer(one, np.uint8).reshape(-1, WIDTH) for one in (first, second))
    parts = [(a[:, 0], b[:, 0])]
    if a[:, 1:].any() and b[:, 1:].any():
        parts.append((a[:, 1:].ravel(), b[:, 1:].ravel()))
    return max(float(np.abs(rankdata(x) - rankdata(y)).mean()) * 255 / len(x) for x, y in parts)


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
