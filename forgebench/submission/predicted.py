"""A predicted mask's file into pixels: header first, so that nothing oversized is ever decoded."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from forgebench.errors import Problem

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row and steps of the passes of an interlaced file."""


def most_bytes(size: tuple[int, int]) -> int:
    """The largest mask file that is read for an image of this (height, width): twice its pixels, and 1 MiB."""
    return 2 * size[0] * size[1] + 2**20


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
        with Image.open(BytesIO(_bare(data, size)), formats=("PNG",)) as image:
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        return _undecodable(sample_id, str(error))


def _header_problem(sample_id: str, data: bytes, size: tuple[int, int]) -> Problem | None:
    if len(data) < _HEADER_END or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return _undecodable(sample_id, f"{len(data)} bytes that do not start as a PNG file does")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if (height, width) != size:
        return Problem(
            "wrong_size", sample_id, f"a mask of {size[1]}x{size[0]}, the image's own size", f"{width}x{height}",
            "Resize the prediction to the image before you write it; the truth is never resized.",
        )  # fmt: skip
    if (depth, colour) != (8, 0):
        got = f"{depth}-bit {_COLOURS.get(colour, 'unknown')}"
        return Problem("wrong_mode", sample_id, "an 8-bit grey PNG", got, 'Convert it: image.convert("L").')
    if (compression, filtering) != (0, 0) or interlace > 1:
        return _undecodable(sample_id, f"a header with methods {compression}, {filtering}, {interlace}")
    return None


def _bare(data: bytes, size: tuple[int, int]) -> bytes:
    """The file with its header, pixels and end alone, all of them checked.

    What else a PNG file may hold (a second header, an animation, text that unpacks to gigabytes) never reaches the
    decoder, which would also paint missing rows black.
    """
    end, pixels = len(_SIGNATURE), []
    kind = b""
    while kind != b"IEND":
        start = end
        length, kind = struct.unpack(">I4s", data[start : start + 8].ljust(8, b"\0"))
        end = start + 12 + length
        if end > len(data) or isal_zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise ValueError(f"a file that is cut short or damaged at byte {start}")
        if kind == b"IDAT":
            pixels.append(data[start + 8 : end - 4])
        elif kind == b"IHDR" and end != _HEADER_END:
            raise ValueError(f"a second header at byte {start}")
    stream = b"".join(pixels)
    expected = _unpacked_length(size, interlaced=data[28] == 1)
    if _unpacked(stream, expected) < expected:
        raise ValueError("fewer pixels than its header says")
    return data[:_HEADER_END] + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def _unpacked(stream: bytes, most: int) -> int:
    """How many bytes a stream unpacks to, at most so many."""
    try:
        return len(isal_zlib.decompressobj().decompress(stream, most))
    except isal_zlib.IsalError as error:  # type: ignore[misc]
        raise ValueError(f"pixels that do not unpack: {error}") from error


def _unpacked_length(size: tuple[int, int], *, interlaced: bool) -> int:
    """Bytes of the rows, each with the byte that names its filter."""
    height, width = size
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    shapes = ((len(range(y, height, rows)), len(range(x, width, columns))) for x, y, columns, rows in passes)
    return sum(rows * (columns + 1) for rows, columns in shapes if columns)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", isal_zlib.crc32(kind + body))


def _undecodable(sample_id: str, got: str) -> Problem:
    return Problem("undecodable", sample_id, "a readable PNG file", got or "none", "Write the mask again.")
