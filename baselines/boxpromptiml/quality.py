"""How good pseudo masks are, against the truth: a diagnostic, and the one place where the pixel level is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.boxpromptiml.config import Config
from baselines.boxpromptiml.targets import PseudoMasks, Row
from baselines.boxpromptiml.teacher import RectangleTeacher, union
from baselines.common.data import decoded, load_level
from forgebench.errors import InputError
from forgebench.metrics import pixel_counts, pixel_numbers

SHOWN = ("pixel_iou", "pixel_f1", "pixel_precision", "pixel_recall")


def measure(config: Config, benchmark: str | Path, *, split: str = "train") -> dict[str, Any]:
    """Compare pseudo masks, and the boxes that they were made of, with the truth. Nothing of it reaches training.

    Args:
        config: Its teacher's folder holds the masks.
        benchmark: A built benchmark with pixel truth.
        split: Which split.

    Returns:
        `teacher`, `weights`, `coarseness`, `n`, `n_without_truth`, and for `masks` and `boxes` the mean and the
        deciles of IoU, F1, precision and recall over images.

    Raises:
        InputError: If no sample has both truth and a pseudo mask.
    """
    pseudo = PseudoMasks(config.teacher, config.data)
    rows = load_level(benchmark, "pixel", split)
    tampered = [index for index, boxes in enumerate(rows["boxes"]) if boxes]
    found = [one for one in (_compared(dict(rows[index]), pseudo) for index in tampered) if one is not None]
    if not found:
        raise InputError(f"No sample of {benchmark}, {split}, has both truth and a pseudo mask. Run teach first.")
    masks, boxes = zip(*found, strict=True)
    settings = ("kind", "name", "coarseness", "least_share", "most_dilation")
    about = {name: getattr(config.teacher, name) for name in settings}
    counts = {"n": len(found), "n_without_truth_or_mask": len(tampered) - len(found)}
    return {"teacher": about, **counts, "masks": _summary(masks), "boxes": _summary(boxes)}


def _compared(row: Row, pseudo: PseudoMasks) -> tuple[dict[str, float], dict[str, float]] | None:
    """The numbers of a pseudo mask and of its boxes; None where there is no truth or no mask."""
    boxes = pseudo.boxes(row)
    logits = pseudo.find(row, boxes)
    if row["mask"] is None or logits is None:
        return None
    truth = decoded(row["mask"]["bytes"], "L") > 127
    (filled,) = RectangleTeacher().logits([np.zeros((*truth.shape, 3), np.uint8)], [boxes])
    return _numbers(logits > 0, truth), _numbers(union(filled, boxes, pseudo.config) > 0, truth)


def _numbers(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    numbers = pixel_numbers(pixel_counts(mask * np.uint8(255), truth))
    return {name: float(numbers[name]) for name in SHOWN}


def _summary(numbers: tuple[Mapping[str, float], ...]) -> dict[str, dict[str, float]]:
    return {name: dict(_spread(np.array([one[name] for one in numbers]))) for name in SHOWN}


def _spread(values: NDArray[np.float64]) -> Iterator[tuple[str, float]]:
    """Mean and deciles; precision is undefined where a mask is empty, and such images do not count."""
    known = values[~np.isnan(values)]
    yield "n_undefined", int(np.isnan(values).sum())
    if len(known):
        yield "mean", round(float(known.mean()), 4)
        for share in (0.1, 0.5, 0.9):
            yield f"p{share * 100:.0f}", round(float(np.quantile(known, share)), 4)
