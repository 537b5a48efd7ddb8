"""What every metric must say of six predictors that need no computer: the right answers follow from shares alone."""

from __future__ import annotations

from fractions import Fraction
from math import nan

import numpy as np

from forgebench.metrics import Table

from .tables import METRICS, Shot, table

_SIZES = {
    "t1": (80, 128, 2560), "t2": (128, 128, 2048), "t3": (48, 112, 5376), "a1": (96, 80, 0), "a2": (32, 144, 0),
}  # fmt: skip
"""Height, width and tampered pixels; t3 is tampered all over."""


_TRUTH = {"type": "splice", "area": "left", "content": "a cat", "evidence": "its seam"}
_CHECK = np.eye(2, dtype=bool)
_WRONG = dict.fromkeys(_TRUTH, "nothing")


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
    knows = np.array_equal(predict(_CHECK)[0], _CHECK * 255)
    shots = []
    for name, (height, width, tampered) in _SIZES.items():
        mask = np.arange(height * width).reshape(height, width) < tampered
        heat, score = predict(mask)
        synthetic = float(knows and name == "t3")
        told = _TRUTH if tampered else None
        made = {"t1": "splice", "t2": "splice", "t3": "full_synthetic"}.get(name)
        said = _TRUTH if knows else _WRONG
        shots.append(
            Shot(mask, heat.astype(np.uint8), score, valid=valid, synthetic=synthetic, made=made, said=said, told=told)
        )
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



def _debiased(share, n, constant):
    """All in one bin: the squared distance less the variance of the share, but not below 0."""
    chance = share * (1 - share) / (n - 1)
    black, white, half = (max(0, (said - share) ** 2 - chance) ** 0.5 for said in (0, 1, constant))
    return 0, black, white, half, 1, 1


EXPECTED: dict[str, tuple[float | tuple[float, float], ...]] = {
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
    "pixel_balanced_accuracy": (1, 0.5, 0.5, 0.5, 0, 0),
    "pixel_balanced_accuracy_pooled": (1, 0.5, 0.5, 0.5, 0, 0),
    # Of a constant, the ROC is the diagonal: half the limit.
    "pixel_pauc_10": (1, 0.05, 0.05, 0.05, 0, 0),
    "pixel_pauc_10_pooled": (1, 0.05, 0.05, 0.05, 0, 0),
    "image_pauc_10": (1, 0.05, 0.05, 0.05, 0, 0),
    "pixel_iou_oracle": (1, _mean(_SHARE), _mean(_SHARE), _mean(_SHARE), _mean(_SHARE), 0),
    "pixel_mcc_oracle": (1, 0, 0, 0, 0, -1),
    "pixel_mcc_pooled": (1, 0, 0, 0, -1, -1),
    "false_alarm_authentic": (0, 0, 1, 1, 1, 1),
    "image_ece_adaptive": (0, _IMAGES, 1 - _IMAGES, _IMAGES - 0.5, 1, 1),
    "pixel_ece_adaptive": (0, _ALL, 1 - _ALL, abs(_ALL - _HALF), 1, 1),
    "image_ece_debiased": _debiased(_IMAGES, 5, 0.5),
    "pixel_ece_debiased": _debiased(_ALL, sum(h * w for h, w, _ in _SIZES.values()), _HALF),
}
for plain in ("pixel_f1", "pixel_iou", "pixel_mcc", "image_balanced_accuracy", "image_if1", "fpr_authentic"):
    EXPECTED[f"{plain}_frozen"] = EXPECTED[plain]
EXPECTED["fpr_authentic_wilson"] = EXPECTED["fpr_authentic"]

WITHIN = (0.0, 0.999)
"""A control's value that no formula gives: anything below the perfect one's."""
for name in METRICS:
    if name.startswith(("boundary", "pixel_f1_beyond")):
        EXPECTED[name] = (1, 0, WITHIN, WITHIN, WITHIN, 0)
    elif name.startswith("text"):
        EXPECTED[name] = (1, 0, 0, 0, 0, 0)

# Everything called tampered is one region: the image that is tampered all over is found, with the lowest precision
# that four wrong regions of the same score leave, up to a recall of 1 in 3: 34 of COCO's 101.
_ONE_OF_FIVE = 34 / 101 / 5
_THIRD = 4 / 7
EXPECTED |= {
    **dict.fromkeys(("mask_ap", "mask_ap50", "box_ap", "box_ap50"), (1, 0, _ONE_OF_FIVE, _ONE_OF_FIVE, 0, 0)),
    "pointing_accuracy": (1, _mean(_BOTH), _mean(_BOTH), _mean(_BOTH), 0, 0),
    "class_accuracy": (1, 0.4, 0.4, 0.4, 0, 0),
    "class_macro_f1": (1, _THIRD / 3, _THIRD / 3, _THIRD / 3, 0, 0),
    "class_f1_real": (1, _THIRD, 0, 0, 0, 0),
    "class_f1_full_synthetic": (1, 0, 0, 0, 0, 0),
    "class_f1_tampered": (1, 0, _THIRD, _THIRD, 0, 0),
    "pixel_f1_per_second": tuple(value / 7 for value in EXPECTED["pixel_f1"]),
    "image_auc_per_second": tuple(value / 7 for value in EXPECTED["image_auc"]),
}
