"""Further counts of an image that the definitions of others need: other pairs of histograms, and two numbers.

A view is a pair of histograms of other pixels, or of other pixels of the same image: without a band around each mask's
contour, or at another size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.metrics.counting import Counted, Shown
from forgebench.metrics.pixel import BINS, Histograms, pixel_counts

Bytes = NDArray[np.uint8]
Truth = NDArray[np.bool_]

ERODED, DILATED = 15, 11
"""Side in pixels of TruFor's squares: it ignores what is within 7 pixels inside a contour, and within 5 outside."""
BENCO_SIDE = 512
"""IMDL-BenCo's size in pixels of networks that take resized images."""
SIDA_LONGEST = 1024
"""SIDA's longest side in pixels."""


def without_band(pred: Bytes, truth: Truth) -> tuple[Histograms, Histograms]:
    """Histograms over the tampered and the authentic pixels that TruFor keeps, each of shape (256,).

    Kept are tampered pixels whose 15 x 15 square holds no authentic one, and authentic pixels whose 11 x 11 square
    holds no tampered one; nothing beyond the image's border counts.
    """
    inside, outside = _all_around(truth, ERODED // 2), _all_around(~truth, DILATED // 2)
    return np.bincount(pred[inside], minlength=BINS), np.bincount(pred[outside], minlength=BINS)


def _all_around(mask: Truth, radius: int) -> Truth:
    """Where the mask holds in the whole square of this radius; it holds everywhere beyond the border."""
    found, size = np.pad(mask, radius, constant_values=True), 2 * radius + 1
    for _ in range(2):
        found, width = found.T, 1
        while width < size:
            step = min(width, size - width)
            found, width = found[:-step] & found[step:], width + step
    return found


def ties_won(pred: Bytes, truth: Truth) -> int:
    """Pairs of a tampered and an authentic pixel of one byte in which the tampered one comes first, row by row.

    >>> ties_won(np.array([[7, 7, 7]], np.uint8), np.array([[True, False, False]]))
    2
    >>> ties_won(np.array([[7, 7, 7]], np.uint8), np.array([[False, False, True]]))
    0
    """
    order = np.argsort(pred, axis=None, kind="stable")
    tampered = truth.ravel()[order]
    before = np.cumsum(tampered)
    counts = pixel_counts(pred, truth)
    below = np.cumsum(counts.tampered) - counts.tampered
    return int(before[~tampered].sum() - (counts.authentic * below).sum())


def at_benco_size(pred: Bytes, truth: Truth) -> tuple[Bytes, Truth]:
    """Map and truth resized to 512 x 512: the truth by OpenCV's nearest neighbour, the map bilinearly."""
    rows, columns = (np.arange(BENCO_SIDE) * side // BENCO_SIDE for side in truth.shape)
    return _bilinear(pred, (BENCO_SIDE, BENCO_SIDE)), truth[np.ix_(rows, columns)]


def at_sida_size(pred: Bytes, truth: Truth) -> tuple[Bytes, Truth]:
    """Map and truth resized to a longest side of 1024, both bilinearly; of the truth only pixels of exactly 1 stay."""
    scale = SIDA_LONGEST / max(truth.shape)
    height, width = (int(side * scale + 0.5) for side in truth.shape)
    return _bilinear(pred, (height, width)), _bilinear(truth * np.uint8(255), (height, width)) == 255


def _bilinear(image: Bytes, size: tuple[int, int]) -> Bytes:
    height, width = (max(1, side) for side in size)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _view(name: str, look: Callable[[Bytes, Truth], tuple[Histograms, Histograms]]) -> Counted:
    def count(shown: Shown) -> dict[str, Any]:
        if shown.pred is None or shown.truth is None:
            return {}
        tampered, authentic = look(shown.pred, shown.truth)
        return {f"hist_tampered_{name}": tampered, f"hist_authentic_{name}": authentic}

    return Counted(name, {f"hist_tampered_{name}": "histogram", f"hist_authentic_{name}": "histogram"}, count)


def _of_resized(resized: Callable[[Bytes, Truth], tuple[Bytes, Truth]]) -> Callable[..., tuple[Histograms, Histograms]]:
    def look(pred: Bytes, truth: Truth) -> tuple[Histograms, Histograms]:
        counts = pixel_counts(*resized(pred, truth))
        return counts.tampered, counts.authentic

    return look


def _peak(shown: Shown) -> dict[str, Any]:
    return {} if shown.pred is None else {"peak": int(shown.pred.max())}


def _ties(shown: Shown) -> dict[str, Any]:
    if shown.pred is None or shown.truth is None:
        return {}
    return {"ties_won": ties_won(shown.pred, shown.truth)}


PEAK = Counted("peak", {"peak": "int"}, _peak)
"""The map's highest byte."""
TIES = Counted("ties", {"ties_won": "int"}, _ties)
BAND = _view("band", without_band)
BENCO_512 = _view("benco_512", _of_resized(at_benco_size))
SIDA_1024 = _view("sida_1024", _of_resized(at_sida_size))

VIEWS: tuple[Counted, ...] = (PEAK, TIES, BAND, BENCO_512, SIDA_1024)
"""The families of counts of this module."""
