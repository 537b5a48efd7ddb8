"""Teachers: what turns an image and its coarse boxes into a pseudo mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.boxpromptiml.config import TeacherConfig

Logits = NDArray[np.float32]
Boxes = Sequence[Sequence[float]]
"""COCO `[x, y, width, height]`, pixels of the image."""

SURE = 10.0
"""The logit of what a teacher without probabilities is sure of: a probability of 0.99995."""
_LONGEST = 160
"""GrabCut works on crops of at most this side."""
_AROUND = 0.5
"""Of a box's sides: how much background GrabCut sees on each of its sides."""
_ROUNDS = 3


class Teacher(Protocol):
    """Whoever segments what boxes hold."""

    weights: str
    """SHA-256 of its weights; empty where there are none."""

    def logits(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Boxes]) -> list[Logits]:
        """A map of logits for each box of each image, above 0 for what is tampered.

        Args:
            images: Shape (H, W, 3) each, uint8 RGB.
            boxes: Of each image.

        Returns:
            For each image shape (n, H, W), float32.
        """


def make_teacher(config: TeacherConfig, device: str | None = None) -> Teacher:
    """The teacher of a configuration.

    Raises:
        InputError: If SAM's weights cannot be loaded.
    """
    if config.kind == "sam":
        from baselines.boxpromptiml.sam_teacher import SamTeacher

        return SamTeacher(config, device)
    return GrabCutTeacher() if config.kind == "grabcut" else RectangleTeacher()


class RectangleTeacher:
    """Everything in a box is tampered: what a box says by itself."""

    weights = ""

    def logits(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Boxes]) -> list[Logits]:
        """See `Teacher`."""
        return [
            _maps([_filled(image.shape[:2], box) for box in own], image.shape[:2])
            for image, own in zip(images, boxes, strict=True)
        ]


class GrabCutTeacher:
    """GrabCut (Rother et al., SIGGRAPH 2004) within each box: colours alone, no weights.

    A box that leaves no background in sight is taken whole, for GrabCut has nothing to compare with.
    """

    weights = ""

    def logits(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Boxes]) -> list[Logits]:
        """See `Teacher`."""
        return [
            _maps([_grabbed(image, box) for box in own], image.shape[:2])
            for image, own in zip(images, boxes, strict=True)
        ]


def inside(box: Sequence[float], size: tuple[int, ...], dilation: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns of the pixels that a box touches, at least one, dilated by a share of its sides."""
    (x, y, width, height), (rows, columns) = box, size
    left, right = x - dilation * width, x + width + dilation * width
    top, bottom = y - dilation * height, y + height + dilation * height
    return _span(top, bottom, rows), _span(left, right, columns)


def _span(start: float, stop: float, length: int) -> slice:
    first = min(max(0, int(np.floor(start))), length - 1)
    return slice(first, max(first + 1, min(length, int(np.ceil(stop)))))


def union(maps: Logits, boxes: Boxes, config: TeacherConfig) -> Logits:
    """One map of those of all boxes: the highest logit, after the safety rules that the configuration asks for.

    Args:
        maps: Shape (n, H, W), logits.
        boxes: The n boxes.
        config: `least_share`: a mask under this share of its box becomes the box; `most_dilation`: a mask ends where
            the box dilated by this share ends.

    Returns:
        Shape (H, W), float32; -SURE throughout where there is no box.
    """
    size = maps.shape[1:]
    whole = np.full(size, -SURE, np.float32)
    for one, box in zip(maps, boxes, strict=True):
        whole = np.maximum(whole, _safe(one, box, config))
    return whole


def _safe(one: Logits, box: Sequence[float], config: TeacherConfig) -> Logits:
    size = one.shape
    if config.most_dilation is not None:
        allowed = inside(box, size, config.most_dilation)
        cut = np.full(size, -SURE, np.float32)
        cut[allowed] = one[allowed]
        one = cut
    rectangle = inside(box, size)
    if np.count_nonzero(one > 0) < config.least_share * one[rectangle].size:
        one = _filled(size, box)
    return one


def _filled(size: tuple[int, ...], box: Sequence[float]) -> Logits:
    filled = np.full(size, -SURE, np.float32)
    filled[inside(box, size)] = SURE
    return filled


def _maps(maps: list[Logits], size: tuple[int, ...]) -> Logits:
    return np.stack(maps) if maps else np.zeros((0, *size), np.float32)


def _grabbed(image: NDArray[np.uint8], box: Sequence[float]) -> Logits:
    size = image.shape[:2]
    around, held = inside(box, size, _AROUND), inside(box, size)
    crop = image[around]
    scale = min(1.0, _LONGEST / max(crop.shape[:2]))
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else crop
    labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    tops, lefts = (_shrunk(own, outer, scale) for own, outer in zip(held, around, strict=True))
    labels[tops, lefts] = cv2.GC_PR_FGD
    if (labels == cv2.GC_PR_FGD).all():
        return _filled(size, box)
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(small[..., ::-1]), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )  # fmt: skip
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    full = cv2.resize(found, crop.shape[1::-1], interpolation=cv2.INTER_NEAREST) if scale < 1 else found
    grabbed = np.full(size, -SURE, np.float32)
    grabbed[around] = np.where(full > 0, np.float32(SURE), np.float32(-SURE))
    return grabbed


def _shrunk(own: slice, outer: slice, scale: float) -> slice:
    """A span within another, in pixels of the scaled crop."""
    start = int((own.start - outer.start) * scale)
    return slice(start, max(start + 1, int(np.ceil((own.stop - outer.start) * scale))))
