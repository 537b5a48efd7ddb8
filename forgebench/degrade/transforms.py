"""What a picture goes through on its way to a reader: pure functions, array to array and array to bytes.

An image here is uint8, shape (H, W) for grey or (H, W, 3) for RGB; a mask is bool, shape (H, W). Nothing is changed in
place, and chance comes from the generator that is given, so that training can use them too.
"""

from __future__ import annotations

from io import BytesIO
from math import ceil, cos, radians, sin
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from forgebench.schema import Mask

Pixels = NDArray[np.uint8]
Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]
Filter = Literal["lanczos", "bicubic", "bilinear"]

_GREY = frozenset({"1", "L", "LA", "La"})
_COLOUR = frozenset({"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"})


def decode(data: bytes) -> Pixels:
    """An image file's pixels as displayed, at 8 bits.

    EXIF orientation is applied; grey stays grey; palettes, CMYK and other colour spaces become RGB; alpha is dropped,
    as it is from what a method sees; 16-bit grey is scaled to 8 bits. Colour profiles are not applied.

    Raises:
        ValueError: If the image is of a mode without a known range, such as floating point.
        UNDECODABLE: If it cannot be decoded.
    """
    with Image.open(BytesIO(data)) as file:
        image = ImageOps.exif_transpose(file)
        if image.mode in _GREY:
            return np.asarray(image.convert("L"))
        if image.mode in _COLOUR:
            return np.asarray(image.convert("RGB"))
        values = np.asarray(image)
        if not image.mode.startswith("I") or values.min() < 0 or values.max() > 65535:
            raise ValueError(f"an image of mode {image.mode}, whose range is not known")
        return np.round(values / 257).astype(np.uint8)


def encode_jpeg(
    image: Pixels, quality: int, subsampling: Subsampling = "4:2:0", *, progressive: bool = False
) -> bytes:
    """A JPEG file with the tables of libjpeg at this quality (1 to 100); grey has no chroma to subsample."""
    chroma = {"subsampling": subsampling} if image.ndim == 3 else {}
    return _encode(image, "JPEG", quality=quality, progressive=progressive, **chroma)


def encode_webp(image: Pixels, quality: int) -> bytes:
    """A lossy WebP file of this quality (0 to 100), always 4:2:0 and always in colour."""
    return _encode(image, "WEBP", quality=quality)


def encode_png(image: Pixels) -> bytes:
    """A PNG file: the pixels as they are."""
    return _encode(image, "PNG", compress_level=1)


def _encode(image: Pixels, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def resize(image: Pixels, width: int, height: int, filter: Filter = "lanczos") -> Pixels:
    """The image at another size in pixels; filters are widened when it shrinks, so that nothing aliases."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling[filter.upper()]))


def resize_mask(mask: Mask, width: int, height: int) -> Mask:
    """The mask at another size: a pixel is tampered where at least half of the area that it covers is, exactly.

    What is thinner than half a pixel may vanish.
    """
    if not mask.any():
        return np.zeros((height, width), bool)
    covered = _shrunk(_shrunk(mask.astype(np.int64), height).T, width).T
    # In units in which each new pixel covers as much as the whole old mask has pixels.
    return np.asarray(2 * covered >= mask.size)


def _shrunk(values: NDArray[np.int64], new: int) -> NDArray[np.int64]:
    """The sum of the rows under each of `new` rows, times `new`; rows that are cut count by their share."""
    old = len(values)
    edges = np.arange(new + 1) * old
    row, part = edges // new, edges % new
    before = np.zeros((old + 1, values.shape[1]), np.int64)
    np.cumsum(values, axis=0, out=before[1:])
    at_edges = before[row] * new + part[:, None] * values[np.minimum(row, old - 1)]
    return np.diff(at_edges, axis=0)


def gaussian_blur(image: Pixels, sigma: float) -> Pixels:
    """Convolution with a Gaussian of this standard deviation in pixels; the border is continued."""
    return _bytes(ndimage.gaussian_filter(image.astype(np.float32), sigma, axes=(0, 1), mode="nearest"))


def motion_blur(image: Pixels, length: float, angle: float) -> Pixels:
    """The mean along a straight line of this length in pixels, centred, at this angle in degrees."""
    kernel = motion_kernel(length, angle)
    reach = kernel.shape[0] // 2
    height, width = image.shape[:2]
    padded = np.pad(image.astype(np.float32), [(reach, reach), (reach, reach), (0, 0)][: image.ndim], mode="edge")
    total = np.zeros(image.shape, np.float32)
    for y, x in np.argwhere(kernel):
        total += kernel[y, x] * padded[y : y + height, x : x + width]
    return _bytes(total)


def motion_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """The weights of a centred line of one point a pixel, square and odd in size, summing to 1.

    A point between pixels is shared by its four neighbours.
    """
    half = (max(1.0, length) - 1) / 2
    reach = ceil(half)
    along = np.linspace(-half, half, ceil(max(1.0, length)))
    kernel = np.zeros((2 * reach + 3, 2 * reach + 3))
    xs, ys = along * cos(radians(angle)) + reach + 1, along * sin(radians(angle)) + reach + 1
    left, top = np.floor(xs).astype(int), np.floor(ys).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dx - (xs - left)) * np.abs(1 - dy - (ys - top))
            np.add.at(kernel, (top + dy, left + dx), share)
    weights: NDArray[np.float32] = (kernel[1:-1, 1:-1] / kernel.sum()).astype(np.float32)
    return weights


def gaussian_noise(image: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Independent Gaussian noise of this standard deviation in grey levels on every value, then clipped."""
    return _bytes(image + np.float32(sigma) * rng.standard_normal(image.shape, np.float32))


def poisson_noise(image: Pixels, peak: float, rng: np.random.Generator) -> Pixels:
    """Photon noise: white is `peak` photons on average, so the variance is 255 / peak times the value."""
    return _bytes(rng.poisson(image * (peak / 255)) * (255 / peak))


def gamma(image: Pixels, exponent: float) -> Pixels:
    """Every value v becomes 255 (v / 255) ** exponent: above 1 darker, below 1 brighter."""
    return _bytes(255 * (np.arange(256) / 255) ** exponent)[image]


def _bytes(values: NDArray[np.floating]) -> Pixels:
    return np.round(values).clip(0, 255).astype(np.uint8)
