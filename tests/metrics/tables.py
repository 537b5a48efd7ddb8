"""Per-image tables for the metrics' tests, made from pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics import DEFINITIONS, Metric, Table, pixel_counts
from forgebench.metrics.counting import Kind, Shown
from forgebench.metrics.families import families
from forgebench.metrics.table import Frozen
from forgebench.schema import FIELDS, Explanation

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
    synthetic: float = 0.0
    """Predicted probability that all of it is synthetic."""
    made: str | None = None
    """Its manipulation."""
    said: Explanation | None = None
    told: Explanation | None = None
    """The true explanation."""

    @property
    def tampered(self) -> bool:
        return self.mask is None or bool(self.mask.any())


_FAMILIES = families(DEFINITIONS["forgebench"].counts)
_KINDS = {name: kind for family in _FAMILIES for name, kind in family.columns.items()}


_ONCE: dict[tuple[Any, ...], dict[str, Any]] = {}


def _further(shot: Shot, *, localizes: bool) -> dict[str, Any]:
    """What scoring counts beside the histograms; of the same image once for all tests."""
    truth = None if shot.mask is None else (shot.mask.shape, shot.mask.tobytes())
    texts = (tuple(text.values()) if text else None for text in (shot.said, shot.told))
    key = (truth, shot.heat.tobytes(), shot.valid, localizes, *texts)
    if key not in _ONCE:
        _ONCE[key] = _counted(shot, localizes=localizes)
    return _ONCE[key]


def _counted(shot: Shot, *, localizes: bool) -> dict[str, Any]:
    lost = not shot.valid
    pred, said = (None, None) if lost else (shot.heat if localizes else None, shot.said)
    shown = Shown(pred, shot.mask, explanation=said, true_explanation=shot.told, lost=lost)
    return {name: value for family in _FAMILIES for name, value in family.count(shown).items()}


def _column(values: list[Any], kind: Kind) -> NDArray[Any]:
    """A column as it is read back: 0 where a count is missing, nothing in a missing list."""
    if kind == "int":
        return np.array([0 if v is None else v for v in values], np.int64)
    found = np.empty(len(values), object)
    for row, v in enumerate(values):
        found[row] = np.array([] if v is None else v, np.int64 if kind == "ints" else float)
    return found


def table(shots: list[Shot], *, localizes: bool = True) -> Table:
    """The table that scoring makes of them."""
    none = np.zeros(256, np.int64)
    counted = [_further(shot, localizes=localizes) for shot in shots]
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
        outputs=("score", "synthetic", "mask", "explanation") if localizes else ("score", "synthetic", "explanation"),
        extra={
            **{name: _column([one.get(name) for one in counted], kind) for name, kind in _KINDS.items()},
            "synthetic": np.array([shot.synthetic if shot.valid else np.nan for shot in shots], float),
            "manipulation": np.array([shot.made for shot in shots], object),
        },
        supervision="box",
        frozen=Frozen(128, 0.5),
    )


def value(metric: Metric, of: Table, weights: NDArray[np.int64] | None = None) -> float:
    """A metric's value; every sample counts once unless said."""
    weights = np.ones(len(of), np.int64) if weights is None else weights
    return float(values(metric, of, weights[None])[0])


def values(metric: Metric, of: Table, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """A metric's values under weights for every sample, shape (B, N)."""
    return metric.statistic(replace(of, units=(np.arange(len(of)), len(of)))).of(weights)


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
        shot = Shot(mask, heat, score, f"g{index // 2}", synthetic=score * float(rng.integers(0, 3)) / 2)
        if shot.tampered:
            shot = replace(shot, made="full_synthetic" if rng.random() < 0.3 else "splice", told=_text(rng))
        found.append(replace(shot, said=_text(rng)))
    return found


def _text(rng: np.random.Generator) -> Explanation:
    words = ("splice", "of", "a", "cat", "left", "top", "seam")
    texts = [" ".join(words[i] for i in rng.integers(0, len(words), rng.integers(0, 5))) for _ in FIELDS]
    return Explanation(**dict(zip(FIELDS, texts, strict=True)))


def lost(given: list[Shot], index: int) -> list[Shot]:
    """The same without a valid prediction for one of them."""
    return [replace(shot, valid=shot.valid and i != index) for i, shot in enumerate(given)]
