"""Pixel-level localization: one pass of counts per image, every number from the counts.

The counts of an image are two 256-bin histograms of the prediction's bytes, over tampered and over authentic
pixels. Every threshold follows from them exactly: a byte v is the probability v / 255, and at threshold t
the pixels with v >= t are called tampered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.errors import InputError

BINS = 256
THRESHOLD = 128
"""The fixed threshold: a byte of at least 128 is called tampered."""

Histograms = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PixelCounts:
    """The pixel counts of one image."""

    tampered: Histograms
    """Shape (256,), int64: how many tampered pixels were given each byte."""
    authentic: Histograms
    """Shape (256,), int64: how many authentic pixels were given each byte."""


def pixel_counts(pred: NDArray[np.uint8], mask: NDArray[np.generic]) -> PixelCounts:
    """Count the bytes of a prediction over the tampered and over the authentic pixels of one image.

    Args:
        pred: Shape (H, W), uint8; byte v is the probability v / 255 of tampered.
        mask: Shape (H, W), any type; non-zero is tampered.

    Raises:
        InputError: If the prediction is not uint8 or the shapes differ: nothing is ever resized.

    >>> counts = pixel_counts(np.array([[255, 0]], np.uint8), np.array([[1, 0]]))
    >>> int(counts.tampered[255]), int(counts.authentic[0])
    (1, 1)
    """
    if pred.dtype != np.uint8 or pred.ndim != 2 or pred.shape != mask.shape:
        raise InputError(
            f"Expected a uint8 prediction of the mask's shape {mask.shape}, got {pred.dtype} of shape "
            f"{pred.shape}. Predictions are scored at the image's own size."
        )
    tampered = _histogram(pred[mask.astype(bool, copy=False)][None])
    return PixelCounts(tampered, _histogram(pred) - tampered)


def _histogram(pred: NDArray[np.uint8]) -> Histograms:
    """How often each byte occurs, counted by Pillow: twice as fast as `bincount`, which widens each byte."""
    return np.array(Image.fromarray(pred).histogram(), np.int64)


def pixel_numbers(counts: PixelCounts) -> dict[str, float]:
    """The per-image pixel metrics of one image.

    `pixel_f1`, `pixel_iou`, `pixel_precision`, `pixel_recall`, `pixel_mcc` at the fixed threshold;
    `pixel_auc` (ties count half), `pixel_ap` (step-wise sum) over all thresholds; `pixel_f1_oracle` at the
    image's own best threshold. Higher is better; all are in [0, 1] but `pixel_mcc` in [-1, 1].

    Undefined is NaN: all of them without tampered pixels, `pixel_auc`, `pixel_ap` and `pixel_mcc` also without
    authentic ones, `pixel_precision` where nothing is called tampered. `pixel_mcc` of a constant prediction is
    its limit, 0.

    >>> numbers = pixel_numbers(pixel_counts(np.array([[255, 0]], np.uint8), np.array([[1, 0]])))
    >>> numbers["pixel_f1"], numbers["pixel_auc"]
    (1.0, 1.0)
    """
    table = numbers_of(counts.tampered[None], counts.authentic[None])
    return {name: float(values[0]) for name, values in table.items()}


def numbers_of(tampered: NDArray[np.signedinteger], authentic: NDArray[np.signedinteger]) -> dict[str, Floats]:
    """The same numbers for many images: histograms of shape (N, 256) to arrays of shape (N,)."""
    tampered, authentic = tampered.astype(np.int64), authentic.astype(np.int64)
    return {
        **{f"pixel_{name}": values for name, values in numbers_at(tampered, authentic, THRESHOLD).items()},
        "pixel_auc": auc(tampered, authentic),
        "pixel_ap": average_precision(tampered, authentic),
        "pixel_f1_oracle": _best_f1(tampered, authentic),
    }


def further_numbers_of(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """Rarer numbers of many images: balanced accuracy, partial AUC, and IoU and MCC at each image's best threshold.

    Higher is better. NaN without tampered pixels; but for `pixel_iou_oracle` also without authentic ones.
    """
    tp, fp = _falling(tampered), _falling(authentic)
    p, n = tp[:, -1:], fp[:, -1:]
    some = np.broadcast_to(p > 0, tp.shape)
    return {
        "pixel_balanced_accuracy": balanced_accuracy(tampered, authentic),
        "pixel_pauc_10": partial_auc(*rates(tampered, authentic), 0.1),
        "pixel_iou_oracle": ratio(tp, fp + p, where=some).max(axis=1),
        "pixel_mcc_oracle": _mcc(tp, fp, p + 0 * tp, n + 0 * tp).max(axis=1),
    }


def numbers_at(tampered: Histograms, authentic: Histograms, byte: int) -> dict[str, Floats]:
    """F1, IoU, precision, recall and MCC of many images, calling a byte of at least `byte` tampered."""
    tp, fp = tampered[:, byte:].sum(axis=1), authentic[:, byte:].sum(axis=1)
    p, n = tampered.sum(axis=1), authentic.sum(axis=1)
    return {
        "f1": ratio(2 * tp, tp + fp + p, where=p > 0),
        "iou": ratio(tp, fp + p, where=p > 0),
        "precision": ratio(tp, tp + fp, where=(p > 0) & (tp + fp > 0)),
        "recall": ratio(tp, p, where=p > 0),
        "mcc": _mcc(tp, fp, p, n),
    }


def called_authentic(_: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """`called`: how many authentic pixels of each image are called tampered at the fixed threshold."""
    return {"called": authentic[:, THRESHOLD:].sum(axis=1).astype(np.float64)}


def balanced_accuracy(tampered: Histograms, authentic: Histograms) -> Floats:
    """Mean of the shares of tampered and of authentic pixels called what they are; NaN without both classes."""
    tp, fp = tampered[:, THRESHOLD:].sum(axis=1), authentic[:, THRESHOLD:].sum(axis=1)
    p, n = tampered.sum(axis=1), authentic.sum(axis=1)
    both = (p > 0) & (n > 0)
    return (ratio(tp, p, where=both) + ratio(n - fp, n, where=both)) / 2


def rates(tampered: Histograms, authentic: Histograms) -> tuple[Floats, Floats]:
    """False and true positive rates from (0, 0) to (1, 1), shape (N, 257); NaN without both classes."""
    tp, fp = (np.pad(_falling(h), ((0, 0), (1, 0))) for h in (tampered, authentic))
    both = np.broadcast_to((tp[:, -1:] > 0) & (fp[:, -1:] > 0), tp.shape)
    return ratio(fp, fp[:, -1:] + 0 * fp, where=both), ratio(tp, tp[:, -1:] + 0 * tp, where=both)


def partial_auc(fpr: Floats, tpr: Floats, limit: float) -> Floats:
    """Area under the ROC curve up to a false positive rate, as a share of what is possible: in [0, 1].

    Higher is better; chance gives `limit / 2`; NaN without both classes. McClish's standardization (scikit-learn's
    `roc_auc_score(max_fpr=limit)`) is an affine function of it.
    """
    width, run = np.diff(np.minimum(fpr, limit), axis=1), np.diff(fpr, axis=1)
    heights = np.zeros(run.shape)
    np.divide(np.diff(tpr, axis=1), run, out=heights, where=run > 0)
    heights *= width
    heights += 2 * tpr[:, :-1]
    heights *= width
    area: Floats = heights.sum(axis=1) / (2 * limit)
    return area


def ratio(above: NDArray[np.generic], below: NDArray[np.generic], where: NDArray[np.bool_]) -> Floats:
    """`above / below`, NaN where it is undefined."""
    out: Floats = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=out, where=where)
    return out


def _mcc(tp: Histograms, fp: Histograms, p: Histograms, n: Histograms) -> Floats:
    a, b, c, d = (x.astype(np.float64) for x in (tp, fp, p - tp, n - fp))
    product = np.sqrt(a + b) * np.sqrt(a + c) * np.sqrt(d + b) * np.sqrt(d + c)
    value = ratio(a * d - b * c, product, where=product > 0)
    value = np.clip(value, -1.0, 1.0, out=value)
    value[product == 0] = 0.0
    value[(p == 0) | (n == 0)] = np.nan
    return value


def auc(tampered: Histograms, authentic: Histograms) -> Floats:
    """Area under the ROC curve from histograms of shape (N, 256), ties counting half; NaN without both classes.

    Equals scikit-learn's `roc_auc_score` on the pixels.
    """
    p, n = tampered.sum(axis=1), authentic.sum(axis=1)
    below = np.cumsum(authentic, axis=1) - authentic
    won = (tampered * (below + 0.5 * authentic)).sum(axis=1)
    return ratio(won, p * n.astype(np.float64), where=(p > 0) & (n > 0))


def average_precision(tampered: Histograms, authentic: Histograms, lost: Histograms | int = 0) -> Floats:
    """Step-wise average precision from histograms of shape (N, 256); NaN without both classes.

    Equals scikit-learn's `average_precision_score` on the pixels. Of the tampered pixels at byte 0, `lost` (shape
    (N,)) have no valid prediction: they add nothing, where the lowest byte would add the base rate.
    """
    hits, tp, fp = tampered[:, ::-1].copy(), _falling(tampered), _falling(authentic)
    hits[:, -1] -= lost
    precision = ratio(tp, tp + fp, where=tp > 0)
    p, n = tp[:, -1], fp[:, -1]
    gained = np.where(hits > 0, hits * precision, 0.0).sum(axis=1)
    return ratio(gained, p, where=(p > 0) & (n > 0))


def _best_f1(tampered: Histograms, authentic: Histograms) -> Floats:
    tp, fp = _falling(tampered), _falling(authentic)
    p = tp[:, -1:]
    f1 = ratio(2 * tp, tp + fp + p, where=np.broadcast_to(p > 0, tp.shape))
    best: Floats = f1.max(axis=1)
    return best


def _falling(histograms: Histograms) -> Histograms:
    """Pixels at or above each threshold, from 255 down to 0."""
    return np.cumsum(histograms[:, ::-1], axis=1)
