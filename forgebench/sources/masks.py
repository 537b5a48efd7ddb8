"""Mask files into truth: which values of which data set's masks are tampered."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from io import BytesIO
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.schema import Mask

THRESHOLD = 127
"""A mask byte above this is tampered: masks come as JPEG and anti-aliased too."""

_FRAME = 3
"""How many pixels from the border a false frame may reach."""

_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})

RuleName: TypeAlias = Literal[
    "above_127", "below_128", "above_0", "above_1", "above_10", "white", "non_zero", "green_filled", "red", "green",
    "green_inside", "transparent_or_white", "npz",
]  # fmt: skip


def decode_mask(data: bytes, rule: RuleName = "above_127") -> Mask:
    """A mask file as booleans, shape (H, W), true where the rule says tampered.

    Raises:
        ValueError: If its mode is not 1-bit, grey, palette or colour at 8 bits.
        UNDECODABLE: If it cannot be decoded.
    """
    if rule == "npz":
        return _npz(data)
    with Image.open(BytesIO(data)) as image:
        if image.mode not in _MODES:
            raise ValueError(f"a mask of mode {image.mode}")
        return _RULES[rule](image)


def draw(segmentations: str, height: int, width: int) -> Mask:
    """COCO segmentations as booleans of shape (height, width): the union of polygons and run lengths.

    Raises:
        ValueError: If a segmentation cannot be drawn, or is one of an image of another size.
    """
    from pycocotools import mask as coco

    drawn = np.zeros((height, width), bool)
    with warnings.catch_warnings():
        # pycocotools 2.0 meets NumPy 2 with a DeprecationWarning of its own making.
        warnings.simplefilter("ignore", DeprecationWarning)
        for shape in json.loads(segmentations):
            try:
                runs = coco.frPyObjects(shape, height, width)
                for run in runs if isinstance(runs, list) else [runs]:
                    drawn |= coco.decode(run).astype(bool)
            except Exception as error:
                raise ValueError(f"a segmentation that cannot be drawn at {width}x{height}: {error}") from error
    return drawn


def decode_scribble(data: bytes) -> NDArray[np.uint8]:
    """A scribble's labels, shape (H, W), uint8: 0 unlabelled, 1 tampered, 2 authentic.

    Raises:
        ValueError: If it holds anything else.
        UNDECODABLE: If it cannot be decoded.
    """
    with Image.open(BytesIO(data)) as image:
        if image.mode not in ("L", "P", "RGB"):
            raise ValueError(f"a scribble of mode {image.mode}")
        pixels = np.asarray(image)
    labels = pixels if pixels.ndim == 2 else pixels[..., 0]
    if pixels.ndim == 3 and (pixels != labels[..., None]).any():
        raise ValueError("a scribble in colours; 0, 1 and 2 in all three channels are known")
    if labels.max(initial=0) > 2:
        raise ValueError(f"a scribble with the value {labels.max()}; 0, 1 and 2 are known")
    return labels


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    # Alpha is left out on purpose: it is 255 everywhere in the masks seen.
    return np.asarray(image.convert("L"))


def _colours(image: Image.Image) -> tuple[NDArray[np.int16], ...]:
    red, green, blue = np.asarray(image.convert("RGB"), dtype=np.int16).transpose(2, 0, 1)
    return red, green, blue


def _non_zero(image: Image.Image) -> Mask:
    """Palette indices as they are stored, not their colours."""
    marked: Mask = np.asarray(image if image.mode in ("1", "L", "P") else image.convert("L")) != 0
    return marked


def _green_filled(image: Image.Image) -> Mask:
    """Green above red, dark specks inside filled: JPEG leaves grey ones on the border of the red."""
    from scipy.ndimage import binary_fill_holes

    red, green, _ = _colours(image)
    filled: Mask = binary_fill_holes((green > red) & (green > 100))
    return filled


def _channel(which: int) -> Callable[[Image.Image], Mask]:
    def rule(image: Image.Image) -> Mask:
        channels = _colours(image)
        others = [channel for index, channel in enumerate(channels) if index != which]
        marked: Mask = (channels[which] > THRESHOLD) & (others[0] <= THRESHOLD) & (others[1] <= THRESHOLD)
        return marked

    return rule


def _green_inside(image: Image.Image) -> Mask:
    """Green without what lies wholly on the image's border: the frames of one pixel in masks drawn by a program."""
    from scipy.ndimage import label

    labels, _ = label(_channel(1)(image), np.ones((3, 3), np.uint8))
    inside = np.unique(labels[_FRAME:-_FRAME, _FRAME:-_FRAME])
    kept: Mask = np.isin(labels, inside[inside > 0])
    return kept


def _transparent_or_white(image: Image.Image) -> Mask:
    """A hole in the alpha channel where there is one, else pure white: the rest may be the picture itself."""
    if "A" in image.getbands():
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < alpha.max():
            return alpha <= THRESHOLD
    marked: Mask = np.asarray(image.convert("RGB")).min(axis=2) == 255
    return marked


def _npz(data: bytes) -> Mask:
    """The array `arr_0` of a NumPy archive, axes of length one dropped, non-zero is tampered."""
    with np.load(BytesIO(data), allow_pickle=False) as archive:
        if "arr_0" not in archive:
            raise ValueError(f"an archive of {', '.join(archive.files) or 'nothing'}, without arr_0")
        values = archive["arr_0"].squeeze()
    if values.ndim != 2:
        raise ValueError(f"an array of shape {values.shape}")
    marked: Mask = values > 0
    return marked


def _above(threshold: int) -> Callable[[Image.Image], Mask]:
    return lambda image: _grey(image) > threshold


_RULES: dict[str, Callable[[Image.Image], Mask]] = {
    "above_127": _above(THRESHOLD),
    "below_128": lambda image: ~(_grey(image) > THRESHOLD),
    "above_0": _above(0),
    "above_1": _above(1),
    "above_10": _above(10),
    "white": _above(191),
    "non_zero": _non_zero,
    "green_filled": _green_filled,
    "red": _channel(0),
    "green": _channel(1),
    "green_inside": _green_inside,
    "transparent_or_white": _transparent_or_white,
}
