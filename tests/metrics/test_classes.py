"""Three-class detection against scikit-learn, brute force and cases by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from forgebench.metrics.classes import (
    CLASSES,
    called_classes,
    class_cells,
    class_counts,
    class_numbers,
    truth_classes,
)


def _counts(truth, called, valid=None, weights=None):
    truth, called = np.array(truth, int), np.array(called, int)
    valid = np.ones(len(truth), bool) if valid is None else np.array(valid, bool)
    weights = np.ones((1, len(truth))) if weights is None else np.array(weights)
    return class_counts(class_cells(truth, called, valid), weights)


def _numbers(*args, **options):
    return {name: float(values[0]) for name, values in class_numbers(_counts(*args, **options)).items()}


_pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), min_size=1, max_size=40)


@given(_pairs)
@settings(max_examples=150, deadline=None, database=None, derandomize=True)
def test_equals_scikit_learn(rows):
    truth, called, _ = (np.array(column) for column in zip(*rows, strict=True))
    counts = _counts(truth, called)
    assert (counts[0, :, :3] == sk.confusion_matrix(truth, called, labels=[0, 1, 2])).all()
    assert not counts[0, :, 3].any()
    numbers = _numbers(truth, called)
    assert numbers["class_accuracy"] == pytest.approx(sk.accuracy_score(truth, called))
    f1 = sk.f1_score(truth, called, labels=[0, 1, 2], average=None, zero_division=0)
    recall = sk.recall_score(truth, called, labels=[0, 1, 2], average=None, zero_division=0)
    for index, name in enumerate(CLASSES):
        there = index in truth
        assert numbers[f"class_f1_{name}"] == pytest.approx(f1[index] if there else math.nan, nan_ok=True)
        assert numbers[f"class_accuracy_{name}"] == pytest.approx(recall[index] if there else math.nan, nan_ok=True)
    complete = set(truth) == {0, 1, 2}
    macro = sk.f1_score(truth, called, average="macro", zero_division=0)
    balanced = sk.balanced_accuracy_score(truth, called) if complete else math.nan
    assert numbers["class_macro_f1"] == pytest.approx(macro if complete else math.nan, nan_ok=True)
    assert numbers["class_macro_accuracy"] == pytest.approx(balanced, nan_ok=True)


@given(_pairs)
@settings(max_examples=150, deadline=None, database=None, derandomize=True)
def test_an_invalid_prediction_is_as_wrong_as_it_can_be_for_every_number(rows):
    """For the F1 of a class, the worst that an image of another class can be called is that class."""
    truth, called, valid = (np.array(column) for column in zip(*rows, strict=True))
    numbers = _numbers(truth, called, valid)
    wrong = np.where(valid, called, (truth + 1) % 3)
    assert numbers["class_accuracy"] == pytest.approx(sk.accuracy_score(truth, wrong))
    for index, name in enumerate(CLASSES):
        if index in truth:
            worst = np.where(valid, called, np.where(truth == index, (index + 1) % 3, index))
            expected = sk.f1_score(truth == index, worst == index, zero_division=0)
            assert numbers[f"class_f1_{name}"] == pytest.approx(expected)
            assert numbers[f"class_accuracy_{name}"] == pytest.approx((wrong == truth)[truth == index].mean())
            others = [_numbers(truth, np.where(valid, called, guess))[f"class_f1_{name}"] for guess in range(3)]
            assert numbers[f"class_f1_{name}"] <= min(others) + 1e-12


@given(_pairs, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
def test_a_weight_is_so_many_copies_and_units_may_be_summed_first(rows, seed):
    truth, called, valid = (np.array(column) for column in zip(*rows, strict=True))
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, (5, len(truth)))
    counts = _counts(truth, called, valid, weights)
    assert counts.shape == (5, 3, 4)
    for row, times in zip(counts, weights, strict=True):
        copies = (np.repeat(column, times) for column in (truth, called, valid))
        assert (row == _counts(*copies)[0]).all()
    unit = rng.integers(0, 3, len(truth))
    cells = class_cells(truth, called, valid)
    summed = np.stack([cells[unit == number].sum(axis=0) for number in range(3)])
    by_unit = rng.integers(0, 4, (5, 3))
    assert (class_counts(summed, by_unit) == class_counts(cells, by_unit[:, unit])).all()


def test_what_is_true():
    tampered = np.array([False, True, True, True, False])
    manipulation = np.array(["", "full_synthetic", "splice", "", "full_synthetic"])
    assert truth_classes(tampered, manipulation).tolist() == [0, 1, 2, 2, 0]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None, database=None, derandomize=True)
def test_the_most_probable_class(pairs):
    score = np.array([s for s, _ in pairs])
    synthetic = score * np.array([share for _, share in pairs])
    for index, called in enumerate(called_classes(score, synthetic)):
        chances = [1 - score[index], synthetic[index], score[index] - synthetic[index]]
        assert chances[called] == max(chances)


CALLED = {
    (0.5, 0.0): 2, (math.nextafter(0.5, 0), 0.0): 0, (0.5, 0.5): 1, (1.0, 0.5): 2, (1.0, 1.0): 1, (0.0, 0.0): 0,
    (0.6, 0.3): 0, (0.8, 0.5): 1, (0.8, 0.2): 2,
}  # fmt: skip


@pytest.mark.parametrize(("score", "synthetic"), CALLED)
def test_ties_and_edges(score, synthetic):
    assert called_classes(np.array([score]), np.array([synthetic]))[0] == CALLED[score, synthetic]


def test_a_case_by_hand():
    """Real 4, one called tampered; synthetic 3, all found; tampered 3, one called real and one without a prediction."""
    truth = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    called = [0, 0, 0, 2, 1, 1, 1, 2, 0, 2]
    valid = [True] * 9 + [False]
    assert _numbers(truth, called, valid) == pytest.approx({
        "class_accuracy": 7 / 10,
        "class_accuracy_real": 3 / 4,
        "class_accuracy_full_synthetic": 1,
        "class_accuracy_tampered": 1 / 3,
        "class_macro_accuracy": (3 / 4 + 1 + 1 / 3) / 3,
        "class_f1_real": 6 / (6 + 1 + 2),
        "class_f1_full_synthetic": 6 / (6 + 0 + 1),
        "class_f1_tampered": 2 / (2 + 2 + 1),
        "class_macro_f1": (6 / 9 + 6 / 7 + 2 / 5) / 3,
    })  # fmt: skip


def test_the_printed_row_of_sida():
    """SIDA-7B on SID-Set: accuracies 89.1, 98.7, 92.7 and F1 91.0, 98.6, 91.0 of the classes, 93.5 and 93.5 overall.

    One confusion matrix of equal classes gives them all, so that they are what is computed here.
    """
    matrix = np.array([[8914, 40, 1046], [60, 9870, 70], [616, 110, 9274]])
    numbers = class_numbers(np.pad(matrix, ((0, 0), (0, 1)))[None].astype(float))
    found = {name: round(100 * float(values[0]), 1) for name, values in numbers.items()}
    assert [found[f"class_accuracy_{name}"] for name in CLASSES] == [89.1, 98.7, 92.7]
    assert [found[f"class_f1_{name}"] for name in CLASSES] == [91.0, 98.6, 91.0]
    assert found["class_macro_accuracy"] == 93.5
    assert found["class_macro_f1"] == 93.5


def test_nothing_at_all_is_undefined():
    assert all(math.isnan(value) for value in _numbers([], []).values())
    everything_lost = _numbers([0, 1, 2], [0, 1, 2], [False] * 3)
    assert set(everything_lost.values()) == {0.0}
