"""Predicted masks that cannot be scored, and PNG files that hold more than pixels."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import numpy as np
import pytest
import small
from PIL import Image, PngImagePlugin

import forgebench
from forgebench.submission import FATAL
from forgebench.submission.predicted import decode_prediction

SHAPE = (20, 30)
HEAT = np.arange(600, dtype=np.uint32).reshape(SHAPE).astype(np.uint8)


def _with_mask(tmp_path, scene, data):
    files = small.files(scene) | {"masks/tampered-a.png": data}
    return forgebench.validate(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)


def _cut(data, end):
    return data[: len(data) + end]


MASKS = {
    "RGB": ("wrong_mode", small.png(HEAT, "RGB"), "8-bit RGB"),
    "RGBA": ("wrong_mode", small.png(HEAT, "RGBA"), "8-bit RGBA"),
    "grey with alpha": ("wrong_mode", small.png(HEAT, "LA"), "8-bit grey with alpha"),
    "palette": ("wrong_mode", small.png(HEAT, "P"), "8-bit palette"),
    "1-bit": ("wrong_mode", small.png(HEAT, "1"), "1-bit grey"),
    "16-bit": ("wrong_mode", small.png(HEAT.astype(np.uint16)), "16-bit grey"),
    "too small": ("wrong_size", small.png(HEAT[:, 1:]), "29x20"),
    "turned": ("wrong_size", small.png(np.ascontiguousarray(HEAT.T)), "20x30"),
    "header of a giant": (
        "wrong_size", small.raw_png(HEAT, head=small.header(2**31 - 1, 2**31 - 1)), "2147483647x2147483647"
    ),
    "header of nothing": ("wrong_size", small.raw_png(HEAT, head=small.header(0, 0)), "0x0"),
    "empty": ("undecodable", b"", "0 bytes"),
    "text": ("undecodable", b"score,0.5" * 10, "do not start"),
    "signature alone": ("undecodable", b"\x89PNG\r\n\x1a\n", "8 bytes"),
    "a JPEG": ("undecodable", b"\xff\xd8\xff\xe0" + b"\0" * 90, "do not start"),
    "cut at the end": ("undecodable", _cut(small.png(HEAT), -4), "cut short"),
    "cut in the pixels": ("undecodable", _cut(small.png(HEAT), -60), "cut short"),
    "no pixels": ("undecodable", b"\x89PNG\r\n\x1a\n" + small.header(*SHAPE) + small.chunk(b"IEND"), "fewer pixels"),
    "half the rows": ("undecodable", small.raw_png(HEAT, rows=10), "fewer pixels"),
    "one row short": ("undecodable", small.raw_png(HEAT, rows=19), "fewer pixels"),
    "a bit flipped": ("undecodable", bytes(b ^ (i == 70) for i, b in enumerate(small.png(HEAT))), "damaged"),
    "header checksum": ("undecodable", bytes(b ^ (i == 31) for i, b in enumerate(small.png(HEAT))), "damaged"),
    "interlace method 7": ("undecodable", small.raw_png(HEAT, head=small.header(*SHAPE, interlace=7)), "0, 0, 7"),
    "a second header": ("undecodable", small.raw_png(HEAT, before=small.header(20, 10)), "second header"),
    "a second header in colour": ("undecodable", small.raw_png(HEAT, before=small.header(*SHAPE, colour=2)), "second"),
    "a second header of a giant": ("undecodable", small.raw_png(HEAT, before=small.header(30000, 30000)), "second"),
    "pixels that do not unpack": (
        "undecodable",
        b"\x89PNG\r\n\x1a\n" + small.header(*SHAPE) + small.chunk(b"IDAT", b"x" * 99) + small.chunk(b"IEND"),
        "pixels that do not unpack",
    ),
    "an unknown filter": (
        "undecodable",
        b"\x89PNG\r\n\x1a\n" + small.header(*SHAPE) + small.chunk(b"IDAT", zlib.compress(b"\x09" * 620))
        + small.chunk(b"IEND"),
        "unrecognized",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_that_cannot_be_scored(tmp_path, scene, name):
    code, data, got = MASKS[name]
    (problem,) = _with_mask(tmp_path, scene, data)
    assert (problem.code, problem.sample_id) == (code, "tampered-a")
    assert got in problem.got
    assert problem.fix
    assert code not in FATAL


def _text_bomb() -> bytes:
    return small.chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 50_000_000))


def _animation() -> bytes:
    return small.chunk(b"acTL", b"\0\0\0\x02\0\0\0\0") + small.chunk(b"fcTL", b"\0" * 26)


HARMLESS = {
    "interlaced": lambda: small.interlaced_png(HEAT),
    "interlaced, one column": lambda: small.interlaced_png(HEAT[:, :1]),
    "text that unpacks to 50 MB": lambda: small.raw_png(HEAT, before=_text_bomb()),
    "a profile that unpacks to 50 MB": lambda: small.raw_png(
        HEAT, before=small.chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 50_000_000))
    ),
    "an animation": lambda: small.raw_png(HEAT, before=_animation()),
    "a broken animation": lambda: small.raw_png(HEAT, before=small.chunk(b"acTL", b"\0" * 8)),
    "a transparent grey": lambda: small.raw_png(HEAT, before=small.chunk(b"tRNS", b"\0\x05")),
    "a palette that grey has no use for": lambda: small.raw_png(HEAT, before=small.chunk(b"PLTE", b"\xff" * 768)),
    "something after the end": lambda: small.png(HEAT) + b"more",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_else_a_png_may_hold_never_reaches_the_decoder(name):
    data = HARMLESS[name]()
    wanted = HEAT[:, :1] if "one column" in name else HEAT
    tracemalloc.start()
    found = decode_prediction("s", data, wanted.shape)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, np.ndarray)
    assert (found == wanted).all()
    assert found.dtype == np.uint8
    assert peak < 3 * len(data) + 200_000


@pytest.mark.parametrize("name", ["header of a giant", "a second header of a giant", "too small", "half the rows"])
def test_a_wrong_header_is_never_decoded(name, monkeypatch):
    def decode(*_args, **_options):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image, "open", decode)
    monkeypatch.setattr(PngImagePlugin, "PngImageFile", decode)
    assert decode_prediction("s", MASKS[name][1], SHAPE).code == MASKS[name][0]
    with pytest.raises(AssertionError, match="decoded"):
        decode_prediction("s", small.png(HEAT), SHAPE)


def test_pixels_that_unpack_to_gigabytes_are_cut_off():
    """A stream of zeros a hundred thousand times the image's size: no more of it is unpacked than is needed."""
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(bytes(2**20)) for _ in range(60)) + packer.flush()
    data = b"\x89PNG\r\n\x1a\n" + small.header(*SHAPE) + small.chunk(b"IDAT", stream) + small.chunk(b"IEND")
    tracemalloc.start()
    found = decode_prediction("s", data, SHAPE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found == 0).all()
    assert peak < 1_000_000


def test_a_mask_file_far_larger_than_its_image_is_not_read(tmp_path, scene):
    data = small.raw_png(HEAT, before=small.chunk(b"tEXt", b"a\0" + random.Random(0).randbytes(2**21)))
    (problem,) = _with_mask(tmp_path, scene, data)
    assert problem.code == "undecodable"
    assert "more than 1049776" in problem.got
