"""Regions: is each tampered region found as one thing? Average precision of boxes and masks as COCO counts it.

The truth is the components of the mask, as `forgebench.annotations.boxes.components` finds them: 8-connected, specks
under 0.1 % of the image left out. A submitted box is a detection; where the submission has no boxes, the tight boxes of
the predicted mask's components are. For mask AP its components are the detections, at the fixed threshold; the score of
a component is the mean of its bytes / 255. Authentic images take part: whatever is detected there is a false positive.
Overlaps and matching are pycocotools' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.boundary import masks
from forgebench.metrics.pixel import Floats, Histograms, ratio
from forgebench.schema import Box

if TYPE_CHECKING:
    from forgebench.annotations.boxes import Part

MAX_DETECTIONS = 100
"""Detections of an image that count, those with the highest scores: COCO's limit."""
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's: AP is the mean over them, AP50 the value at the first."""
_RECALLS = np.linspace(0.0, 1.0, 101)

Ints = NDArray[np.int64]
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class RegionCounts:
    """The detections of one image against its true regions: D detections by falling score, T regions."""

    score: Floats
    """Shape (D,), float64; at most 100."""
    area: Floats
    """Shape (D,): their areas in pixels."""
    truth_area: Floats
    """Shape (T,): the areas of the true regions, or of the boxes around them; empty where nothing is tampered."""
    iou: Floats
    """Shape (D * T,): the overlap of each detection with each true region, those of the first detection first."""


@dataclass(frozen=True)
class Regions:
    """The region counts of one image."""

    mask: RegionCounts
    """Of the components of the masks."""
    box: RegionCounts
    """Of boxes: the submitted ones, or those around the predicted mask's components where there are none."""


def region_counts(
    pred: NDArray[np.uint8] | None, mask: NDArray[np.generic], boxes: Sequence[Box] | None = None
) -> Regions:
    """Compare the detected regions of one image with the true ones.

    Args:
        pred: Shape (H, W), uint8; None where no mask was submitted, which detects nothing.
        mask: Shape (H, W), any type; non-zero is tampered.
        boxes: The submitted boxes, in pixels; None where the submission has none, which takes those of `pred`.

    Raises:
        InputError: If the prediction is not uint8 or the shapes differ: nothing is ever resized.

    >>> mask = np.zeros((50, 50), bool)
    >>> mask[10:20, 10:20] = True
    >>> counts = region_counts(None, mask, [Box(10, 10, 10, 20, 0.9)])
    >>> counts.box.iou.tolist(), counts.mask.score.tolist()
    ([0.5], [])
    """
    from forgebench.annotations.boxes import components

    heat = np.zeros(mask.shape, np.uint8) if pred is None else pred
    called, truth = masks(heat, mask)
    found, true = components(called), components(truth)
    scores = np.array([_mean_byte(heat, part) / 255 for part in found])
    if boxes is None:
        boxes = [Box(*_around(part), score) for part, score in zip(found, scores.tolist(), strict=True)]
    return Regions(_of_masks(found, scores, true), _of_boxes(boxes, true))


def _mean_byte(heat: NDArray[np.uint8], part: Part) -> float:
    rows, columns, inside = part
    return float(heat[rows, columns][inside].mean())


def _around(part: Part) -> tuple[float, float, float, float]:
    """The tight COCO box of a component."""
    rows, columns, _ = part
    return (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


def _highest(scores: Floats) -> Ints:
    """Those that count, by falling score; ties stay in their order, as in COCOeval."""
    return np.argsort(-scores, kind="stable")[:MAX_DETECTIONS]


def _of_masks(found: Sequence[Part], scores: Floats, true: Sequence[Part]) -> RegionCounts:
    order = _highest(scores)
    kept = [found[i] for i in order]
    both = _encoded([*kept, *true])
    areas = np.array([np.count_nonzero(inside) for *_, inside in (*kept, *true)], np.float64)
    iou = _iou(both[: len(kept)], both[len(kept) :])
    return RegionCounts(scores[order], areas[: len(kept)], areas[len(kept) :], iou)


def _of_boxes(boxes: Sequence[Box], true: Sequence[Part]) -> RegionCounts:
    found = np.array(boxes, np.float64).reshape(-1, 5)
    found = found[_highest(found[:, 4])]
    around = np.array([_around(part) for part in true], np.float64).reshape(-1, 4)
    iou = _iou(found[:, :4], around)
    return RegionCounts(found[:, 4], found[:, 2] * found[:, 3], around[:, 2] * around[:, 3], iou)


def _encoded(parts: Sequence[Part]) -> list[Any]:
    """The components as run lengths, all in the box around them."""
    from pycocotools import mask as coco

    if not parts:
        return []
    top, bottom = min(rows.start for rows, *_ in parts), max(rows.stop for rows, *_ in parts)
    left, right = min(columns.start for _, columns, _ in parts), max(columns.stop for _, columns, _ in parts)
    encoded = []
    for rows, columns, inside in parts:
        canvas = np.zeros((bottom - top, right - left), np.uint8, order="F")
        canvas[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = inside
        encoded.append(coco.encode(canvas))
    return encoded


def _iou(found: Any, true: Any) -> Floats:  # noqa: ANN401
    """Overlaps of run lengths or boxes, flat; no true region is a crowd."""
    from pycocotools import mask as coco

    if not len(found) or not len(true):
        return np.empty(0)
    return np.asarray(coco.iou(found, true, [0] * len(true)), np.float64).ravel()


@dataclass(frozen=True)
class Matches:
    """The detections of N images, matched to their true regions once; M detections by falling score, U draw units."""

    unit: Ints
    """Shape (M,): the draw unit of each detection's image."""
    last: NDArray[np.intp]
    """Shape (M,): the last detection with the same score."""
    hit: NDArray[np.bool_]
    """Shape (10, M): true where it is matched, at each IoU threshold."""
    truths: Floats
    """Shape (U,): true regions."""
    lost: Floats
    """Shape (U,): images without a valid prediction."""


def match(counts: Sequence[RegionCounts], valid: NDArray[np.bool_], units: tuple[Ints, int]) -> Matches:
    """Match the detections of N images by COCOeval's `evaluateImg`, over all areas.

    Args:
        counts: Of the images; those without a valid prediction detect nothing.
        valid: Shape (N,): true where the image has a valid prediction.
        units: The draw unit of each image, shape (N,), and their number U.
    """
    unit, number = units
    detections, truths = np.array([(len(one.score), len(one.truth_area)) for one in counts], int).reshape(-1, 2).T
    score = np.concatenate([np.empty(0), *(one.score for one in counts)])
    hit = np.concatenate([np.empty((len(IOU_THRESHOLDS), 0), bool), *_hits(counts)], axis=1)
    order = np.argsort(-score, kind="stable")
    falling = -score[order]
    return Matches(
        np.repeat(unit, detections)[order],
        np.searchsorted(falling, falling, side="right") - 1,
        hit[:, order],
        np.bincount(np.repeat(unit, truths), minlength=number).astype(np.float64),
        np.bincount(unit[~valid], minlength=number).astype(np.float64),
    )


def _hits(counts: Sequence[RegionCounts]) -> Iterator[NDArray[np.bool_]]:
    """Which detections of each image are matched at each IoU threshold, shape (10, D)."""
    from pycocotools.cocoeval import COCOeval

    matcher, key = COCOeval(iouType="segm"), (1, 1)
    for one in counts:
        d, t = len(one.score), len(one.truth_area)
        if not d or not t:
            yield np.zeros((len(IOU_THRESHOLDS), d), bool)
            continue
        # Numbers from 1: a match with number 0 is none to COCOeval.
        matcher._gts = {key: [{"id": i, "area": a, "iscrowd": 0, "ignore": 0} for i, a in enumerate(one.truth_area, 1)]}
        matcher._dts = {
            key: [{"id": i, "area": a, "score": s} for i, (a, s) in enumerate(zip(one.area, one.score, strict=True), 1)]
        }
        matcher.ious = {key: one.iou.reshape(d, t)}
        yield matcher.evaluateImg(*key, matcher.params.areaRng[0], MAX_DETECTIONS)["dtMatches"] > 0


def average_precision(matches: Matches, weights: Weights) -> Floats:
    """Average precision at each IoU threshold .5, .55, … .95, in [0, 1], higher is better.

    AP is the mean over the thresholds, AP50 the first. Precision is interpolated at 101 recalls as in COCOeval's
    `accumulate`, and equals it where no scores are tied. Detections of one score enter together, where COCOeval goes by
    the order of the images: with false ones before true ones of the same score it gives these values, which are its
    least. So the names of the images, which often tell the label, win nothing.

    An image without a valid prediction counts as 100 false positives above every score: the worst that COCO's limit
    allows. NaN where there is no true region.

    Args:
        matches: Of N images in U draw units.
        weights: Shape (B, U), whole numbers: how often each draw unit counts.

    Returns:
        Shape (B, 10).
    """
    steps = [_steps(matches, hit) for hit in matches.hit]
    values = np.full((len(weights), len(steps)), np.nan)
    for row, weight in enumerate(weights):
        truths = weight @ matches.truths
        if truths > 0:
            called = np.cumsum(weight[matches.unit]) + MAX_DETECTIONS * (weight @ matches.lost)
            values[row] = [
                _interpolated(np.cumsum(weight[unit])[ends], called[stops], truths) for unit, ends, stops in steps
            ]
    return values


def _steps(matches: Matches, hit: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """The unit of each true positive, the last one of each score, and the last detection of that score."""
    places = np.flatnonzero(hit)
    stops = matches.last[places]
    ends = np.flatnonzero(np.append(stops[1:] != stops[:-1], True)[: len(stops)])
    return matches.unit[places], ends, stops[ends]


def _interpolated(tp: Floats, called: Floats, truths: float) -> float:
    """Mean over the recalls of the best precision at that recall or a higher one."""
    precision = tp / (called + np.spacing(1))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.append(best, 0.0)[np.searchsorted(tp / truths, _RECALLS)].mean())


def pointing_accuracy(tampered: Histograms, authentic: Histograms) -> Floats:
    """Does the map's highest byte lie in the truth, shape (N,), in [0, 1], higher is better.

    Where several pixels have the highest byte, the share of them that are tampered: what a guess among them would win.
    NaN without both classes of pixels. The pointing game of Zhang et al. 2018, without its tolerance.

    Args:
        tampered: Shape (N, 256): histograms of the bytes over tampered pixels.
        authentic: The same over authentic pixels.
    """
    tampered, authentic = tampered.astype(np.int64), authentic.astype(np.int64)
    highest = 255 - np.argmax((tampered + authentic)[:, ::-1] > 0, axis=1)
    hits, misses = (np.take_along_axis(h, highest[:, None], axis=1)[:, 0] for h in (tampered, authentic))
    both = (tampered.sum(axis=1) > 0) & (authentic.sum(axis=1) > 0)
    return ratio(hits, hits + misses, where=both)
