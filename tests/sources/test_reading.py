"""Bytes into items: sizes, orientations, mask modes, and files that cannot be used."""

from __future__ import annotations

from contextlib import suppress

import datasets
import numpy as np
import pytest
from lookalikes import encoded, photo, put, region
from PIL import Image

from forgebench.errors import Problem
from forgebench.sources import Entry, MaskFile, read
from forgebench.sources.files import UNDECODABLE, files_below, image_size, orient
from forgebench.sources.masks import decode_mask

MASK = region(5)


def tampered(root, image, mask, **how):
    put(root / "image", image)
    put(root / "mask", mask)
    return read(root, Entry("one", "image", "tampered", "g", mask=MaskFile("mask", **how)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255])
def test_the_size_is_the_one_that_datasets_decodes(kind, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(photo(1, 20, 10), kind, exif=exif)
    size, _ = image_size(data)
    assert size == datasets.Image().decode_example({"bytes": data, "path": None}).size
    assert size == ((10, 20) if orientation in (5, 6, 7, 8) else (20, 10))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_turned_as_pillow_turns_the_image(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    stored = region(3, 20, 10)
    data = encoded(stored, "PNG", exif=exif)
    displayed = datasets.Image().decode_example({"bytes": data, "path": None})
    np.testing.assert_array_equal(orient(stored, orientation), np.asarray(displayed) > 127)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_masks_of_every_eight_bit_mode(tmp_path, mode):
    item = tampered(tmp_path, encoded(photo(1), "PNG"), encoded(MASK, "PNG", mode))
    np.testing.assert_array_equal(item.mask, MASK)


def test_alpha_is_no_truth():
    grey = np.zeros((4, 4), np.uint8)
    assert not decode_mask(encoded(grey, "PNG", "RGBA")).any()


def test_masks_are_cut_at_127():
    grey = np.array([[0, 1, 76, 127, 128, 254, 255]], np.uint8)
    assert decode_mask(encoded(grey, "PNG")).tolist() == [[False, False, False, False, True, True, True]]


def test_a_jpeg_mask_is_cut_too(tmp_path):
    item = tampered(tmp_path, encoded(photo(1), "PNG"), encoded(MASK, "JPEG", quality=60))
    assert (item.mask == MASK).mean() > 0.99


@pytest.mark.parametrize("high", [255, 65535])
def test_a_sixteen_bit_mask_is_refused(tmp_path, high):
    deep = MASK.astype(np.uint16) * np.uint16(high)
    problem = tampered(tmp_path, encoded(photo(1), "PNG"), encoded(deep, "PNG"))
    assert isinstance(problem, Problem)
    assert problem.code == "unreadable"
    assert "a mask of mode I;16" in problem.got


def test_a_mask_of_zeros_and_ones_is_refused_with_advice(tmp_path):
    problem = tampered(tmp_path, encoded(photo(1), "PNG"), encoded(MASK.astype(np.uint8), "PNG"))
    assert isinstance(problem, Problem)
    assert problem.code == "empty_mask"
    assert problem.sample_id == "one"
    assert "Save the mask as 0 and 255 (not 0 and 1)" in problem.fix


def test_a_mask_of_another_size_is_refused_outside_the_table(tmp_path):
    problem = tampered(tmp_path, encoded(photo(1), "PNG"), encoded(region(1, 50, 32), "PNG"))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.got) == ("mismatched", "50x32")
    assert "48x32" in problem.expected


def test_a_crop_that_does_not_fit_is_refused(tmp_path):
    mask = encoded(region(1, 60, 32), "PNG")
    problem = tampered(tmp_path, encoded(photo(1), "PNG"), mask, crop=(20, 0))
    assert isinstance(problem, Problem)
    assert problem.code == "mismatched"


def test_a_mended_mask_is_taken_as_it_is(tmp_path):
    item = tampered(tmp_path, encoded(photo(1), "PNG"), encoded(MASK, "PNG"), crop=(20, 0))
    np.testing.assert_array_equal(item.mask, MASK)
    assert item.fixes == ()


def test_a_transposed_mask_without_an_orientation_is_refused(tmp_path):
    problem = tampered(tmp_path, encoded(photo(1), "JPEG"), encoded(MASK.T, "PNG"))
    assert isinstance(problem, Problem)
    assert problem.code == "mismatched"


def broken_tiff():
    """A TIFF whose strip offset is a fraction, for which Pillow raises a TypeError."""
    return encoded(photo(1), "TIFF").replace(b"\x11\x01\x04\x00", b"\x11\x01\x05\x00", 1)


UNUSABLE = {
    "zero bytes": b"",
    "text": b"this is no picture\n",
    "truncated JPEG": encoded(photo(1), "JPEG")[:400],
    "truncated PNG": encoded(photo(1), "PNG")[:900],
    "a web page": b"<!doctype html><html>404</html>",
    "broken TIFF": broken_tiff(),
    "a bomb": encoded(photo(1), "BMP")[:18] + (2**15).to_bytes(4, "little") * 2 + encoded(photo(1), "BMP")[26:],
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_unusable_image_is_a_problem_of_its_sample(tmp_path, what):
    problem = tampered(tmp_path, UNUSABLE[what], encoded(MASK, "PNG"))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.sample_id) == ("unreadable", "one")
    assert problem.got


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_unusable_mask_is_a_problem_of_its_sample(tmp_path, what):
    problem = tampered(tmp_path, encoded(photo(1), "PNG"), UNUSABLE[what])
    assert isinstance(problem, Problem)
    assert (problem.code, problem.expected) == ("unreadable", "an image in mask")


def test_the_broken_tiff_is_what_it_says():
    with pytest.raises(TypeError):
        image_size(UNUSABLE["broken TIFF"])


def test_a_missing_file_and_a_folder_in_its_place_are_problems(tmp_path):
    entry = Entry("one", "image", "authentic", "g")
    assert read(tmp_path, entry).code == "unreadable"
    (tmp_path / "image").mkdir()
    assert read(tmp_path, entry).code == "unreadable"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_damage_never_raises_anything_else(kind):
    rng = np.random.default_rng(0)
    whole = encoded(photo(1, 24, 16), kind)
    for _ in range(300):
        data = bytearray(whole[: int(rng.integers(1, len(whole)))] if rng.random() < 0.3 else whole)
        for _ in range(3):
            data[int(rng.integers(0, min(len(data), 300)))] ^= 1 << int(rng.integers(0, 8))
        for decode in (image_size, decode_mask):
            with suppress(*UNDECODABLE):
                decode(bytes(data))


def test_junk_and_hidden_folders_are_left_out(tmp_path):
    for path in ("a.jpg", "b/c.JPG", "Thumbs.db", "b/.DS_Store", "desktop.ini", "._a.jpg", ".git/x.jpg"):
        put(tmp_path / path, b"")
    assert files_below(tmp_path) == ["a.jpg", "b/c.JPG"]
    assert files_below(tmp_path, "b") == ["b/c.JPG"]
    assert files_below(tmp_path, "none") == []
