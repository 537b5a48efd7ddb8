"""Boundaries: does the contour of what was called tampered run where the truth's does?

Boundary F, boundary IoU and F1 without a band around the truth's contour, each at several widths. Everything is
counted once per image at the fixed threshold; every number follows from the counts.

A mask's contour is its pixels with one of their four neighbours outside the mask. Beyond the image nothing is tampered,
so a region that the image cuts off has its contour there too, as in the reference code of boundary IoU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.errors import InputError
from forgebench.metrics.pixel import THRESHOLD, Floats, ratio

Ints = NDArray[np.int64]
_Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Width:
    """A distance d: a share of the image's diagonal, or a number of pixels."""

    name: str
    share: float = 0.0
    px: int = 0

    def pixels(self, size: tuple[int, int]) -> int:
        """The width in an image of this (height, width): a share is rounded, half to even, and at least 1 pixel.

        >>> Width("2%", share=0.02).pixels((512, 512))
        14
        """
        height, width = size
        return self.px or max(1, round(self.share * sqrt(height * height + width * width)))


WIDTHS = (
    Width("0.5%", share=0.005), Width("1%", share=0.01), Width("2%", share=0.02), Width("4%", share=0.04),
    Width("1px", px=1), Width("3px", px=3), Width("5px", px=5),
)  # fmt: skip
"""The widths that are counted, in this order."""


@dataclass(frozen=True)
class BoundaryCounts:
    """The boundary counts of one image, or of many along leading axes; int64, K widths."""

    contour_pred: Ints
    """Shape (): pixels of the predicted contour."""
    contour_truth: Ints
    """Shape (): pixels of the truth's contour; 0 where nothing is tampered."""
    matched_pred: Ints
    """Shape (K,): pixels of the predicted contour within d of the truth's, by Euclidean distance."""
    matched_truth: Ints
    """Shape (K,): pixels of the truth's contour within d of the predicted one."""
    band_intersection: Ints
    """Shape (K,): pixels in the bands of width d inside both masks' contours, by chessboard distance."""
    band_union: Ints
    """Shape (K,): pixels in either band."""
    tp_beyond: Ints
    """Shape (K,): tampered pixels called tampered, further than d from the truth's contour."""
    fp_beyond: Ints
    """Shape (K,): authentic pixels called tampered, further than d from it."""
    fn_beyond: Ints
    """Shape (K,): tampered pixels called authentic, further than d from it."""


def boundary_counts(
    pred: NDArray[np.uint8], mask: NDArray[np.generic], widths: Sequence[Width] = WIDTHS
) -> BoundaryCounts:
    """Count the boundaries of one image at the fixed threshold.

    Args:
        pred: Shape (H, W), uint8; a byte of at least 128 is called tampered.
        mask: Shape (H, W), any type; non-zero is tampered.
        widths: The K widths d.

    Raises:
        InputError: If the prediction is not uint8 or the shapes differ: nothing is ever resized.

    >>> mask = np.zeros((50, 50), bool)
    >>> mask[10:20, 10:20] = True
    >>> counts = boundary_counts(mask * np.uint8(255), mask, [Width("1px", px=1)])
    >>> int(counts.contour_truth), counts.matched_truth.tolist(), counts.band_union.tolist()
    (36, [36], [36])
    """
    called, truth = (_Shape.of(one) for one in _cropped(*masks(pred, mask)))
    rows = [
        [np.count_nonzero(pixels) for pixels in _counted(called, truth, width.pixels(mask.shape))] for width in widths
    ]
    contours = [np.asarray(np.count_nonzero(one.contour), np.int64) for one in (called, truth)]
    return BoundaryCounts(*contours, *np.array(rows, np.int64).reshape(-1, 7).T)


def masks(pred: NDArray[np.uint8], mask: NDArray[np.generic]) -> tuple[_Bits, _Bits]:
    """What is called tampered at the fixed threshold, and what is: shape (H, W), bool.

    Raises:
        InputError: If the prediction is not uint8 or the shapes differ.
    """
    if pred.dtype != np.uint8 or pred.ndim != 2 or pred.shape != mask.shape:
        raise InputError(
            f"Expected a uint8 prediction of the mask's shape {mask.shape}, got {pred.dtype} of shape "
            f"{pred.shape}. Predictions are scored at the image's own size."
        )
    return pred >= THRESHOLD, mask != 0


def _cropped(called: _Bits, truth: _Bits) -> tuple[_Bits, _Bits]:
    """Both masks in the box around either, and a ring of nothing: all that is counted lies in the box."""
    box = Image.fromarray((called | truth).view(np.uint8)).getbbox()
    left, top, right, bottom = box or (0, 0, 0, 0)
    return np.pad(called[top:bottom, left:right], 1), np.pad(truth[top:bottom, left:right], 1)


@dataclass(frozen=True)
class _Shape:
    mask: _Bits
    contour: _Bits
    distance: NDArray[np.integer[Any] | np.floating[Any]]
    """Euclidean, of each pixel to the contour; huge where there is none."""
    depth: NDArray[np.integer[Any] | np.floating[Any]]
    """Chessboard, of each pixel of the mask to the nearest outside it."""

    @classmethod
    def of(cls, mask: _Bits) -> _Shape:
        """Measure a mask with an empty ring."""
        import cv2

        inner = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
        contour = mask.copy()
        contour[1:-1, 1:-1] &= ~inner
        return cls(
            mask,
            contour,
            cv2.distanceTransform((~contour).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
            cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_C, cv2.DIST_MASK_3),
        )


def _counted(called: _Shape, truth: _Shape, d: int) -> Iterator[_Bits]:
    """The pixels behind each count at one width, in the order of the counts."""
    # Squared distances are whole numbers: half of one more takes up what single precision loses.
    reach = sqrt(d * d + 0.5)
    yield called.contour & (truth.distance < reach)
    yield truth.contour & (called.distance < reach)
    a, b = (one.mask & (one.depth <= d) for one in (called, truth))
    yield a & b
    yield a | b
    beyond = truth.distance > reach
    yield beyond & called.mask & truth.mask
    yield beyond & called.mask & ~truth.mask
    yield beyond & ~called.mask & truth.mask


def boundary_f(counts: BoundaryCounts) -> Floats:
    """Boundary F, shape (..., K), in [0, 1], higher is better: the harmonic mean of precision and recall.

    Precision is the share of the predicted contour within d of the truth's, recall that of the truth's within d of the
    predicted one; no pixel is paired with only one other. 0 where nothing is predicted; NaN where nothing is tampered.
    Follows Martin et al. 2004 with the distance rule of Csurka et al. 2013.
    """
    pred, truth = counts.contour_pred[..., None], counts.contour_truth[..., None]
    both = counts.matched_pred * truth + counts.matched_truth * pred
    value = ratio(2 * counts.matched_pred * counts.matched_truth, both, where=both > 0)
    value[(both == 0) & (truth > 0)] = 0.0
    return value


def boundary_iou(counts: BoundaryCounts) -> Floats:
    """Boundary IoU, shape (..., K), in [0, 1], higher is better: |P_d ∩ P ∩ G_d ∩ G| / |(P_d ∩ P) ∪ (G_d ∩ G)|.

    The band of width d holds the pixels of a mask that d erosions by a 3×3 square take away: those within d of its
    outside by chessboard distance, so that numbers equal those of the authors' code. It is not the minimum with mask
    IoU that their evaluation of instances takes. 0 where nothing is predicted; NaN where nothing is tampered. Cheng et
    al. 2021.
    """
    tampered = (counts.contour_truth > 0)[..., None] & (counts.band_union > 0)
    return ratio(counts.band_intersection, counts.band_union, where=tampered)


def f1_without_band(counts: BoundaryCounts) -> Floats:
    """Pixel F1 where pixels within d of the truth's contour are not scored, shape (..., K), in [0, 1].

    Higher is better. How far it moves with d says how much of an F1 is a matter of how the contour was drawn. The
    contour lies inside the truth: d pixels are left out beyond it, and d + 1 on its inner side. NaN where no tampered
    pixel is left, so a wider band may be over fewer images.
    """
    tampered = counts.tp_beyond + counts.fn_beyond
    return ratio(2 * counts.tp_beyond, counts.tp_beyond + counts.fp_beyond + tampered, where=tampered > 0)
