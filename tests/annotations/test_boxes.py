"""Boxes against a brute-force reference, and loosened boxes."""

from __future__ import annotations

from itertools import combinations
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from forgebench.annotations import boxes_from_mask, loosen
from forgebench.errors import InputError

SIDE = 64


@st.composite
def masks(draw):
    """Up to six rectangles, up to forty specks, or noise, on a canvas large enough to have specks."""
    height, width = draw(st.integers(1, SIDE)), draw(st.integers(1, SIDE))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 6))):
        y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        mask[y : y + draw(st.integers(1, 20)), x : x + draw(st.integers(1, 20))] = True
    for _ in range(draw(st.integers(0, 40))):
        mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    return mask


def kept_components(mask):
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    parts = [labels == i for i in range(1, count + 1)]
    largest = max((part.sum() for part in parts), default=0)
    return [part for part in parts if part.sum() >= 0.001 * mask.size or part.sum() == largest]


def reference(mask):
    """Corners of each component; any two boxes under 3 % of the diagonal apart are replaced by one, until none are."""
    boxes = []
    for part in kept_components(mask):
        ys, xs = part.nonzero()
        boxes.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    while near := next((pair for pair in combinations(boxes, 2) if apart(*pair) < 0.03 * hypot(*mask.shape)), None):
        boxes = [box for box in boxes if box not in near]
        (a, b, c, d), (e, f, g, h) = near
        boxes.append((min(a, e), min(b, f), max(c, g), max(d, h)))
    return sorted([float(x), float(y), float(x1 - x), float(y1 - y)] for x, y, x1, y1 in boxes)


def apart(a, b):
    across = max(a[0], b[0]) - min(a[2], b[2])
    down = max(a[1], b[1]) - min(a[3], b[3])
    return hypot(max(across, 0), max(down, 0))


@settings(max_examples=300, deadline=None)
@given(masks())
def test_boxes_equal_the_brute_force_reference(mask):
    assert boxes_from_mask(mask) == reference(mask)


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_boxes_of_noise_equal_the_reference(mask):
    assert boxes_from_mask(mask) == reference(mask)


@settings(max_examples=150, deadline=None)
@given(masks())
def test_boxes_lie_inside_cover_every_kept_pixel_and_are_tight(mask):
    kept = np.any([np.zeros_like(mask), *kept_components(mask)], axis=0)
    covered = np.zeros_like(mask)
    for box in boxes_from_mask(mask):
        x, y, width, height = map(int, box)
        assert x >= 0
        assert y >= 0
        assert x + width <= mask.shape[1]
        assert y + height <= mask.shape[0]
        inside = kept[y : y + height, x : x + width]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
        covered[y : y + height, x : x + width] = True
    assert not (kept & ~covered).any()
    assert bool(boxes_from_mask(mask)) == bool(mask.any())


@settings(max_examples=150, deadline=None)
@given(masks())
def test_flips_and_transposition_commute(mask):
    height, width = mask.shape
    boxes = boxes_from_mask(mask)
    assert boxes_from_mask(mask[:, ::-1]) == sorted([width - x - w, y, w, h] for x, y, w, h in boxes)
    assert boxes_from_mask(mask[::-1]) == sorted([x, height - y - h, w, h] for x, y, w, h in boxes)
    assert boxes_from_mask(mask.T) == sorted([y, x, h, w] for x, y, w, h in boxes)


def test_specks_are_left_out_unless_they_are_the_largest():
    mask = np.zeros((100, 100), bool)
    mask[80, 80:89] = True
    assert boxes_from_mask(mask) == [[80, 80, 9, 1]]
    mask[10:20, 10:20] = True
    assert boxes_from_mask(mask) == [[10, 10, 10, 10]]
    mask[80, 89] = True
    assert boxes_from_mask(mask) == [[10, 10, 10, 10], [80, 80, 10, 1]]


def test_equal_specks_are_all_kept():
    mask = np.zeros((100, 100), bool)
    mask[10, 10] = mask[80, 80] = True
    assert boxes_from_mask(mask) == [[10, 10, 1, 1], [80, 80, 1, 1]]


def test_boxes_merge_below_three_per_cent_of_the_diagonal_and_in_chains():
    mask = np.zeros((300, 400), bool)
    for left in (0, 24, 48):
        mask[:10, left : left + 10] = True
    assert boxes_from_mask(mask) == [[0, 0, 58, 10]]
    apart_by_15 = np.zeros((300, 400), bool)
    apart_by_15[:10, :10] = apart_by_15[:10, 25:35] = True
    assert boxes_from_mask(apart_by_15) == [[0, 0, 10, 10], [25, 0, 10, 10]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (30, 40)])
def test_a_full_mask_is_one_box(shape):
    assert boxes_from_mask(np.ones(shape, bool)) == [[0, 0, shape[1], shape[0]]]


def test_an_empty_mask_has_no_box():
    assert boxes_from_mask(np.zeros((5, 5), bool)) == []


BOXES = st.lists(
    st.tuples(st.floats(0, 90), st.floats(0, 40), st.floats(0.5, 10), st.floats(0.5, 10)).map(list), max_size=5
)


@settings(deadline=None)
@given(BOXES, st.floats(0, 3), st.integers(0, 99))
def test_loosened_boxes_hold_the_originals_and_stay_inside(boxes, ratio, seed):
    loose = loosen(boxes, ratio, seed, width=100, height=50)
    assert len(loose) == len(boxes)
    for (x, y, w, h), (lx, ly, lw, lh) in zip(boxes, loose, strict=True):
        assert 0 <= lx <= x
        assert 0 <= ly <= y
        assert lx + lw >= x + w - 1e-9
        assert ly + lh >= y + h - 1e-9
        assert lx + lw <= 100 + 1e-9
        assert ly + lh <= 50 + 1e-9
        assert lw <= (1 + 2 * ratio) * w + 1e-9
        assert lh <= (1 + 2 * ratio) * h + 1e-9


def test_loosening_follows_the_seed_alone():
    boxes = [[10.0, 10.0, 20.0, 5.0], [60.0, 20.0, 8.0, 8.0]]

    def loose(seed):
        return loosen(boxes, 0.15, seed, width=100, height=50)

    assert loose(1) == loose(1)
    assert loose(1) != loose(2)
    assert loose(1) != boxes
    assert loosen(boxes[:1], 0.15, 1, width=100, height=50) == loose(1)[:1]


def test_ratio_zero_changes_nothing():
    assert loosen([[3.5, 4.0, 5.0, 6.0]], 0, 7, width=100, height=50) == [[3.5, 4.0, 5.0, 6.0]]


@pytest.mark.parametrize("ratio", [-0.01, float("nan"), float("inf")])
def test_a_ratio_that_is_no_share_is_refused(ratio):
    with pytest.raises(InputError, match="ratio of 0 or more"):
        loosen([[1, 1, 2, 2]], ratio, 0, width=9, height=9)
