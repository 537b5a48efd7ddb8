"""Pixel metrics against scikit-learn and brute force, and their undefined cases."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from forgebench.errors import InputError
from forgebench.metrics import pixel_counts, pixel_numbers

IDS = {
    "pixel_f1", "pixel_iou", "pixel_precision", "pixel_recall", "pixel_mcc", "pixel_auc", "pixel_ap",
    "pixel_f1_oracle",
}  # fmt: skip


def _numbers(pred, mask):
    return pixel_numbers(pixel_counts(pred, mask))


def _reference(pred, mask):
    """The same numbers, slowly and by other people's code; both classes must be there."""
    truth, heat = mask.ravel() != 0, pred.ravel()
    called = heat >= 128
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mcc = sk.matthews_corrcoef(truth, called)
    return {
        "pixel_f1": sk.f1_score(truth, called, zero_division=0),
        "pixel_iou": sk.jaccard_score(truth, called, zero_division=0),
        "pixel_precision": sk.precision_score(truth, called) if called.any() else math.nan,
        "pixel_recall": sk.recall_score(truth, called),
        "pixel_mcc": mcc,
        "pixel_auc": sk.roc_auc_score(truth, heat),
        "pixel_ap": sk.average_precision_score(truth, heat),
        "pixel_f1_oracle": max(2 * (truth & (heat >= t)).sum() / (truth.sum() + (heat >= t).sum()) for t in range(256)),
    }


def _case(name):
    rng = np.random.default_rng(11)
    mask = rng.random((23, 31)) < 0.2
    noise = rng.integers(0, 256, mask.shape, np.uint8)
    few = (rng.integers(0, 3, mask.shape) * 100).astype(np.uint8)
    edge = rng.choice(np.array([126, 127, 128, 129], np.uint8), mask.shape)
    big = rng.random((401, 331)) < 0.1
    one = np.zeros((1, 37), bool)
    one[0, 5] = True
    return {
        "noise": (noise, mask),
        "few values": (few, mask),
        "all 0": (np.zeros_like(noise), mask),
        "all 255": (np.full_like(noise, 255), mask),
        "constant 127": (np.full_like(noise, 127), mask),
        "constant 128": (np.full_like(noise, 128), mask),
        "bytes 126 to 129": (edge, mask),
        "binary and right": (mask * np.uint8(255), mask),
        "binary and inverted": (~mask * np.uint8(255), mask),
        "one row": (noise[:1, :37].repeat(2, axis=1)[:, :37], one),
        "one column": (noise[:23, :1], mask[:, :1] | (np.arange(23)[:, None] == 3)),
        "large and odd": (rng.integers(0, 256, big.shape, np.uint8), big),
        "one tampered pixel": (noise, np.arange(mask.size).reshape(mask.shape) == 7),
        "one authentic pixel": (noise, np.arange(mask.size).reshape(mask.shape) != 7),
        "mask of 0 and 255": (noise, mask * np.uint8(255)),
        "mask of 0 and 1": (noise, mask.astype(np.uint8)),
        "mask of 0 and -3, int16": (noise, mask.astype(np.int16) * np.int16(-3)),
        "mask of 0, 128 and 255": (noise, mask * rng.choice(np.array([128, 255], np.uint8), mask.shape)),
        "mask of int64": (noise, mask.astype(np.int64) * 2**40),
        "mask of floats": (noise, mask.astype(np.float32) * 0.25),
        "every other column": (np.repeat(noise, 2, axis=1)[:, ::2], np.repeat(mask, 2, axis=1)[:, ::2]),
        "backwards": (noise[::-1, ::-1], mask[::-1, ::-1]),
        "transposed": (noise.T, mask.T),
        "Fortran order": (np.asfortranarray(noise), mask),
        "read-only": (np.frombuffer(noise.tobytes(), np.uint8).reshape(noise.shape), mask),
    }[name]


CASES = [
    "noise", "few values", "all 0", "all 255", "constant 127", "constant 128", "bytes 126 to 129", "binary and right",
    "binary and inverted", "one row", "one column", "large and odd", "one tampered pixel", "one authentic pixel",
    "mask of 0 and 255", "mask of 0 and 1", "mask of 0 and -3, int16", "mask of 0, 128 and 255", "mask of int64",
    "mask of floats", "every other column", "backwards", "transposed", "Fortran order", "read-only",
]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_equals_scikit_learn(name):
    pred, mask = _case(name)
    assert _numbers(pred, mask) == pytest.approx(_reference(pred, mask), abs=1e-12, nan_ok=True)


@st.composite
def _images(draw):
    size = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    heat = st.sampled_from([0, 1, 50, 127, 128, 200, 254, 255]) | st.integers(0, 255)
    return draw(arrays(np.uint8, size, elements=heat)), draw(arrays(bool, size))


@given(_images())
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
def test_equals_scikit_learn_on_small_images(image):
    pred, mask = image
    found = _numbers(pred, mask)
    assert found.keys() == IDS
    if mask.all() or not mask.any():
        return
    assert found == pytest.approx(_reference(pred, mask), abs=1e-12, nan_ok=True)


@given(_images())
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
def test_counts_are_the_pixels(image):
    pred, mask = image
    counts = pixel_counts(pred, mask)
    tampered, authentic = [0] * 256, [0] * 256
    for byte, truth in zip(pred.flat, mask.flat, strict=True):
        (tampered if truth else authentic)[byte] += 1
    assert counts.tampered.tolist() == tampered
    assert counts.authentic.tolist() == authentic


@given(_images())
@settings(max_examples=40, deadline=None, database=None, derandomize=True)
def test_auc_is_the_share_of_pairs_won(image):
    pred, mask = image
    tampered, authentic = pred[mask].astype(int), pred[~mask].astype(int)
    found = _numbers(pred, mask)["pixel_auc"]
    if not (len(tampered) and len(authentic)):
        assert math.isnan(found)
        return
    gaps = tampered[:, None] - authentic[None]
    assert found == pytest.approx((np.sign(gaps) + 1).mean() / 2, abs=1e-12)


def test_no_tampered_pixel_leaves_everything_undefined():
    numbers = _numbers(np.full((3, 4), 200, np.uint8), np.zeros((3, 4), bool))
    assert numbers.keys() == IDS
    assert all(math.isnan(value) for value in numbers.values())


def test_no_authentic_pixel_leaves_the_curves_and_mcc_undefined():
    numbers = _numbers(np.array([[200, 3]], np.uint8), np.ones((1, 2), bool))
    undefined = {name for name, value in numbers.items() if math.isnan(value)}
    assert undefined == {"pixel_auc", "pixel_ap", "pixel_mcc"}
    assert numbers["pixel_f1"] == pytest.approx(2 / 3)
    assert numbers["pixel_f1_oracle"] == 1


def test_nothing_called_tampered_leaves_precision_alone_undefined():
    numbers = _numbers(np.array([[127, 3]], np.uint8), np.array([[1, 0]]))
    assert {name for name, value in numbers.items() if math.isnan(value)} == {"pixel_precision"}
    assert numbers["pixel_f1"] == numbers["pixel_iou"] == numbers["pixel_recall"] == numbers["pixel_mcc"] == 0


def test_mcc_of_a_constant_prediction_is_zero():
    mask = np.array([[1, 0, 0]])
    for byte in (0, 127, 128, 255):
        assert _numbers(np.full((1, 3), byte, np.uint8), mask)["pixel_mcc"] == 0


@pytest.mark.parametrize(("byte", "called"), [(127, 0.0), (128, 1.0)])
def test_the_threshold_is_byte_128(byte, called):
    assert _numbers(np.array([[byte, 0]], np.uint8), np.array([[1, 0]]))["pixel_recall"] == called


@pytest.mark.parametrize(
    ("pred", "mask"),
    [
        (np.zeros((2, 3), np.float32), np.zeros((2, 3), bool)),
        (np.zeros((2, 3), bool), np.zeros((2, 3), bool)),
        (np.zeros((2, 3), np.int64), np.zeros((2, 3), bool)),
        (np.zeros((2, 3), np.uint8), np.zeros((3, 2), bool)),
        (np.zeros((1, 3), np.uint8), np.zeros((2, 3), bool)),
        (np.zeros((3,), np.uint8), np.zeros((3,), bool)),
        (np.zeros((2, 3, 1), np.uint8), np.zeros((2, 3, 1), bool)),
    ],
)
def test_other_types_and_shapes_are_refused(pred, mask):
    with pytest.raises(InputError, match="uint8 prediction of the mask's shape"):
        pixel_counts(pred, mask)
