"""What each rule takes for tampered, and how a mask of another size is brought onto its image."""

from __future__ import annotations

from io import BytesIO
from typing import get_args

import numpy as np
import pytest
from lookalikes import encoded, forgery, photo
from PIL import Image

from forgebench.sources.files import UNDECODABLE
from forgebench.sources.fitting import changed_pixels, fit_to_change
from forgebench.sources.masks import RuleName, decode_mask, decode_scribble, draw

GREYS = np.array([[0, 1, 2, 10, 11, 127, 128, 191, 192, 255]], np.uint8)
EXPECTED = {
    "above_127": 128, "above_0": 1, "above_1": 2, "above_10": 11, "white": 192, "non_zero": 1,
    "transparent_or_white": 255,
}  # fmt: skip
COLOURS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [130, 120, 10]]], np.uint8)


@pytest.mark.parametrize("rule", EXPECTED)
def test_the_least_grey_that_is_tampered(rule):
    np.testing.assert_array_equal(decode_mask(encoded(GREYS, "PNG"), rule), EXPECTED[rule] <= GREYS)


def test_below_128_is_the_complement():
    data = encoded(GREYS, "PNG")
    np.testing.assert_array_equal(decode_mask(data, "below_128"), ~decode_mask(data, "above_127"))


def test_classes_by_colour():
    data = encoded(COLOURS, "PNG")
    assert decode_mask(data, "red").tolist() == [[True, False, False, False, False, True]]
    assert decode_mask(data, "green").tolist() == [[False, True, False, False, False, False]]


def test_green_is_filled_and_the_hole_in_a_ring_too():
    pixels = np.full((12, 12, 3), (200, 0, 0), np.uint8)
    pixels[2:10, 2:10] = 0, 200, 0
    expected = pixels[..., 1] == 200
    pixels[4:6, 4:6] = 20, 20, 20
    pixels[0, 0] = 128, 128, 128
    np.testing.assert_array_equal(decode_mask(encoded(pixels, "PNG"), "green_filled"), expected)


def test_green_on_the_border_alone_is_a_frame():
    pixels = np.full((12, 16, 3), (0, 0, 255), np.uint8)
    pixels[0], pixels[:, -1], pixels[2:9, 0:5] = (0, 255, 0), (0, 255, 0), (0, 255, 0)
    pixels[1, :] = 0, 0, 255
    expected = np.zeros((12, 16), bool)
    expected[2:9, 0:5] = True
    np.testing.assert_array_equal(decode_mask(encoded(pixels, "PNG"), "green_inside"), expected)


def test_palette_indices_not_colours():
    indices = Image.fromarray(np.array([[0, 1, 1, 0]], np.uint8), "L").convert("P")
    indices.putpalette([255, 255, 255, 0, 0, 0] + [9] * 762)
    buffer = BytesIO()
    indices.save(buffer, "PNG")
    assert decode_mask(buffer.getvalue(), "non_zero").tolist() == [[False, True, True, False]]


def test_every_rule_is_tested():
    assert {*EXPECTED, "below_128", "red", "green", "green_inside", "green_filled", "npz"} == set(get_args(RuleName))


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 no archive", encoded(GREYS, "PNG")])
def test_an_archive_that_is_none_is_unreadable(broken):
    with pytest.raises(UNDECODABLE):
        decode_mask(broken, "npz")


@pytest.mark.parametrize(
    "arrays", [{"other": np.zeros((2, 2))}, {"arr_0": np.zeros((2, 2, 2))}, {"arr_0": np.array([{}])}]
)
def test_an_archive_of_something_else_is_unreadable(arrays):
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    with pytest.raises(UNDECODABLE):
        decode_mask(buffer.getvalue(), "npz")


def test_polygons_and_run_lengths_are_drawn_as_one():
    polygon, run = [[2, 2, 6, 2, 6, 6, 2, 6]], {"size": [8, 10], "counts": [8, 8, 64]}
    drawn = draw(f"[{polygon}, {str(run).replace(chr(39), chr(34))}]", 8, 10)
    expected = np.zeros((8, 10), bool)
    expected[2:6, 2:6] = True
    expected[:, 1] = True
    np.testing.assert_array_equal(drawn, expected)


def test_scribbles_are_labels():
    labels = np.array([[0, 1, 2]], np.uint8)
    np.testing.assert_array_equal(decode_scribble(encoded(labels, "PNG")), labels)
    with pytest.raises(ValueError, match="the value 255"):
        decode_scribble(encoded(labels * np.uint8(127) + np.uint8(1), "PNG"))
    np.testing.assert_array_equal(decode_scribble(encoded(labels, "PNG", "RGB")), labels)
    with pytest.raises(ValueError, match="a scribble in colours"):
        decode_scribble(encoded(photo(1), "PNG"))
    with pytest.raises(ValueError, match="a scribble of mode RGBA"):
        decode_scribble(encoded(photo(1), "PNG", "RGBA"))


FITS = {
    "transposed": lambda mask: mask.T,
    "turned left": lambda mask: np.rot90(mask, -1),
    "turned right": np.rot90,
    "transposed along the other diagonal": lambda mask: np.rot90(mask, 2).T,
    "resized (nearest)": lambda mask: mask.repeat(3, axis=0).repeat(2, axis=1),
    "laid on the canvas top, left": lambda mask: mask[:-3, :-5],
    "laid on the canvas bottom, right": lambda mask: mask[3:, 5:],
    "laid on the canvas middle, left": lambda mask: np.pad(mask, ((4, 4), (0, 0))),
}


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("seed", range(5))
def test_a_mask_is_laid_on_what_was_changed(how, seed):
    before, after, _ = forgery(seed, 60, 44)
    mask = np.zeros((44, 60), bool)
    mask[8:20, 10 + seed : 22] = mask[20:30, 12:40] = True
    after = np.where(mask[..., None], before + np.uint8(128), before)
    changed = changed_pixels(encoded(before, "PNG"), encoded(after, "PNG"))
    np.testing.assert_array_equal(changed, mask)
    fitted, words = fit_to_change(FITS[how](mask), changed)
    np.testing.assert_array_equal(fitted, mask)
    assert words.startswith(f"{how}: overlaps")


def test_a_mask_of_something_else_is_not_laid_anywhere():
    before, after, mask = forgery(1)
    changed = changed_pixels(encoded(before, "PNG"), encoded(after, "PNG"))
    assert fit_to_change(np.zeros((16, 24), bool), changed) is None
    assert fit_to_change(~mask.repeat(2, axis=0), changed) is None
    assert changed_pixels(encoded(before[:-1], "PNG"), encoded(after, "PNG")) is None


def test_jpeg_alone_changes_nothing():
    picture = photo(3).astype(np.float32) // 8 + 100
    smooth = picture.astype(np.uint8)
    assert not changed_pixels(encoded(smooth, "PNG"), encoded(smooth, "JPEG", quality=80)).any()
