"""Scribbles: values, places, seeds, widths and coverage."""

from __future__ import annotations

from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.morphology import skeletonize

from forgebench.annotations import AUTHENTIC, TAMPERED, UNLABELLED, boxes_from_mask, scribble_from_mask

HEIGHT, WIDTH = 256, 384
SHAPES = {
    "ellipse": lambda draw: draw.ellipse([60, 50, 200, 160], fill=1),
    "disc": lambda draw: draw.ellipse([100, 60, 220, 180], fill=1),
    "square": lambda draw: draw.rectangle([100, 60, 200, 160], fill=1),
    "triangle": lambda draw: draw.polygon([(50, 200), (150, 30), (250, 210)], fill=1),
    "bar": lambda draw: draw.line([40, 40, 300, 200], fill=1, width=30),
    "two": lambda draw: (draw.ellipse([20, 20, 110, 110], fill=1), draw.rectangle([250, 120, 350, 220], fill=1)),
}


def drawn(shape, height=HEIGHT, width=WIDTH):
    canvas = Image.new("L", (width, height))
    SHAPES[shape](ImageDraw.Draw(canvas))
    return np.asarray(canvas) > 0


def check_classes(mask, scribble):
    assert scribble.dtype == np.uint8
    assert scribble.shape == mask.shape
    assert set(np.unique(scribble)) <= {UNLABELLED, TAMPERED, AUTHENTIC}
    assert not (scribble[~mask] == TAMPERED).any()
    assert not (scribble[mask] == AUTHENTIC).any()
    assert (scribble == TAMPERED).any() == mask.any()


def width_of(stroke):
    """A stroke's width in pixels: twice the depth along its middle."""
    return 2 * np.median(ndimage.distance_transform_edt(stroke)[skeletonize(stroke)])


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)), st.text("abc", max_size=3))
def test_strokes_stay_in_their_class_on_any_mask(mask, sample_id):
    check_classes(mask, scribble_from_mask(mask, sample_id))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10**6))
def test_strokes_stay_in_their_class_on_blobs(height, width, seed):
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(height, width)), 8)
    mask = noise > np.quantile(noise, rng.uniform(0, 1))
    check_classes(mask, scribble_from_mask(mask, str(seed)))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_counted_component_has_a_stroke(shape):
    mask = drawn(shape)
    scribble = scribble_from_mask(mask, shape)
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    assert all((scribble[labels == i] == TAMPERED).any() for i in range(1, count + 1))
    assert len(boxes_from_mask(mask)) == count


@pytest.mark.parametrize("shape", SHAPES)
def test_width_and_coverage_are_those_documented(shape):
    mask = drawn(shape)
    stroke = 0.015 * WIDTH
    tampered, authentic = [], []
    for sample_id in map(str, range(20)):
        scribble = scribble_from_mask(mask, sample_id)
        for value, shares in ((TAMPERED, tampered), (AUTHENTIC, authentic)):
            assert 0.7 * stroke <= width_of(scribble == value) <= 1.4 * stroke
            shares.append((scribble == value).mean())
    assert 0.002 <= np.median(tampered) <= 0.03
    assert max(tampered) <= 0.03
    assert 0.008 <= np.median(authentic) <= 0.018
    assert max(authentic) <= 0.02


@pytest.mark.parametrize("shape", ["disc", "square", "bar"])
def test_the_tampered_stroke_runs_through_much_of_the_shape(shape):
    mask = drawn(shape)
    ys, xs = mask.nonzero()
    for sample_id in map(str, range(10)):
        stroke_ys, stroke_xs = (scribble_from_mask(mask, sample_id) == TAMPERED).nonzero()
        length = hypot(np.ptp(stroke_ys), np.ptp(stroke_xs))
        assert length >= 0.3 * hypot(np.ptp(ys), np.ptp(xs)) / np.sqrt(2)


@pytest.mark.parametrize("thickness", [1, 2, 4, 30])
def test_the_authentic_stroke_keeps_its_distance_even_from_thin_lines(thickness):
    height, width = 600, 900
    diagonal = hypot(height, width)
    # The centre line keeps 3 % of the diagonal on a grid of blocks; half the stroke's width comes off that.
    least = 0.03 * diagonal - 0.0075 * width - 1.5 * np.ceil(width / 96)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        ends = [float(v) for v in rng.uniform(0, 1, 4) * [width, height, width, height]]
        canvas = Image.new("L", (width, height))
        ImageDraw.Draw(canvas).line(ends, fill=1, width=thickness)
        mask = np.asarray(canvas) > 0
        scribble = scribble_from_mask(mask, str(seed))
        check_classes(mask, scribble)
        assert ndimage.distance_transform_edt(~mask)[scribble == AUTHENTIC].min() >= least
        assert (scribble == TAMPERED).sum() >= 0.3 * mask.sum() / max(1, thickness / 10)


def test_the_same_name_gives_the_same_bytes_and_another_name_others():
    mask = drawn("ellipse")
    first, again, other = (scribble_from_mask(mask, name) for name in ("a", "a", "b"))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_an_authentic_image_has_an_authentic_stroke_alone():
    scribble = scribble_from_mask(np.zeros((HEIGHT, WIDTH), bool), "a")
    assert set(np.unique(scribble)) == {UNLABELLED, AUTHENTIC}
    assert 0.008 <= (scribble == AUTHENTIC).mean() <= 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (200, 300)])
def test_a_full_mask_has_a_tampered_stroke_alone(shape):
    scribble = scribble_from_mask(np.ones(shape, bool), "a")
    assert (scribble == TAMPERED).any()
    assert not (scribble == AUTHENTIC).any()


def test_a_single_authentic_pixel_is_no_reason_to_fail():
    assert scribble_from_mask(np.zeros((1, 1), bool), "a").tolist() == [[AUTHENTIC]]


@pytest.mark.parametrize("border", [4, 8, 12])
def test_a_narrow_authentic_border_still_gets_a_stroke(border):
    mask = np.zeros((500, 700), bool)
    mask[border:-border, border:-border] = True
    found = [(scribble_from_mask(mask, str(i)) == AUTHENTIC).any() for i in range(10)]
    assert sum(found) >= 8


def test_real_masks(shared_data):
    files = sorted((shared_data / "CASIA1" / "CASIA 1.0 groundtruth").glob("*/*_gt.png"))[::23]
    assert len(files) == 40
    shares = []
    for file in files:
        mask = np.asarray(Image.open(file).convert("L")) > 127
        scribble = scribble_from_mask(mask, file.stem)
        check_classes(mask, scribble)
        shares.append([(scribble == value).mean() for value in (TAMPERED, AUTHENTIC)])
    tampered, authentic = np.median(shares, axis=0)
    assert 0.003 <= tampered <= 0.02
    assert 0.012 <= authentic <= 0.018
