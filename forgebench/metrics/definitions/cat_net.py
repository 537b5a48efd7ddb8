"""The definition `cat-net`: CAT-Net's mean IoU of both classes, and its permuted one."""

from __future__ import annotations

import numpy as np

from forgebench.metrics.definitions.base import Definition, pooled_pixels
from forgebench.metrics.definitions.parts import INVERTED, SILENCE, Cells, cells, mean_of, number
from forgebench.metrics.pixel import Floats, Histograms


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """Mean IoU of the classes of each image, and the larger of it and that of the inverted map; in [0, 1].

    The IoU of a class that is neither there nor predicted is 0, so an authentic image reaches 0.5 at most.
    """
    c = cells(tampered, authentic)
    return {"miou": _miou(c), "p_miou": np.maximum(_miou(c), _miou(c.inverted))}


def _iou(c: Cells) -> Floats:
    """Of the class tampered."""
    return c.tp / np.maximum(1.0, c.tp + c.fp + c.fn)


def _swapped(c: Cells) -> Cells:
    """With the classes' names swapped."""
    return Cells(c.tn, c.fn, c.fp, c.tp)


def _miou(c: Cells) -> Floats:
    return (_iou(c) + _iou(_swapped(c))) / 2


def _pixel_accuracy(c: Cells) -> Floats:
    return (c.tp + c.tn) / np.maximum(1.0, c.tp + c.tn + c.fp + c.fn)


def _mean_accuracy(c: Cells) -> Floats:
    return (c.tp / np.maximum(1.0, c.tp + c.fn) + c.tn / np.maximum(1.0, c.tn + c.fp)) / 2


METRICS = (
    mean_of("pixel_miou", "Pixel mIoU", "with mask", number("cat-net", numbers, "miou")),
    mean_of(
        "pixel_miou_permuted", "Pixel mIoU, permuted", "with mask", number("cat-net", numbers, "p_miou"),
        rankable=False, note=INVERTED,
    ),
    pooled_pixels("pixel_miou_pooled", "Pixel mIoU, pooled", lambda t, a, _: _miou(cells(t, a)), "with mask"),
    pooled_pixels("pixel_iou_pooled", "Pixel IoU, pooled", lambda t, a, _: _iou(cells(t, a)), "with mask"),
    pooled_pixels(
        "pixel_iou_authentic_pooled", "Pixel IoU of authentic, pooled",
        lambda t, a, _: _iou(_swapped(cells(t, a))), "with mask", rankable=False, note=SILENCE,
    ),
    pooled_pixels(
        "pixel_accuracy_pooled", "Pixel accuracy, pooled", lambda t, a, _: _pixel_accuracy(cells(t, a)),
        "with mask", rankable=False, note=SILENCE,
    ),
    pooled_pixels(
        "pixel_mean_accuracy_pooled", "Pixel mean accuracy, pooled", lambda t, a, _: _mean_accuracy(cells(t, a)),
        "with mask",
    ),
)  # fmt: skip

TRAPS = (
    "Mean IoU is over both classes: marking nothing gets half of the authentic share for nothing.",
    (
        "A class that is neither there nor predicted has IoU 0: the right empty map of an authentic image gets 0.5, "
        "and so does the right full map of a wholly tampered one."
    ),
    "The permuted mean IoU is the larger of that of the map and that of its inverse, per image.",
    "Authentic images are in every mean and pool.",
    "Mean accuracy of a set without one of the classes is at most 0.5.",
)

CAT_NET = Definition(
    "cat-net",
    1,
    "CAT-Net (Kwon et al., WACV 2021 and IJCV 2022): validate in lib/core/function.py of mjkwon2021/CAT-Net at "
    "039926b.",
    METRICS,
    traps=TRAPS,
)
