"""Boundary counts against brute force, scipy's exact distances, and the published algorithm of boundary IoU."""

from __future__ import annotations

from dataclasses import fields
from math import hypot, isnan

import cv2
import numpy as np
import pytest
from counts import count
from scipy import ndimage
from sklearn.metrics import f1_score

from forgebench.errors import InputError
from forgebench.metrics.boundary import (
    WIDTHS,
    BoundaryCounts,
    Width,
    boundary_counts,
    boundary_f,
    boundary_iou,
    f1_without_band,
)

NAMES = [field.name for field in fields(BoundaryCounts)]
FEW = [Width(f"{px}px", px=px) for px in (1, 2, 3, 5)]


def _heat(called):
    return np.where(called, 128, 127).astype(np.uint8)


def _blobs(rng, size, share=0.2):
    smooth = ndimage.gaussian_filter(rng.standard_normal(size), max(size) / 12)
    return smooth > np.quantile(smooth, 1 - share)


def _pairs(seed):
    """Masks of all sorts: noise, blobs, cut off by the image, empty, full, one pixel high."""
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 14)), int(rng.integers(1, 14)))
    kinds = [
        np.zeros(size, bool), np.ones(size, bool), rng.random(size) < 0.5, rng.random(size) < 0.05,
        _blobs(rng, size, 0.4), np.indices(size).sum(axis=0) % 2 == 0,
    ]  # fmt: skip
    return [(called, truth) for called in kinds for truth in kinds]


def _is_contour(mask, y, x):
    around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    inside = [0 <= v < mask.shape[0] and 0 <= u < mask.shape[1] and mask[v, u] for v, u in around]
    return bool(mask[y, x]) and not all(inside)


def _brute_force(called, truth, d):
    """The counts at one width, from every pair of pixels."""
    places = list(np.ndindex(truth.shape))
    pred_line, truth_line = ([p for p in places if _is_contour(mask, *p)] for mask in (called, truth))

    def near(p, line):
        return any(hypot(p[0] - q[0], p[1] - q[1]) <= d for q in line)

    def in_band(mask, p):
        window = np.pad(mask, d)[p[0] : p[0] + 2 * d + 1, p[1] : p[1] + 2 * d + 1]
        return bool(mask[p]) and not window.all()

    beyond = [p for p in places if not near(p, truth_line)]
    bands = [(in_band(called, p), in_band(truth, p)) for p in places]
    return {
        "contour_pred": len(pred_line), "contour_truth": len(truth_line),
        "matched_pred": sum(near(p, truth_line) for p in pred_line),
        "matched_truth": sum(near(p, pred_line) for p in truth_line),
        "band_intersection": sum(a and b for a, b in bands), "band_union": sum(a or b for a, b in bands),
        "tp_beyond": sum(called[p] and truth[p] for p in beyond),
        "fp_beyond": sum(called[p] and not truth[p] for p in beyond),
        "fn_beyond": sum(truth[p] and not called[p] for p in beyond),
    }  # fmt: skip


@pytest.mark.soak
def test_counts_equal_brute_force():
    for seed in range(count(3, 60)):
        for called, truth in _pairs(seed):
            counts = boundary_counts(_heat(called), truth, FEW)
            for k, width in enumerate(FEW):
                expected = _brute_force(called, truth, width.px)
                found = {name: int(np.broadcast_to(getattr(counts, name), len(FEW))[k]) for name in NAMES}
                assert found == expected, (seed, width)


def _published(mask, share):
    """Cheng et al.'s band: a ring of zeros, then round(share * diagonal) erosions by a 3×3 square."""
    height, width = mask.shape
    times = max(1, int(round(share * np.sqrt(height**2 + width**2))))  # noqa: RUF046
    ringed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(ringed, np.ones((3, 3), np.uint8), iterations=times)[1:-1, 1:-1]
    return mask & ~eroded.astype(bool)


@pytest.mark.parametrize("size", [(60, 90), (301, 173), (512, 512)])
def test_boundary_iou_is_the_published_one(size):
    rng = np.random.default_rng(sum(size))
    for share in (0.05, 0.4, 0.9):
        truth = _blobs(rng, size, share)
        for called in (np.roll(truth, 7, axis=1), rng.random(size) < 0.9, truth):
            found = boundary_iou(boundary_counts(_heat(called), truth))
            for width, value in zip(WIDTHS, found, strict=True):
                if width.share:
                    a, b = (_published(mask, width.share) for mask in (called, truth))
                    assert value == (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("size", [(600, 400), (173, 1200)])
def test_distances_are_exact_at_full_size(size):
    """Single precision loses nothing: the same as scipy's exact transform of whole numbers."""
    rng = np.random.default_rng(size[0])
    truth, called = _blobs(rng, size), _blobs(rng, size, 0.3)
    counts = boundary_counts(_heat(called), truth)
    cross = ndimage.generate_binary_structure(2, 1)
    lines = [mask & ~ndimage.binary_erosion(mask, cross) for mask in (called, truth)]
    to_pred, to_truth = (np.rint(ndimage.distance_transform_edt(~line) ** 2) for line in lines)
    for k, width in enumerate(WIDTHS):
        d = width.pixels(size)
        assert counts.matched_pred[k] == (lines[0] & (to_truth <= d * d)).sum()
        assert counts.matched_truth[k] == (lines[1] & (to_pred <= d * d)).sum()
        left = to_truth > d * d
        expected = f1_score(truth[left], called[left])
        assert f1_without_band(counts)[k] == pytest.approx(expected, abs=1e-15)


def _square(y, x, side, size=(60, 60)):
    mask = np.zeros(size, bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_a_square_moved_by_two():
    """By hand: of the 36 pixels of its contour, 10 on one side and 6 on the other are at distance 2."""
    truth, called = _square(20, 20, 10), _square(20, 22, 10)
    counts = boundary_counts(_heat(called), truth, FEW)
    assert (int(counts.contour_truth), int(counts.contour_pred)) == (36, 36)
    assert counts.matched_truth.tolist() == counts.matched_pred.tolist() == [20, 36, 36, 36]
    assert boundary_f(counts).tolist() == [20 / 36, 1.0, 1.0, 1.0]
    assert (counts.band_intersection[0], counts.band_union[0]) == (2 * 8, 2 * 36 - 2 * 8)


def test_the_image_border_is_contour():
    counts = boundary_counts(np.full((10, 12), 255, np.uint8), np.ones((10, 12), bool), FEW)
    assert int(counts.contour_truth) == 2 * (10 + 12) - 4
    assert boundary_f(counts).tolist() == boundary_iou(counts).tolist() == [1.0] * 4


def test_undefined_and_worst():
    truth, none = _square(5, 5, 20), np.zeros((60, 60), bool)
    silent = boundary_counts(_heat(none), truth)
    assert boundary_f(silent).tolist() == boundary_iou(silent).tolist() == [0.0] * len(WIDTHS)
    assert f1_without_band(silent).tolist() == [0.0] * len(WIDTHS)
    elsewhere = boundary_counts(_heat(_square(40, 40, 10)), truth)
    assert boundary_f(elsewhere).tolist() == [0.0] * len(WIDTHS)
    for called in (none, truth):
        authentic = boundary_counts(_heat(called), none)
        assert authentic.fp_beyond.tolist() == [called.sum()] * len(WIDTHS)
        for number in (boundary_f, boundary_iou, f1_without_band):
            assert all(isnan(value) for value in number(authentic))


def test_no_tampered_pixel_left_is_undefined():
    """A region as thin as the band has no pixel beyond it: no F1, not a bad one."""
    counts = boundary_counts(_heat(_square(20, 20, 3)), _square(20, 20, 3), FEW)
    assert [isnan(value) for value in f1_without_band(counts)] == [True] * 4
    wide = boundary_counts(_heat(_square(20, 20, 9)), _square(20, 20, 9), FEW)
    assert [isnan(value) for value in f1_without_band(wide)] == [False, False, False, True]


def test_what_must_hold_of_all():
    for seed in range(20):
        for called, truth in _pairs(100 + seed):
            counts, turned = (boundary_counts(_heat(a), b, FEW) for a, b in ((called, truth), (truth, called)))
            swapped = [counts.contour_truth, counts.contour_pred, counts.matched_truth, counts.matched_pred]
            assert all((a == b).all() for a, b in zip(swapped, vars(turned).values(), strict=False))
            assert (counts.band_union == turned.band_union).all()
            if called.any() and truth.any():
                assert np.array_equal(boundary_f(counts), boundary_f(turned))
                assert np.array_equal(boundary_iou(counts), boundary_iou(turned))
            if truth.any():
                assert ((boundary_f(counts) >= 0) & (boundary_f(counts) <= 1)).all()
                assert (np.diff(boundary_f(counts)) >= 0).all()
                assert (boundary_f(boundary_counts(_heat(truth), truth, FEW)) == 1).all()
            for name in ("tp_beyond", "fp_beyond", "fn_beyond"):
                assert (np.diff(getattr(counts, name)) <= 0).all()


def test_many_images_at_once():
    """Numbers of stacked columns are those of each image."""
    alone = [boundary_counts(_heat(called), truth) for called, truth in _pairs(3)]
    stacked = BoundaryCounts(*(np.stack([getattr(one, name) for one in alone]) for name in NAMES))
    for number in (boundary_f, boundary_iou, f1_without_band):
        found = number(stacked)
        assert found.shape == (len(alone), len(WIDTHS))
        assert np.array_equal(found, np.stack([number(one) for one in alone]), equal_nan=True)


def test_widths():
    assert len({width.name for width in WIDTHS}) == len(WIDTHS)
    sizes = {width.name: width.pixels((512, 512)) for width in WIDTHS}
    assert sizes == {"0.5%": 4, "1%": 7, "2%": 14, "4%": 29, "1px": 1, "3px": 3, "5px": 5}
    assert [width.pixels((3, 4)) for width in WIDTHS if width.share] == [1, 1, 1, 1]
    assert Width("half", share=0.5).pixels((3, 4)) == 2, "2.5 rounds to even"


@pytest.mark.parametrize(
    ("pred", "mask"),
    [
        (np.zeros((3, 4), float), np.zeros((3, 4))),
        (np.zeros((3, 4), np.uint8), np.zeros((4, 3))),
        (np.zeros((3, 4, 1), np.uint8), np.zeros((3, 4, 1))),
    ],
)
def test_refused(pred, mask):
    with pytest.raises(InputError, match="uint8 prediction of the mask's shape"):
        boundary_counts(pred, mask)
