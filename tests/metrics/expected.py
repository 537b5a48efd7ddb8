"""What every metric must say of six predictors that need no computer: the right answers follow from shares alone."""

from __future__ import annotations

from fractions import Fraction
from math import nan

import numpy as np

from forgebench.metrics import Table

from .tables import Shot, table

_SIZES = {"t1": (5, 8, 10), "t2": (4, 4, 2), "t3": (3, 7, 21), "a1": (6, 5, 0), "a2": (2, 9, 0)}
"""Height, width and tampered pixels; t3 is tampered all over."""


def predictors() -> list[Table]:
    """Perfect, all black, all white, constant (byte 128, score 0.5), inverted, and nothing valid."""
    return [
        _table(lambda mask: (mask * 255, float(mask.any()))),
        _table(lambda mask: (0 * mask, 0.0)),
        _table(lambda mask: (0 * mask + 255, 1.0)),
        _table(lambda mask: (0 * mask + 128, 0.5)),
        _table(lambda mask: (~mask * 255, 1.0 - mask.any())),
        _table(lambda mask: (0 * mask, 0.0), valid=False),
    ]


def _table(predict, *, valid=True):
    shots = []
    for height, width, tampered in _SIZES.values():
        mask = np.arange(height * width).reshape(height, width) < tampered
        heat, score = predict(mask)
        shots.append(Shot(mask, heat.astype(np.uint8), score, valid=valid))
    return table(shots)


def _mean(values):
    values = list(values)
    return float(sum(values) / len(values))


_SHARE = [Fraction(t, h * w) for h, w, t in _SIZES.values() if t]
"""Share of tampered pixels of each tampered image."""
_BOTH = [r for r in _SHARE if r < 1]
_POOLED = Fraction(sum(t for *_, t in _SIZES.values()), sum(h * w for h, w, t in _SIZES.values() if t))
_ALL = float(Fraction(sum(t for *_, t in _SIZES.values()), sum(h * w for h, w, _ in _SIZES.values())))
_IMAGES = 3 / 5


def _f1(share):
    """F1 of calling everything tampered."""
    return 2 * share / (1 + share)


_WHITE_F1 = _mean(map(_f1, _SHARE))
_HALF = 128 / 255

EXPECTED: dict[str, tuple[float, float, float, float, float, float]] = {
    "pixel_f1": (1, 0, _WHITE_F1, _WHITE_F1, 0, 0),
    "pixel_iou": (1, 0, _mean(_SHARE), _mean(_SHARE), 0, 0),
    # Inverted, the image that is tampered all over has nothing called tampered: undefined, not wrong.
    "pixel_precision": (1, nan, _mean(_SHARE), _mean(_SHARE), 0, 0),
    "pixel_recall": (1, 0, 1, 1, 0, 0),
    "pixel_mcc": (1, 0, 0, 0, -1, -1),
    "pixel_auc": (1, 0.5, 0.5, 0.5, 0, 0),
    "pixel_ap": (1, _mean(_BOTH), _mean(_BOTH), _mean(_BOTH), _mean(_BOTH), 0),
    "pixel_f1_oracle": (1, _WHITE_F1, _WHITE_F1, _WHITE_F1, _WHITE_F1, 0),
    "pixel_f1_pooled": (1, 0, float(_f1(_POOLED)), float(_f1(_POOLED)), 0, 0),
    "pixel_iou_pooled": (1, 0, float(_POOLED), float(_POOLED), 0, 0),
    "pixel_auc_pooled": (1, 0.5, 0.5, 0.5, 0, 0),
    "pixel_ap_pooled": (1, float(_POOLED), float(_POOLED), float(_POOLED), float(_POOLED), 0),
    "image_auc": (1, 0.5, 0.5, 0.5, 0, 0),
    "image_ap": (1, _IMAGES, _IMAGES, _IMAGES, _IMAGES, 0),
    "image_accuracy": (1, 1 - _IMAGES, _IMAGES, _IMAGES, 0, 0),
    "image_balanced_accuracy": (1, 0.5, 0.5, 0.5, 0, 0),
    "image_f1": (1, 0, _f1(_IMAGES), _f1(_IMAGES), 0, 0),
    "image_if1": (1, 0, 0, 0, 0, 0),
    "combined_f1": (1, 0, 0, 0, 0, 0),
    "image_eer": (0, 0.5, 0.5, 0.5, 1, 1),
    "image_tpr_at_fpr_01": (1, 0, 0, 0, 0, 0),
    "image_tpr_at_fpr_05": (1, 0, 0, 0, 0, 0),
    "fpr_authentic": (0, 0, 1, 1, 1, 1),
    "false_area_authentic": (0, 0, 1, 1, 1, 1),
    "image_brier": (0, _IMAGES, 1 - _IMAGES, 0.25, 1, 1),
    "image_ece": (0, _IMAGES, 1 - _IMAGES, _IMAGES - 0.5, 1, 1),
    "pixel_brier": (0, _ALL, 1 - _ALL, _ALL * (1 - _HALF) ** 2 + (1 - _ALL) * _HALF**2, 1, 1),
    "pixel_ece": (0, _ALL, 1 - _ALL, abs(_ALL - _HALF), 1, 1),
    "coverage": (1, 1, 1, 1, 1, 0),
}
