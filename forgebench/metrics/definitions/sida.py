"""The definition `sida`: the validation of SIDA, which IFDL-VLM shares: three classes, and masks at SAM's size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from forgebench.metrics import classes
from forgebench.metrics.definitions.base import Definition, Metric, members
from forgebench.metrics.definitions.parts import cells, divided, mean_of, number
from forgebench.metrics.pixel import Floats, Histograms, ratio
from forgebench.metrics.table import Statistic, Table, Weights, undefined
from forgebench.metrics.views import SIDA_LONGEST

_LARGEST = SIDA_LONGEST**2


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """Intersection and union of the tampered class of each image at 0.5, and their IoU: 1 where both are empty."""
    c = cells(tampered, authentic)
    union = c.tp + c.fp + c.fn
    return {"intersection": c.tp, "union": union, "iou": np.where(union == 0, 1.0, c.tp / (union + 1e-5))}


def confusions(table: Table) -> Callable[[Weights], Floats] | None:
    """Images by their class and by what they were called, shape (B, 3, 4), nothing valid last.

    Of equally probable classes the first is called. None where the submission does not tell synthetic from tampered.
    """
    if "synthetic" not in table.extra:
        return None

    def cells() -> Floats:
        truth = classes.truth_classes(table.tampered, table.extra["manipulation"].astype(str))
        score, synthetic = (np.where(table.valid, one, 0.0) for one in (table.score, table.extra["synthetic"]))
        called = np.stack([1 - score, synthetic, score - synthetic], axis=1).argmax(axis=1)
        return table.by_unit(classes.class_cells(truth, called, table.valid))

    by_unit = table.once("cells of the first class", cells)
    return table.shared("the first class", lambda weights: classes.class_counts(by_unit, weights))


def accuracy(counts: Floats) -> Floats:
    """Share of images called their class; counts of shape (B, 3, 4) to (B,)."""
    total = counts.sum(axis=(1, 2))
    return ratio(np.trace(counts, axis1=1, axis2=2), total, where=total > 0)


def per_class(counts: Floats) -> tuple[Floats, Floats]:
    """Precision and recall of each class, shape (B, 3); 0 where undefined.

    An image without a valid prediction counts as called every class but its own.
    """
    right, lost = np.diagonal(counts, axis1=1, axis2=2), counts[:, :, 3]
    called = counts[:, :, :3].sum(axis=1) + lost.sum(axis=1, keepdims=True) - lost
    return divided(right, called), divided(right, counts.sum(axis=2))


def _auc_approx(counts: Floats) -> Floats:
    precision, recall = (one.mean(axis=1) for one in per_class(counts))
    area: Floats = precision * recall
    return area


def _precision(counts: Floats, *, index: int) -> Floats:
    return per_class(counts)[0][:, index]


def _recall(counts: Floats, *, index: int) -> Floats:
    return per_class(counts)[1][:, index]


def _class_f1(counts: Floats, *, index: int) -> Floats:
    precision, recall = (one[:, index] for one in per_class(counts))
    return divided(2 * precision * recall, precision + recall)


def _classes(
    name: str, title: str, value: Callable[[Floats], Floats], *, rankable: bool = True, note: str = ""
) -> Metric:
    def statistic(table: Table) -> Statistic:
        counts = confusions(table)
        if counts is None:
            return undefined(table, members(table, "all"))
        return Statistic(len(table), 0, lambda weights: value(counts(weights)))

    return Metric(
        name, title, "all", "over images", statistic, threshold="most probable", rankable=rankable, family="classes",
        note=note,
    )  # fmt: skip


def _ciou(table: Table) -> Statistic:
    """Intersections over unions, summed; of an invalid prediction the largest union that there can be."""
    inside = table.tampered_with_mask
    if not table.localizes:
        return undefined(table, inside)
    found = table.per_image("sida", numbers, "sida_1024")
    counts = [
        table.by_unit(np.where(inside, np.where(table.valid, found[name], lost), 0))
        for name, lost in (("intersection", 0), ("union", _LARGEST))
    ]
    n = table.by_unit(inside)

    def of(weights: Weights) -> Floats:
        intersection, union = (weights @ count for count in counts)
        return np.where(weights @ n > 0, intersection / (union + 1e-10), np.nan)

    return Statistic(int(inside.sum()), 0, of)


def _f1_score(table: Table) -> Statistic:
    area, counts = _ciou(table), confusions(table)
    if counts is None:
        return undefined(table, members(table, "all"))

    def of(weights: Weights) -> Floats:
        iou, right = area.of(weights), accuracy(counts(weights))
        return 2 * iou * right / (iou + right + 1e-10)

    return Statistic(len(table), 0, of)


def _of_one_class(index: int, name: str) -> tuple[Metric, ...]:
    plain = name.replace("_", " ")
    return (
        _classes(
            f"class_accuracy_{name}", f"Accuracy on {plain}", partial(_recall, index=index), rankable=False,
            note=f"Calling everything {plain} wins.",
        ),
        _classes(
            f"class_precision_{name}", f"Precision of {plain}", partial(_precision, index=index), rankable=False,
            note="One sure image is enough.",
        ),
        _classes(f"class_f1_{name}", f"F1 of {plain}", partial(_class_f1, index=index)),
    )  # fmt: skip


METRICS = (
    mean_of(
        "pixel_giou", "gIoU", "tampered with mask", number("sida", numbers, "iou", "sida_1024"),
        note="Mean IoU of the class tampered.",
    ),
    Metric("pixel_ciou", "cIoU", "tampered with mask", "pooled pixels", _ciou, note="IoU of the pixels pooled."),
    Metric(
        "pixel_accuracy", "Pixel accuracy", "tampered with mask", "pooled pixels", _ciou,
        note="The cIoU under another name.",
    ),
    Metric(
        "f1_score", "F1 score", "all", "over images", _f1_score, family="classes",
        note="Harmonic mean of cIoU and the accuracy of the three classes.",
    ),
    _classes("class_accuracy", "Accuracy of three classes", accuracy),
    _classes(
        "auc_approx", "Approximate AUC", _auc_approx, note="Mean precision times mean recall of the three classes.",
    ),
    *(metric for index, name in enumerate(classes.CLASSES) for metric in _of_one_class(index, name)),
)  # fmt: skip

TRAPS = (
    (
        "The truth is resized to the network's size, longest side 1024, and what its soft edges lost is cut off: only "
        "pixels of exactly 1 stay tampered, so every region shrinks and a thin one may be gone."
    ),
    (
        "Masks are scored on truly tampered images whatever class was predicted: false alarms on real and synthetic "
        "images cost nothing."
    ),
    "What is called F1 is the harmonic mean of cIoU and classification accuracy, no F1 of pixels.",
    "What is called AUC is mean precision times mean recall of the three classes, no area.",
    "What is called pixel accuracy is the cIoU.",
    "What is called accuracy of a class is its recall; precision, recall and F1 are 0 where they are undefined.",
    "The IoU of an image is 1 where truth and map are empty, as where the resizing removed a thin region.",
    "cIoU weighs images by area, gIoU does not; the papers print either as IoU.",
    "Accuracies are printed in percent there; here all are shares.",
)

SIDA = Definition(
    "sida",
    1,
    "SIDA (Huang et al., CVPR 2025): validate in train_SIDA.py and utils/SID_Set.py of hzlsaber/SIDA, read in the copy "
    "sayak2103/SIDA at 4376313; IFDL-VLM (Guo et al., 2026) has the same lines.",
    METRICS,
    counts=("sida_1024",),
    traps=TRAPS,
)
