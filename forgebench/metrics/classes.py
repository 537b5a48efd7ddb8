"""Three-class detection: real, full synthetic or tampered; counts under weights, and numbers from the counts.

A submission without `synthetic` does not tell full synthetic from tampered: of it, nothing here is defined. The
sample of an invalid prediction is called every class but its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.pixel import Floats, ratio
from forgebench.metrics.table import Members, Weights

CLASSES = ("real", "full_synthetic", "tampered")
"""In the order of SID-Set's labels."""

Ints = NDArray[np.int64]


def truth_classes(tampered: Members, manipulation: NDArray[np.str_]) -> Ints:
    """The class of each image, shape (N,): an index of `CLASSES`.

    Args:
        tampered: Shape (N,): true where the label is tampered.
        manipulation: Shape (N,): `full_synthetic` where the whole image is synthetic.
    """
    return np.where(tampered, np.where(manipulation == "full_synthetic", 1, 2), 0)


def called_classes(score: Floats, synthetic: Floats) -> Ints:
    """The most probable class of each image, shape (N,): of real 1 - score, full synthetic, tampered the rest.

    Of equally probable ones tampered comes first and real last, as for a score of exactly 0.5.

    >>> called_classes(np.array([0.4, 0.5, 0.9]), np.array([0.4, 0.0, 0.6])).tolist()
    [0, 2, 1]
    """
    last_first = np.stack([score - synthetic, synthetic, 1 - score], axis=1)
    called: Ints = 2 - last_first.argmax(axis=1)
    return called


def class_cells(truth: Ints, called: Ints, valid: Members) -> Ints:
    """Each image in its cell, shape (N, 3, 4): by its class, and by what it was called, nothing valid being last."""
    cells = np.zeros((len(truth), 3, 4), np.int64)
    cells[np.arange(len(truth)), truth, np.where(valid, called, 3)] = 1
    return cells


def class_counts(cells: NDArray[np.generic], weights: Weights) -> Floats:
    """The confusion matrix in each of B resamples, shape (B, 3, 4), whole numbers; its last column is invalid.

    Args:
        cells: Shape (U, 3, 4): the cells of `class_cells`, each image's own or summed by draw unit.
        weights: Shape (B, U): how often each counts.
    """
    found: Floats = np.tensordot(np.asarray(weights, np.float64), cells.astype(np.float64), axes=1)
    return found


def class_numbers(counts: Floats) -> dict[str, Floats]:
    """The numbers of confusion matrices of shape (B, 3, 4); each in [0, 1], shape (B,). Higher is better.

    `class_accuracy` is the share of images called what they are; for each class `class_accuracy_<class>` is that
    share of its own images, and `class_f1_<class>` its F1 against the others; `class_macro_accuracy` and
    `class_macro_f1` are their means. SIDA (Huang et al., CVPR 2025) prints the accuracies and F1 of the classes, and
    those two means as its overall accuracy and F1.

    NaN for a class without images, and for both means where any class has none; all of them without images.
    """
    matrix, lost = counts[:, :, :3], counts[:, :, 3]
    right, images = np.diagonal(matrix, axis1=1, axis2=2), counts.sum(axis=2)
    total = images.sum(axis=1)
    recall = ratio(right, images, where=images > 0)
    f1 = ratio(2 * right, images + _called(matrix, lost), where=images > 0)
    numbers = {
        "class_accuracy": ratio(right.sum(axis=1), total, where=total > 0),
        "class_macro_accuracy": recall.mean(axis=1),
        "class_macro_f1": f1.mean(axis=1),
    }
    for index, name in enumerate(CLASSES):
        numbers |= {f"class_accuracy_{name}": recall[:, index], f"class_f1_{name}": f1[:, index]}
    return numbers


def _called(matrix: Floats, lost: Floats) -> Floats:
    """Images called each class, shape (B, 3), with the invalid ones of the other classes."""
    others: Floats = lost.sum(axis=1, keepdims=True) - lost
    called: Floats = matrix.sum(axis=1) + others
    return called
