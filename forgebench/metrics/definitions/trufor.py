"""The definition `trufor`: the metrics of TruFor, which MMFusion and SAFIRE copied."""

from __future__ import annotations

import numpy as np

from forgebench.metrics.definitions.base import Definition
from forgebench.metrics.definitions.parts import (
    INVERTED,
    ORACLE,
    Cells,
    cells,
    divided,
    image_auc,
    mean_of,
    number,
    of_images,
)
from forgebench.metrics.pixel import Floats, Histograms, ratio


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """F1 of each image, in [0, 1], over the pixels that are kept; higher is better.

    `best` at the image's own best threshold, `fixed` at 0.5, both of the map or of its inverse, whichever is better.
    `best` is NaN where no pixel is kept; `fixed` also where truth and map, taken together, hold one class only.
    """
    tp, fp = (np.pad(np.cumsum(h[:, ::-1], axis=1), ((0, 0), (1, 0))).astype(np.float64) for h in (tampered, authentic))
    best = _either(Cells(tp, fp, tp[:, -1:] - tp, fp[:, -1:] - fp)).max(axis=1)
    c = cells(tampered, authentic)
    none, one_class = tp[:, -1] + fp[:, -1] == 0, (c.tp + c.fn + c.fp == 0) | (c.fp + c.tn + c.fn == 0)
    return {"best": np.where(none, np.nan, best), "fixed": np.where(one_class, np.nan, _either(c))}


def _either(c: Cells) -> Floats:
    return np.maximum(_f1(c), _f1(c.inverted))


def _f1(c: Cells) -> Floats:
    return divided(2 * c.tp, 2 * c.tp + c.fn + c.fp)


def _balanced_accuracy(c: Cells) -> Floats:
    """Mean share called right of the classes that are there."""
    shares = [(c.tp, c.tp + c.fn), (c.tn, c.tn + c.fp)]
    there = sum((total > 0).astype(np.float64) for _, total in shares)
    total = sum(divided(right, all_) for right, all_ in shares)
    return ratio(np.asarray(total), np.asarray(there), where=np.asarray(there) > 0)


METRICS = (
    mean_of(
        "pixel_f1_best", "Pixel F1, best threshold", "tampered with mask",
        number("trufor", numbers, "best", "band"), threshold="per-image best", rankable=False,
        note=f"{ORACLE} {INVERTED}",
    ),
    mean_of(
        "pixel_f1_fixed", "Pixel F1, fixed threshold", "tampered with mask",
        number("trufor", numbers, "fixed", "band"), rankable=False, note=INVERTED,
    ),
    image_auc(),
    of_images("image_balanced_accuracy", "Image balanced accuracy", _balanced_accuracy),
)  # fmt: skip

TRAPS = (
    (
        "The better of the map and its inverse is taken: a wrong map counts as right, and an empty or constant one "
        "gets the F1 of marking everything."
    ),
    "The best threshold is chosen by each image's truth.",
    (
        "Pixels within 7 of the contour inside, and within 5 outside, are ignored; a region narrower than 15 pixels "
        "is gone, and its image has a best F1 of 0 whatever is predicted."
    ),
    (
        "The fixed F1 is undefined, and silently left out of the mean, where truth and thresholded map hold one class "
        "only: a correct empty map of an authentic image, a wholly tampered image that is found whole, and a region "
        "that the band removed if nothing else is marked; a wrong map of the same image counts as 0."
    ),
    "Authentic images are left out by convention, not by the code.",
    "A wholly tampered image has a best F1 of 1 whatever is predicted.",
    (
        "Scores are compared in single precision, and 0.5 itself is authentic; a score that is not finite is dropped "
        "with its image there; here a missing one is the worst."
    ),
    "Balanced accuracy is over the classes that are there.",
    "The code asks for a name that NumPy 2 no longer has; and every failure inside becomes NaN, which is left out.",
)

TRUFOR = Definition(
    "trufor",
    1,
    "TruFor (Guillaro et al., CVPR 2023): test_docker/metrics.py of grip-unina/TruFor at 35b982a.",
    METRICS,
    counts=("band",),
    traps=TRAPS,
)
