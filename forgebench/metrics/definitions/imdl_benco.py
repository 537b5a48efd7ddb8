"""The definition `imdl-benco`: the evaluators of IMDL-BenCo, in single precision as there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import numpy as np

from forgebench.metrics.definitions.base import About, Definition, Metric, members
from forgebench.metrics.definitions.parts import (
    INVERTED,
    SILENCE,
    Cells,
    cells,
    image_auc,
    mean_of,
    number,
    of_images,
)
from forgebench.metrics.pixel import Floats, Histograms, ratio
from forgebench.metrics.table import Statistic, Table, Weights, mean, undefined


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """F1, IoU and accuracy of each image at 0.5: of the map, of its inverse (`reverse`), and the larger (`double`).

    In [0, 1]; 0 without tampered pixels but for accuracy.
    """
    c = cells(tampered, authentic).single
    found: dict[str, Floats] = {}
    for name, value in (("f1", _f1), ("iou", _iou), ("accuracy", _accuracy)):
        origin, reverse = (value(one).astype(np.float64) for one in (c, c.inverted))
        found |= {name: origin, f"{name}_reverse": reverse, f"{name}_double": np.maximum(origin, reverse)}
    return found


def _f1(c: Cells, epsilon: float = 1e-8) -> Floats:
    precision, recall = c.tp / (c.tp + c.fp + epsilon), c.tp / (c.tp + c.fn + epsilon)
    return 2 * precision * recall / (precision + recall + epsilon)


def _iou(c: Cells) -> Floats:
    return c.tp / (c.tp + c.fp + (c.tp + c.fn) - c.tp + 1e-8)


def _accuracy(c: Cells) -> Floats:
    total = c.tp + c.tn + c.fp + c.fn
    return (c.tp + c.tn) / np.where(total > 0, total, np.float32(np.nan))


def areas(table: Table) -> dict[str, Floats]:
    """AUC of each image in the order in which a stable sort leaves ties: earlier rows, then columns, count as surer.

    `origin` of the map, `reverse` of its inverse, `double` the larger; in [0, 1]; 0 without tampered pixels, NaN
    without authentic ones.
    """
    pairs = table.per_image("pairs", _pairs)
    total, ties = table.tampered_px * table.authentic_px.astype(np.float64), table.extra["ties_won"]
    both = total > 0
    origin = ratio(pairs["won"] + ties, total, where=both)
    reverse = ratio(pairs["lost"] + ties, total, where=both)
    for area in (origin, reverse):
        area[table.tampered_px == 0] = 0.0
    return {"origin": origin, "reverse": reverse, "double": np.maximum(origin, reverse)}


def _pairs(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """Pairs of a tampered and an authentic pixel that the tampered one wins, and loses, outright."""
    below = np.cumsum(authentic, axis=1)
    won = (tampered * (below - authentic)).sum(axis=1)
    lost = (tampered * (below[:, -1:] - below)).sum(axis=1)
    return {"won": won.astype(np.float64), "lost": lost.astype(np.float64)}


def _area(name: str, title: str, mode: str, note: str) -> Metric:
    """The mean of the areas, which one undefined image makes undefined."""

    def statistic(table: Table) -> Statistic:
        inside = members(table, "with mask")
        if not table.localizes:
            return undefined(table, inside)
        values = np.where(table.valid, areas(table)[mode], 0.0)
        values[table.tampered & (table.authentic_px == 0)] = np.nan
        plain, spoilt = mean(table, values, inside), table.by_unit(inside & np.isnan(values))

        def of(weights: Weights) -> Floats:
            return np.where(weights @ spoilt > 0, np.nan, plain.of(weights))

        return Statistic(plain.n, plain.n_undefined, of)

    return Metric(name, title, "with mask", "mean over images", statistic, threshold="all", rankable=False, note=note)


def _three(name: str, title: str, **about: Unpack[About]) -> tuple[Metric, ...]:
    def of(mode: str) -> Callable[[Table], Floats]:
        return number("imdl-benco", numbers, f"{name}{mode}")

    return (
        mean_of(f"pixel_{name}", title, "with mask", of(""), **about),
        mean_of(
            f"pixel_{name}_reverse", f"{title}, reverse", "with mask", of("_reverse"), rankable=False,
            note="Of the inverted map.",
        ),
        mean_of(
            f"pixel_{name}_double", f"{title}, double", "with mask", of("_double"), rankable=False, note=INVERTED,
        ),
    )  # fmt: skip


def _resized(name: str, title: str) -> Metric:
    of = number("imdl-benco", numbers, name, "benco_512")
    return mean_of(f"pixel_{name}_512", f"{title} at 512 x 512", "with mask", of)


def _image_f1(c: Cells) -> Floats:
    return _f1(c.single, 1e-9).astype(np.float64)


def _image_accuracy(c: Cells) -> Floats:
    total = c.tp + c.tn + c.fp + c.fn
    return ratio(c.tp + c.tn, total, where=total > 0)


_TIES = "A constant map gets anything from 0 to 1, by where the tampered region lies."

METRICS = (
    *_three("f1", "Pixel F1"),
    *_three("iou", "Pixel IoU"),
    _area("pixel_auc", "Pixel AUC", "origin", _TIES),
    _area("pixel_auc_reverse", "Pixel AUC, reverse", "reverse", "Of the inverted map."),
    _area("pixel_auc_double", "Pixel AUC, double", "double", INVERTED),
    *_three("accuracy", "Pixel accuracy", rankable=False, note=SILENCE),
    _resized("f1", "Pixel F1"),
    _resized("iou", "Pixel IoU"),
    of_images("image_f1", "Image F1", _image_f1),
    image_auc(),
    of_images("image_accuracy", "Image accuracy", _image_accuracy),
)  # fmt: skip

TRAPS = (
    (
        "Authentic images are in the means of F1, IoU and AUC with 0, also when nothing is marked: a perfect method "
        "on as many authentic as tampered images gets 0.5."
    ),
    (
        "Pixel AUC ignores ties: it goes by the order of pixels. Here that of a stable sort, row by row; there that "
        "of the machine's sort, which on some processors is not stable, so the value differs between machines."
    ),
    "One wholly tampered image makes the mean pixel AUC undefined.",
    "`double` is the better of the map and its inverse: an empty map gets the F1 of marking everything.",
    "Pixel accuracy and the `double` modes reward an empty map.",
    (
        "Maps are scored at the network's size there: resized, or padded and cut off at the bottom and right, and a "
        "mask is resized by nearest neighbour. The metrics at 512 x 512 do the first; the others are at native size."
    ),
    "Scores are compared in single precision, and 0.5 itself is authentic; image F1 is 0 where it is undefined.",
    (
        "Not reproduced, for want of a counterpart: masks of 0 and 255 that give an F1 near 2, scores of shape (B, 1) "
        "that broadcast, padding counted in the accuracy of the last batch, and samples dropped or drawn at random "
        "where there is one process."
    ),
)

IMDL_BENCO = Definition(
    "imdl-benco",
    1,
    "IMDL-BenCo (Ma et al., NeurIPS 2024): IMDLBenCo/evaluation of the package imdlbenco 0.1.45.",
    METRICS,
    counts=("ties", "benco_512"),
    traps=TRAPS,
)
