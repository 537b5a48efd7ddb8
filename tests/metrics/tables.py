"""Per-image tables for the metrics' tests, made from pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics import DEFINITIONS, Metric, Table, pixel_counts

METRICS = {metric.id: metric for metric in DEFINITIONS["forgebench"].metrics}


@dataclass(frozen=True)
class Shot:
    """One image: what is true, and what was predicted."""

    mask: NDArray[np.bool_] | None
    """All false for an authentic image; None for a tampered one without pixel truth."""
    heat: NDArray[np.uint8]
    score: float
    group: str = "g"
    valid: bool = True

    @property
    def tampered(self) -> bool:
        return self.mask is None or bool(self.mask.any())


def table(shots: list[Shot], *, localizes: bool = True) -> Table:
    """The table that scoring makes of them."""
    none = np.zeros(256, np.int64)
    counts = [
        pixel_counts(shot.heat, shot.mask) if shot.valid and localizes and shot.mask is not None else None
        for shot in shots
    ]
    px = [(0, 0) if shot.mask is None else (int(shot.mask.sum()), int((~shot.mask).sum())) for shot in shots]
    return Table(
        sample_id=np.array([f"s{i}" for i in range(len(shots))], dtype=str),
        group=np.array([shot.group for shot in shots], dtype=str),
        tampered=np.array([shot.tampered for shot in shots], bool),
        score=np.array([shot.score if shot.valid else np.nan for shot in shots], float),
        valid=np.array([shot.valid for shot in shots], bool),
        hist_tampered=np.array([none if c is None else c.tampered for c in counts]).reshape(-1, 256),
        hist_authentic=np.array([none if c is None else c.authentic for c in counts]).reshape(-1, 256),
        tampered_px=np.array([p for p, _ in px], np.int64),
        authentic_px=np.array([n for _, n in px], np.int64),
        localizes=localizes,
    )


def value(metric: Metric, of: Table, weights: NDArray[np.int64] | None = None) -> float:
    """A metric's value; every sample counts once unless said."""
    weights = np.ones(len(of), np.int64) if weights is None else weights
    return float(metric.statistic(of).of(weights[None])[0])


def shots(seed: int, n: int = 12, *, values: int = 256) -> list[Shot]:
    """Random images of both classes; heat and score take few values, so that there are ties.

    Among them: one without a pixel, one with nothing but tampered pixels, one without pixel truth.
    """
    rng = np.random.default_rng(seed)
    found = []
    for index in range(n):
        size = tuple(rng.integers(1, 9, 2))
        mask: NDArray[np.bool_] | None = rng.random(size) < 0.3
        if index % 3 == 0:
            mask = np.zeros(size, bool)
        elif index == 1:
            mask = np.ones(size, bool)
        elif index == 2:
            mask = None
        heat = (rng.integers(0, values, size) * (255 // max(1, values - 1))).astype(np.uint8)
        score = float(rng.integers(0, 11)) / 10
        found.append(Shot(mask, heat, score, group=f"g{index // 2}"))
    return found


def lost(given: list[Shot], index: int) -> list[Shot]:
    """The same without a valid prediction for one of them."""
    return [replace(shot, valid=shot.valid and i != index) for i, shot in enumerate(given)]
