"""What the definitions of others are put together from.

They call a pixel tampered above 0.5, which among bytes is ForgeBench's own 128 and more; and an image above a score of
0.5 in single precision, which ForgeBench calls from 0.5 on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics import image
from forgebench.metrics.definitions.base import About, Metric, Over, members
from forgebench.metrics.pixel import THRESHOLD, Floats, Histograms
from forgebench.metrics.table import Statistic, Table, Weights, mean, undefined

ABOVE_HALF = float(np.nextafter(0.5, 1.0))
SILENCE = "Marking nothing does well: tampered pixels are few."
ORACLE = "The threshold is chosen by the truth of each image."
INVERTED = "The inverted map may score instead: a map that is wrong everywhere is as good as a right one."
ONE_PIXEL = "One sure pixel is enough."
EVERYTHING = "Marking everything wins."

Numbers = Callable[[Histograms, Histograms], dict[str, Floats]]
"""Histograms over tampered and authentic pixels, shape (n, 256), to numbers of each image, shape (n,)."""


@dataclass(frozen=True)
class Cells:
    """True and false positives and negatives, whole numbers of one shape."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    @property
    def inverted(self) -> Cells:
        """Of the inverted map."""
        return Cells(self.fn, self.tn, self.tp, self.fp)

    @property
    def single(self) -> Cells:
        """In single precision."""
        return Cells(*(cast(Floats, cell.astype(np.float32)) for cell in (self.tp, self.fp, self.fn, self.tn)))


def cells(tampered: Histograms, authentic: Histograms, byte: int = THRESHOLD) -> Cells:
    """The pixels called tampered and not, calling a byte of at least `byte` tampered; shape (n,)."""
    tp, fp = (h[:, byte:].sum(axis=1).astype(np.float64) for h in (tampered, authentic))
    return Cells(tp, fp, tampered.sum(axis=1) - tp, authentic.sum(axis=1) - fp)


def cells_of(counts: image.Confusion) -> Cells:
    """The images called tampered and not; shape (B,)."""
    return Cells(counts.tp, counts.fp, counts.p - counts.tp, counts.n - counts.fp)


def mean_of(
    name: str,
    title: str,
    over: Over,
    values: Callable[[Table], Floats],
    worst: Callable[[Table], Floats] | float = 0.0,
    **about: Unpack[About],
) -> Metric:
    """The mean over images of a value of each; `worst` where there is no valid prediction, undefined left out."""

    def statistic(table: Table) -> Statistic:
        inside = members(table, over)
        if not table.localizes:
            return undefined(table, inside)
        lost = worst(table) if callable(worst) else worst
        return mean(table, np.where(table.valid, values(table), lost), inside)

    return Metric(name, title, over, "mean over images", statistic, **about)


def number(key: str, numbers: Numbers, name: str, view: str = "") -> Callable[[Table], Floats]:
    """One of the numbers of each image; all are taken once, kept under this key."""
    return lambda table: table.per_image(key, numbers, view)[name]


def singles(table: Table) -> Table:
    """The table with scores in single precision, as networks give them."""
    return table.once("scores in single precision", lambda: with_scores(table, table.score.astype(np.float32)))


def with_scores(table: Table, score: Floats) -> Table:
    """The table with other scores, drawn as it is."""
    return replace(table, score=score.astype(np.float64), units=table.drawn_by)


Scores = Callable[[Table], Table]
"""What a definition takes for the images' scores."""


def called(table: Table, scores: Scores = singles) -> Callable[[Weights], Cells]:
    """The images called tampered: those with a score above 0.5."""
    counts = partial(image.confusion_counts, scores(table), threshold=ABOVE_HALF)
    of = table.shared(f"called above 0.5 by {scores.__qualname__}", counts)
    return lambda weights: cells_of(of(weights))


def curve(table: Table, scores: Scores = singles) -> Callable[[Weights], image.Curve]:
    """The images at every threshold."""
    return table.shared(f"curve by {scores.__qualname__}", partial(image.curve_counts, scores(table)))


def of_images(
    name: str, title: str, value: Callable[[Cells], Floats], scores: Scores = singles, **about: Unpack[About]
) -> Metric:
    """A number of the images called tampered above 0.5."""

    def statistic(table: Table) -> Statistic:
        counts = called(table, scores)
        return Statistic(len(table), 0, lambda weights: value(counts(weights)))

    about = {"family": "image", **about}
    return Metric(name, title, "all", "over images", statistic, **about)


def image_auc(
    scores: Scores = singles, value: Callable[[image.Curve], Floats] = image.auc, **about: Unpack[About]
) -> Metric:
    """The AUC of the images' scores, ties counting half."""

    def statistic(table: Table) -> Statistic:
        counts = curve(table, scores)
        return Statistic(len(table), 0, lambda weights: value(counts(weights)))

    about = {"family": "image", "threshold": "all", **about}
    return Metric("image_auc", "Image AUC", "all", "over images", statistic, **about)


def divided(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """`above / below`, 0 where `below` is."""
    out: Floats = np.zeros(np.shape(below))
    np.divide(above, below, out=out, where=below != 0)
    return out
