"""Definitions: which numbers there are, and exactly what each of them means.

A definition is named and versioned; a change in any number needs a new version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypedDict, Unpack

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import calibration, image, pixel
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Members, Statistic, Table, Weights, mean, pooled, undefined

Over = Literal["all", "tampered", "authentic", "tampered with mask", "with mask"]


@dataclass(frozen=True)
class Metric:
    """One number of a definition."""

    id: str
    """Its name in records."""
    title: str
    """Its name for people."""
    over: Over
    """The samples that it is over."""
    aggregation: str
    """How images become one number: `mean over images`, `pooled pixels`, `over images`."""
    statistic: Callable[[Table], Statistic]
    """Binds the metric to a table."""
    threshold: str = "fixed 0.5"
    """The threshold rule: `fixed 0.5`, `all`, `per-image best` or `none`."""
    higher_is_better: bool = True
    rankable: bool = True
    """False where an oracle or silence can win it."""
    interval: Literal["bootstrap", "clopper-pearson"] = "bootstrap"
    note: str = ""
    """What it rewards, or why it cannot be ranked."""


@dataclass(frozen=True)
class Definition:
    """A set of metrics as one source defines them."""

    name: str
    version: int
    source: str
    metrics: tuple[Metric, ...]

    def metric(self, metric_id: str) -> Metric:
        """The metric of this name.

        Raises:
            InputError: If there is none.
        """
        for metric in self.metrics:
            if metric.id == metric_id:
                return metric
        known = ", ".join(metric.id for metric in self.metrics)
        raise InputError(f"Definition {self.name} has no metric {metric_id!r}. It has: {known}")


class _About(TypedDict, total=False):
    """What may be said of a metric beside its number."""

    threshold: str
    higher_is_better: bool
    rankable: bool
    interval: Literal["bootstrap", "clopper-pearson"]
    note: str


def members(table: Table, over: Over) -> Members:
    """The samples of a table that a metric is over."""
    return {
        "all": np.ones(len(table), bool),
        "tampered": table.tampered,
        "authentic": ~table.tampered,
        "tampered with mask": table.tampered_with_mask,
        "with mask": table.has_truth,
    }[over]


_OF_BOTH_CLASSES = ("pixel_auc", "pixel_ap", "pixel_mcc")
"""Undefined where the truth has no authentic pixel, whatever is predicted, even nothing valid."""


def _per_image(name: str, title: str, worst: float = 0.0, **about: Unpack[_About]) -> Metric:
    """The mean over tampered images of a number of each image."""

    def statistic(table: Table) -> Statistic:
        inside = table.tampered_with_mask
        if not table.localizes:
            return undefined(inside)
        values = np.where(table.valid, table.pixel_numbers[name], worst)
        if name in _OF_BOTH_CLASSES:
            values[table.authentic_px == 0] = np.nan
        return mean(values, inside)

    return Metric(name, title, "tampered with mask", aggregation="mean over images", statistic=statistic, **about)


def _pooled(
    name: str, title: str, number: Callable[..., Floats], over: Over = "tampered with mask", **about: Unpack[_About]
) -> Metric:
    """A number of the pixels of all images together."""

    def statistic(table: Table) -> Statistic:
        return pooled(table, members(table, over), number)

    return Metric(name, title, over, aggregation="pooled pixels", statistic=statistic, **about)


def _confusion(name: str, title: str, number: Callable[[image.Confusion], Floats], **about: Unpack[_About]) -> Metric:
    """A number of the images called tampered at the fixed threshold."""

    def statistic(table: Table) -> Statistic:
        counts = table.shared("confusion", partial(image.confusion_counts, table))
        return Statistic(len(table), 0, lambda weights: number(counts(weights)))

    return Metric(name, title, "all", "over images", statistic, **about)


def _curve(name: str, title: str, number: Callable[[image.Curve], Floats], **about: Unpack[_About]) -> Metric:
    """A number of the images at every threshold."""

    def statistic(table: Table) -> Statistic:
        counts = table.shared("curve", partial(image.curve_counts, table))
        return Statistic(len(table), 0, lambda weights: number(counts(weights)))

    about = {"threshold": "all", **about}
    return Metric(name, title, "all", "over images", statistic, **about)


def _image_mean(
    name: str, title: str, over: Over, values: Callable[[Table], Floats], **about: Unpack[_About]
) -> Metric:
    """The mean over images of a value of each."""

    def statistic(table: Table) -> Statistic:
        return mean(values(table), members(table, over))

    return Metric(name, title, over, aggregation="mean over images", statistic=statistic, **about)


def _combined_f1(table: Table) -> Statistic:
    localization = FORGEBENCH.metric("pixel_f1").statistic(table)

    def of(weights: Weights) -> Floats:
        detection = image.i_f1(image.confusion_counts(table, weights))
        return image.harmonic_mean(detection, localization.of(weights))

    return Statistic(len(table), 0, of)


def _false_area(table: Table) -> Floats:
    """Share of each authentic image called tampered; 1 for an invalid prediction, NaN without masks."""
    if not table.localizes:
        return np.full(len(table), np.nan)
    called = np.where(table.valid, table.hist_authentic[:, pixel.THRESHOLD :].sum(axis=1), table.authentic_px)
    return pixel.ratio(called, table.authentic_px, where=table.authentic_px > 0)


def _image_ece(table: Table) -> Statistic:
    def of(weights: Weights) -> Floats:
        return calibration.expected_calibration_error(calibration.image_reliability_counts(table, weights))

    return Statistic(len(table), 0, of)


def _pixel_ece(tampered: pixel.Histograms, authentic: pixel.Histograms, lost: pixel.Histograms) -> Floats:
    return calibration.expected_calibration_error(calibration.pixel_reliability_counts(tampered, authentic, lost))


FORGEBENCH = Definition(
    "forgebench",
    1,
    "ForgeBench: masks at native size, threshold 0.5 (byte 128, score 0.5), never inverted, localization on "
    "tampered images only, undefined is NaN and counted.",
    (
        _per_image("pixel_f1", "Pixel F1"),
        _per_image("pixel_iou", "Pixel IoU"),
        _per_image(
            "pixel_precision", "Pixel precision", rankable=False,
            note="A method that marks nothing is undefined, not wrong: silence wins.",
        ),
        _per_image("pixel_recall", "Pixel recall", rankable=False, note="Marking everything wins."),
        _per_image("pixel_mcc", "Pixel MCC", worst=-1.0),
        _per_image("pixel_auc", "Pixel AUC", threshold="all"),
        _per_image("pixel_ap", "Pixel AP", threshold="all"),
        _per_image(
            "pixel_f1_oracle", "Pixel F1, oracle", threshold="per-image best", rankable=False,
            note="The threshold is chosen by the truth of each image.",
        ),
        _pooled(
            "pixel_f1_pooled", "Pixel F1, pooled", lambda t, a, _: pixel.numbers_of(t, a)["pixel_f1"],
            threshold="fixed 0.5",
        ),
        _pooled(
            "pixel_iou_pooled", "Pixel IoU, pooled", lambda t, a, _: pixel.numbers_of(t, a)["pixel_iou"],
            threshold="fixed 0.5",
        ),
        _pooled("pixel_auc_pooled", "Pixel AUC, pooled", lambda t, a, _: pixel.auc(t, a), threshold="all"),
        _pooled(
            "pixel_ap_pooled", "Pixel AP, pooled", lambda t, a, lost: pixel.average_precision(t, a, lost[:, 0]),
            threshold="all",
        ),
        _curve("image_auc", "Image AUC", image.auc),
        _curve("image_ap", "Image AP", image.average_precision),
        _confusion("image_accuracy", "Image accuracy", image.accuracy),
        _confusion("image_balanced_accuracy", "Image balanced accuracy", image.balanced_accuracy),
        _confusion("image_f1", "Image F1", image.f1),
        _confusion(
            "image_if1", "Image I-F1", image.i_f1, note="Harmonic mean of sensitivity and specificity.",
        ),
        Metric(
            "combined_f1", "Combined F1", "all", "over images", _combined_f1,
            note="Harmonic mean of I-F1 and pixel F1.",
        ),
        _curve("image_eer", "Image EER", image.equal_error_rate, higher_is_better=False),
        _curve("image_tpr_at_fpr_01", "TPR at 1 % FPR", lambda c: image.tpr_at_fpr(c, 0.01)),
        _curve("image_tpr_at_fpr_05", "TPR at 5 % FPR", lambda c: image.tpr_at_fpr(c, 0.05)),
        _image_mean(
            "fpr_authentic", "FPR on authentic", "authentic",
            lambda t: (t.worst_score >= image.THRESHOLD).astype(np.float64),
            higher_is_better=False, interval="clopper-pearson", rankable=False,
            note="Calling everything authentic wins.",
        ),
        _image_mean(
            "false_area_authentic", "False area on authentic", "authentic", _false_area,
            higher_is_better=False, rankable=False, note="Marking nothing wins.",
        ),
        _image_mean(
            "image_brier", "Image Brier", "all", calibration.image_brier, threshold="all",
            higher_is_better=False,
        ),
        Metric(
            "image_ece", "Image ECE", "all", "over images", _image_ece, threshold="all", higher_is_better=False,
            rankable=False, note="A constant score at the base rate wins.",
        ),
        _pooled(
            "pixel_brier", "Pixel Brier", lambda t, a, _: calibration.pixel_brier(t, a), "with mask", threshold="all",
            higher_is_better=False, rankable=False, note="Tampered pixels are few: marking nothing does well.",
        ),
        _pooled(
            "pixel_ece", "Pixel ECE", _pixel_ece, "with mask", threshold="all", higher_is_better=False,
            rankable=False, note="A constant map at the base rate wins.",
        ),
        _image_mean(
            "coverage", "Coverage", "all", lambda t: t.valid.astype(np.float64), threshold="none",
            rankable=False, note="Share of samples with a valid prediction.",
        ),
    ),
)  # fmt: skip

DEFINITIONS: dict[str, Definition] = {FORGEBENCH.name: FORGEBENCH}
"""All definitions by name."""
