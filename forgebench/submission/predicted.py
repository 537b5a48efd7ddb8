"""A predicted mask's file into pixels: header first, so that nothing oversized is ever decoded."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.errors import Problem

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}


def decode_prediction(sample_id: str, data: bytes, size: tuple[int, int]) -> NDArray[np.uint8] | Problem:
    """A mask file's pixels, shape (H, W), uint8; or what is wrong with it.

    Args:
        sample_id: The sample that it is for.
        data: The file's bytes.
        size: The image's (height, width): the only size that is accepted.
    """
    problem = _header_problem(sample_id, data, size)
    if problem:
        return problem
    try:
        with Image.open(BytesIO(data), formats=("PNG",)) as image:
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        return _undecodable(sample_id, str(error))


def _header_problem(sample_id: str, data: bytes, size: tuple[int, int]) -> Problem | None:
    if len(data) < 33 or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return _undecodable(sample_id, f"{len(data)} bytes that do not start as a PNG file does")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if (height, width) != size:
        return Problem(
            "wrong_size", sample_id, f"a mask of {size[1]}x{size[0]}, the image's own size", f"{width}x{height}",
            "Resize the prediction to the image before you write it; the truth is never resized.",
        )  # fmt: skip
    if (depth, colour) != (8, 0):
        got = f"{depth}-bit {_COLOURS.get(colour, 'unknown')}"
        return Problem("wrong_mode", sample_id, "an 8-bit grey PNG", got, 'Convert it: image.convert("L").')
    return None


def _undecodable(sample_id: str, got: str) -> Problem:
    return Problem("undecodable", sample_id, "a readable PNG file", got or "none", "Write the mask again.")
