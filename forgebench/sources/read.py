"""From an entry to an item: bytes read, image decoded, masks brought to the image's size and orientation."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from forgebench.errors import Problem
from forgebench.schema import Fix, Item, Mask
from forgebench.sources.files import UNDECODABLE, decode_mask, image_size, orient, sha256
from forgebench.sources.spec import Entry, MaskFile


class _ProblemFoundError(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read(root: Path, entry: Entry) -> Item | Problem:
    """Read and decode an entry's files once; what is wrong comes back as a problem of this sample."""
    try:
        return _read(root, entry)
    except _ProblemFoundError as error:
        return error.problem


def _read(root: Path, entry: Entry) -> Item:
    data = _bytes(root, entry, entry.image)
    try:
        (width, height), orientation = image_size(data)
    except UNDECODABLE as error:
        raise _unreadable(entry, entry.image, error) from error
    digest = sha256(data)
    files = {entry.image: digest}
    fixes = list(entry.fixes)
    masks: list[Mask | None] = []
    for mask_file in (entry.mask, entry.source_mask):
        if mask_file is None:
            masks.append(None)
            continue
        mask_data = _bytes(root, entry, mask_file.path)
        files[mask_file.path] = sha256(mask_data)
        mask, fix = _fitted(entry, mask_file, mask_data, (height, width), orientation)
        masks.append(mask)
        fixes += [fix] if fix else []
    truth, source = masks
    if entry.label == "authentic":
        truth = _nothing(height, width)
    elif truth is not None and not truth.any():
        raise _empty(entry)
    return Item(
        sample_id=entry.sample_id, label=entry.label, image=data, image_name=entry.image.rpartition("/")[2],
        sha256=digest, size=(height, width), group=entry.group, split=entry.split, manipulation=entry.manipulation,
        mask=truth, source_mask=source, mask_scope=entry.mask_scope, fixes=tuple(fixes), files=files,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _nothing(height: int, width: int) -> Mask:
    """The truth of an authentic image: one for all of a size."""
    mask = np.zeros((height, width), bool)
    mask.flags.writeable = False
    return mask


def _bytes(root: Path, entry: Entry, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise _unreadable(entry, path, error) from error


def _fitted(
    entry: Entry, file: MaskFile, data: bytes, shape: tuple[int, int], orientation: int
) -> tuple[Mask, Fix | None]:
    """The mask at the image's size, and the known defect that was mended on the way."""
    try:
        mask = decode_mask(data)
    except UNDECODABLE as error:
        raise _unreadable(entry, file.path, error) from error
    if mask.shape == shape:
        return mask, None
    found = f"{mask.shape[1]}x{mask.shape[0]}"
    issue = f"{file.path} is {found}, the image {shape[1]}x{shape[0]}"
    if file.crop and mask.shape[0] >= file.crop[1] + shape[0] and mask.shape[1] >= file.crop[0] + shape[1]:
        left, top = file.crop
        cropped = mask[top : top + shape[0], left : left + shape[1]]
        return cropped, Fix(entry.sample_id, issue, f"cropped at x {left}, y {top}")
    if file.resize:
        # As bytes: the booleans of a 1-bit picture are stored as 255.
        small = Image.fromarray(mask.astype(np.uint8)).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
        return np.asarray(small) > 0, Fix(entry.sample_id, issue, "resized (nearest)")
    if orientation >= 5 and mask.shape == shape[::-1]:
        turned = orient(mask, orientation)
        return turned, Fix(entry.sample_id, issue, f"turned with the image's EXIF orientation {orientation}")
    raise _ProblemFoundError(
        Problem(
            "mismatched",
            entry.sample_id,
            f"{file.path} of the image's size {shape[1]}x{shape[0]}",
            found,
            "Mend the mask, or leave the sample out with --allow-issues mismatched.",
        )
    )


def _unreadable(entry: Entry, path: str, error: Exception) -> _ProblemFoundError:
    return _ProblemFoundError(
        Problem(
            "unreadable",
            entry.sample_id,
            f"an image in {path}",
            str(error) or type(error).__name__,
            "Get the file again, or leave the sample out with --allow-issues unreadable.",
        )
    )


def _empty(entry: Entry) -> _ProblemFoundError:
    return _ProblemFoundError(
        Problem(
            "empty_mask",
            entry.sample_id,
            "a mask with values above 127 where tampered",
            "nothing above 127",
            "Save the mask as 0 and 255 (not 0 and 1), or leave the sample out with --allow-issues empty_mask.",
        )
    )
