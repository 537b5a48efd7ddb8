"""From an entry to an item: bytes read, image decoded, masks brought to the image's size and orientation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import Problem
from forgebench.schema import Fix, Item, Mask, Rectangle
from forgebench.sources.containers import read_bytes
from forgebench.sources.files import UNDECODABLE, image_size, orient, sha256
from forgebench.sources.fitting import changed_pixels, fit_to_change, resized
from forgebench.sources.masks import decode_mask, decode_scribble, draw
from forgebench.sources.spec import Entry, MaskFile, Shapes, Truth


class _ProblemFoundError(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass
class _Reading:
    """An entry half read: its image's shape, and what was noted of files and fixes on the way."""

    root: Path
    entry: Entry
    data: bytes
    shape: tuple[int, int]
    """Height and width as displayed."""
    orientation: int
    fixes: list[Fix]
    files: dict[str, str] = field(default_factory=dict)


def read(root: Path, entry: Entry) -> Item | Problem:
    """Read and decode an entry's files once; what is wrong comes back as a problem of this sample."""
    try:
        return _read(root, entry)
    except _ProblemFoundError as error:
        return error.problem


def _read(root: Path, entry: Entry) -> Item:
    files: dict[str, str] = {}
    data = _bytes(root, entry, entry.image, files)
    try:
        (width, height), orientation = image_size(data)
    except UNDECODABLE as error:
        raise _unreadable(entry, entry.image, error) from error
    reading = _Reading(root, entry, data, (height, width), orientation, list(entry.fixes), files)
    truth, boxes = _truth(reading, entry.mask)
    source = _file_mask(reading, entry.source_mask)[0] if entry.source_mask else None
    if entry.label == "authentic":
        truth, boxes = _nothing(height, width), None
    elif truth is not None and not truth.any():
        raise _empty(entry)
    scribble = _scribble(reading, entry.scribble) if entry.scribble else None
    return Item(
        sample_id=entry.sample_id, label=entry.label, image=data, image_name=_base_name(entry.image),
        sha256=files[entry.image], size=(height, width), group=entry.group, split=entry.split,
        manipulation=entry.manipulation, mask=truth, source_mask=source, mask_scope=entry.mask_scope,
        boxes=entry.boxes if boxes is None else boxes, scribble=scribble, fixes=tuple(reading.fixes), files=files,
    )  # fmt: skip


def _base_name(path: str) -> str:
    container, _, member = path.partition("::")
    base = container.rpartition("/")[2]
    return f"{base}-{member.replace('/', '-')}" if member else base


@lru_cache(maxsize=64)
def _nothing(height: int, width: int) -> Mask:
    """The truth of an authentic image: one for all of a size."""
    mask = np.zeros((height, width), bool)
    mask.flags.writeable = False
    return mask


def _bytes(root: Path, entry: Entry, path: str, files: dict[str, str]) -> bytes:
    try:
        data = read_bytes(root, path)
    except UNDECODABLE as error:
        raise _unreadable(entry, path, error) from error
    files[path] = sha256(data)
    return data


def _truth(reading: _Reading, truth: Truth | None) -> tuple[Mask | None, tuple[Rectangle, ...] | None]:
    """The mask, and the boxes of its regions where each has a file of its own."""
    if truth is None:
        return None, None
    if truth == "whole":
        return np.ones(reading.shape, bool), None
    if isinstance(truth, Shapes):
        try:
            return draw(truth.segmentations, *reading.shape), None
        except UNDECODABLE as error:
            raise _unreadable(reading.entry, "the annotations", error) from error
    mask, regions = _file_mask(reading, truth)
    return mask, tuple(map(_box, regions)) if truth.more else None


def _file_mask(reading: _Reading, file: MaskFile) -> tuple[Mask, list[Mask]]:
    """The union of a mask's files, and those that mark anything."""
    regions = [_fitted(reading, file, path) for path in (file.path, *file.more)]
    return reduce(np.logical_or, regions), [region for region in regions if region.any()]


def _box(region: Mask) -> Rectangle:
    ys, xs = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    return float(xs[0]), float(ys[0]), float(xs[-1] - xs[0] + 1), float(ys[-1] - ys[0] + 1)


def _fitted(reading: _Reading, file: MaskFile, path: str) -> Mask:
    """A mask file at the image's size; a known defect that is mended on the way is noted."""
    entry, shape = reading.entry, reading.shape
    data = _bytes(reading.root, entry, path, reading.files)
    try:
        mask = decode_mask(data, file.rule)
    except UNDECODABLE as error:
        raise _unreadable(entry, path, error) from error
    if mask.shape == shape:
        return mask
    found = f"{mask.shape[1]}x{mask.shape[0]}"
    mended = _mended(reading, file, mask)
    if mended is None:
        raise _mismatched(entry, path, shape, found)
    reading.fixes.append(Fix(entry.sample_id, f"{path} is {found}, the image {shape[1]}x{shape[0]}", mended[1]))
    return mended[0]


def _mended(reading: _Reading, file: MaskFile, mask: Mask) -> tuple[Mask, str] | None:
    """A mask of another size brought onto its image, and how; None where nothing is known of it."""
    shape, orientation = reading.shape, reading.orientation
    if file.original is not None and (fitted := _fitted_to_change(reading, file.original, mask)):
        return fitted
    if file.crop and mask.shape[0] >= file.crop[1] + shape[0] and mask.shape[1] >= file.crop[0] + shape[1]:
        left, top = file.crop
        return mask[top : top + shape[0], left : left + shape[1]], f"cropped at x {left}, y {top}"
    if file.resize:
        return resized(mask, *shape), "resized (nearest)"
    if orientation >= 5 and mask.shape == shape[::-1]:
        return orient(mask, orientation), f"turned with the image's EXIF orientation {orientation}"
    return None


def _fitted_to_change(reading: _Reading, original: str, mask: Mask) -> tuple[Mask, str] | None:
    data = _bytes(reading.root, reading.entry, original, reading.files)
    try:
        changed = changed_pixels(data, reading.data)
    except UNDECODABLE as error:
        raise _unreadable(reading.entry, original, error) from error
    return None if changed is None else fit_to_change(mask, changed)


def _scribble(reading: _Reading, path: str) -> NDArray[np.uint8]:
    entry = reading.entry
    try:
        scribble = decode_scribble(_bytes(reading.root, entry, path, reading.files))
    except UNDECODABLE as error:
        raise _unreadable(entry, path, error) from error
    if scribble.shape != reading.shape:
        raise _mismatched(entry, path, reading.shape, f"{scribble.shape[1]}x{scribble.shape[0]}")
    return scribble


def _mismatched(entry: Entry, path: str, shape: tuple[int, int], found: str) -> _ProblemFoundError:
    expected = f"{path} of the image's size {shape[1]}x{shape[0]}"
    fix = "Mend the mask, or leave the sample out with --allow-issues mismatched."
    return _ProblemFoundError(Problem("mismatched", entry.sample_id, expected, found, fix))


def _unreadable(entry: Entry, path: str, error: Exception) -> _ProblemFoundError:
    got = str(error) or type(error).__name__
    fix = "Get the file again, or leave the sample out with --allow-issues unreadable."
    return _ProblemFoundError(Problem("unreadable", entry.sample_id, f"an image in {path}", got, fix))


def _empty(entry: Entry) -> _ProblemFoundError:
    rule = entry.mask.rule if isinstance(entry.mask, MaskFile) else "above_127"
    advice = "Save the mask as 0 and 255 (not 0 and 1), or leave" if rule == "above_127" else "Leave"
    fix = f"{advice} the sample out with --allow-issues empty_mask."
    what = "values above 127 where tampered" if rule == "above_127" else f"tampered pixels (rule {rule})"
    got = "nothing above 127" if rule == "above_127" else "none"
    return _ProblemFoundError(Problem("empty_mask", entry.sample_id, f"a mask with {what}", got, fix))
