"""Pictures for the page: images and heat maps as data URIs within a size, truth as SVG outlines."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forgebench.schema import Mask

LARGEST = 900
"""Pixels on the long side of an enlarged picture; nothing is ever scaled up."""
_SIDES = (LARGEST, 720, 560, 440, 320, 240)
_LEVELS = 32
_RAMP = ((0.0, (60, 15, 110)), (0.35, (190, 30, 110)), (0.65, (250, 110, 30)), (1.0, (255, 235, 110)))
"""Colours of the heat map by probability."""
_LONGEST_PATH = 12_000
_MOST_CONTOURS = 250
_TOLERANCES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""How far an outline may be from the truth, in blocks: further only where it would be too long."""


def image_uri(data: bytes, most_bytes: int) -> str:
    """An image file of any format as a WebP data URI, EXIF orientation applied.

    Args:
        data: The file's bytes.
        most_bytes: The picture is made smaller until it fits, down to 240 pixels on the long side.
    """
    with Image.open(BytesIO(data)) as file:
        picture = ImageOps.exif_transpose(file).convert("RGB")

    def encoded(size: tuple[int, int]) -> bytes:
        buffer = BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3).save(buffer, "WEBP", quality=82)
        return buffer.getvalue()

    return _uri(encoded, picture.size, most_bytes)


def heat_uri(mask: NDArray[np.uint8], most_bytes: int) -> str:
    """A prediction as a transparent heat map: the more certain of tampered, the brighter and the more opaque.

    Args:
        mask: Shape (H, W), uint8; byte v is the probability v / 255.
        most_bytes: As for an image.
    """
    picture = Image.fromarray(mask)
    colours = _colours()

    def encoded(size: tuple[int, int]) -> bytes:
        small = np.asarray(picture.resize(size, Image.Resampling.BOX)).astype(np.int64)
        buffer = BytesIO()
        Image.fromarray(colours[(small * (_LEVELS - 1) + 127) // 255]).save(buffer, "WEBP", lossless=True, method=2)
        return buffer.getvalue()

    return _uri(encoded, picture.size, most_bytes)


def ramp_css() -> str:
    """The heat map's colours as the stops of a CSS gradient."""
    return ", ".join(f"rgb({r} {g} {b}) {at:.0%}" for at, (r, g, b) in _RAMP)


def _colours() -> NDArray[np.uint8]:
    """RGBA by level, shape (32, 4); what is not at all suspected is not tinted."""
    p = np.linspace(0, 1, _LEVELS)
    stops = [at for at, _ in _RAMP]
    channels = [np.interp(p, stops, [colour[i] for _, colour in _RAMP]) for i in range(3)]
    alpha = 225 * p**0.6
    return np.round(np.stack([*channels, alpha], axis=1)).astype(np.uint8)


def _uri(encoded: Callable[[tuple[int, int]], bytes], size: tuple[int, int], most_bytes: int) -> str:
    data = b""
    for smaller in _sizes(size):
        data = encoded(smaller)
        if len(data) <= most_bytes:
            break
    return "data:image/webp;base64," + b64encode(data).decode()


def _sizes(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Ever smaller (width, height), the first no larger than allowed."""
    longest = max(size)
    for side in dict.fromkeys(min(longest, side) for side in _SIDES):
        width, height = (max(1, round(edge * side / longest)) for edge in size)
        yield width, height


def outline(mask: Mask) -> str:
    """The contours of a truth mask as an SVG path in the image's pixels; empty where nothing is tampered.

    Args:
        mask: Shape (H, W), true is tampered.
    """
    from skimage.measure import approximate_polygon, find_contours

    step = max(1, max(mask.shape) // LARGEST)
    contours = sorted(find_contours(_coarse(mask, step), 0.5), key=len, reverse=True)[:_MOST_CONTOURS]
    path = ""
    for tolerance in _TOLERANCES:
        path = "".join(_path(approximate_polygon(contour, tolerance), step) for contour in contours)
        if len(path) <= _LONGEST_PATH:
            break
    return path


def _coarse(mask: Mask, step: int) -> NDArray[np.float32]:
    """The mask in blocks of `step` by `step` pixels, any of them tampered, with a frame of nothing around."""
    rows, columns = (np.arange(0, size, step) for size in mask.shape)
    blocks = np.logical_or.reduceat(np.logical_or.reduceat(mask, rows, axis=0), columns, axis=1)
    return np.pad(blocks, 1).astype(np.float32)


def _path(points: NDArray[np.float64], step: int) -> str:
    """A closed polygon; contour points are block centres of the framed mask, as (row, column)."""
    corners = (f"{(x - 0.5) * step:.1f} {(y - 0.5) * step:.1f}" for y, x in points[:-1])
    return f"M{'L'.join(corners)}Z"
