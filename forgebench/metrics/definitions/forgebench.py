"""The definition `forgebench`: native size, fixed threshold, never inverted, undefined is NaN and counted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Unpack

import numpy as np

from forgebench.metrics import calibration, image, pixel
from forgebench.metrics.definitions import further
from forgebench.metrics.definitions.base import (
    About,
    Definition,
    Interval,
    Metric,
    Over,
    called,
    combined,
    curve,
    mean_over,
    members,
    pooled_pixels,
)
from forgebench.metrics.pixel import Floats, Histograms
from forgebench.metrics.table import Statistic, Table, mean, pooled, undefined

_OF_BOTH_CLASSES = {
    "pixel_auc", "pixel_ap", "pixel_mcc", "pixel_balanced_accuracy", "pixel_pauc_10", "pixel_mcc_oracle",
    "pixel_mcc_frozen",
}  # fmt: skip
"""Undefined where the truth has no authentic pixel, whatever is predicted, even nothing valid."""
_ORACLE = "The threshold is chosen by the truth of each image."


def _over_tampered(name: str, table: Table, values: Callable[[], Floats], worst: float) -> Statistic:
    inside = table.tampered_with_mask
    if not table.localizes:
        return undefined(table, inside)
    found = np.where(table.valid, values(), worst)
    if name in _OF_BOTH_CLASSES:
        found[table.authentic_px == 0] = np.nan
    return mean(table, found, inside)


def _pixel(
    name: str, title: str, numbers: Callable[[Table], dict[str, Floats]], worst: float = 0.0, **about: Unpack[About]
) -> Metric:
    """The mean over tampered images of a pixel number of each."""

    def statistic(table: Table) -> Statistic:
        return _over_tampered(name, table, lambda: numbers(table)[name], worst)

    return Metric(name, title, "tampered with mask", "mean over images", statistic, **about)


def _plain(table: Table) -> dict[str, Floats]:
    return table.pixel_numbers


def _further(table: Table) -> dict[str, Floats]:
    return table.per_image("further", pixel.further_numbers_of)


def _frozen(name: str, title: str, worst: float = 0.0) -> Metric:
    """The mean over tampered images of a number at the frozen threshold; undefined where none was frozen."""
    plain = name.removeprefix("pixel_").removesuffix("_frozen")

    def statistic(table: Table) -> Statistic:
        if table.frozen is None:
            return undefined(table, table.tampered_with_mask)
        numbers = partial(pixel.numbers_at, byte=table.frozen.byte)
        key = f"at {table.frozen.byte}"
        return _over_tampered(name, table, lambda: table.per_image(key, numbers)[plain], worst)

    return Metric(name, title, "tampered with mask", "mean over images", statistic, threshold="frozen")


def _score_threshold(table: Table) -> float | None:
    return None if table.frozen is None else table.frozen.score


def _fpr(table: Table, threshold: float = image.THRESHOLD) -> Floats:
    return np.where(table.valid, table.worst_score >= threshold, True).astype(np.float64)


def _fpr_frozen(table: Table) -> Floats:
    return np.full(len(table), np.nan) if table.frozen is None else _fpr(table, table.frozen.score)


def _false_area(table: Table) -> Floats:
    """Share of each authentic image called tampered; 1 for an invalid prediction, NaN without masks."""
    if not table.localizes:
        return np.full(len(table), np.nan)
    found = table.per_image("called authentic", pixel.called_authentic)["called"]
    area = np.where(table.valid, found, table.authentic_px)
    return pixel.ratio(area, table.authentic_px, where=table.authentic_px > 0)


def _any_false(table: Table) -> Floats:
    area = _false_area(table)
    return np.where(np.isnan(area), np.nan, area > 0)


def _numbers_at(name: str) -> Callable[..., Floats]:
    def number(tampered: Histograms, authentic: Histograms, _: Histograms) -> Floats:
        return pixel.numbers_at(tampered, authentic, pixel.THRESHOLD)[name]

    return number


def _image_error(
    error: Callable[[calibration.Reliability], Floats], *, adaptive: bool = False
) -> Callable[[Table], Statistic]:
    def statistic(table: Table) -> Statistic:
        counts = table.shared(
            f"reliability, adaptive {adaptive}",
            partial(calibration.image_reliability_counts, table, adaptive=adaptive),
        )
        return Statistic(len(table), 0, lambda weights: error(counts(weights)))

    return statistic


def _pixel_error(
    error: Callable[[calibration.Reliability], Floats], *, adaptive: bool = False
) -> Callable[[Table], Statistic]:
    def statistic(table: Table) -> Statistic:
        inside = members(table, "with mask")
        if not table.localizes:
            return undefined(table, inside)
        bins = calibration.equal_mass_bytes(table, inside) if adaptive else None

        def number(tampered: Histograms, authentic: Histograms, lost: Histograms) -> Floats:
            return error(calibration.pixel_reliability_counts(tampered, authentic, lost, bins))

        return pooled(table, inside, number)

    return statistic


_ECE = calibration.expected_calibration_error
_DEBIASED = calibration.debiased_calibration_error


def _error(name: str, title: str, over: Over, statistic: Callable[[Table], Statistic]) -> Metric:
    """A calibration error of images or of pixels."""
    images = over == "all"
    return Metric(
        name, title, over, "over images" if images else "pooled pixels", statistic, threshold="all",
        higher_is_better=False, rankable=False, family="calibration",
        note=f"A constant {'score' if images else 'map'} at the base rate wins.",
    )  # fmt: skip


def _false_alarm(
    name: str, title: str, values: Callable[[Table], Floats], note: str, interval: Interval = "bootstrap",
    threshold: str = "fixed 0.5",
) -> Metric:  # fmt: skip
    """Something that authentic images should not have."""
    return mean_over(
        name, title, "authentic", values, threshold=threshold, higher_is_better=False, rankable=False,
        interval=interval, family="false alarms", note=note,
    )  # fmt: skip


_PIXEL_F1 = _pixel("pixel_f1", "Pixel F1", _plain)
_IF1 = called("image_if1", "Image I-F1", image.i_f1, note="Harmonic mean of sensitivity and specificity.")

PIXEL = (
    _PIXEL_F1,
    _pixel("pixel_iou", "Pixel IoU", _plain),
    _pixel(
        "pixel_precision", "Pixel precision", _plain, rankable=False,
        note="A method that marks nothing is undefined, not wrong: silence wins.",
    ),
    _pixel("pixel_recall", "Pixel recall", _plain, rankable=False, note="Marking everything wins."),
    _pixel("pixel_mcc", "Pixel MCC", _plain, worst=-1.0),
    _pixel("pixel_balanced_accuracy", "Pixel balanced accuracy", _further),
    _pixel("pixel_auc", "Pixel AUC", _plain, threshold="all"),
    _pixel("pixel_pauc_10", "Pixel AUC up to 10 % FPR", _further, threshold="all"),
    _pixel("pixel_ap", "Pixel AP", _plain, threshold="all"),
    _frozen("pixel_f1_frozen", "Pixel F1, frozen threshold"),
    _frozen("pixel_iou_frozen", "Pixel IoU, frozen threshold"),
    _frozen("pixel_mcc_frozen", "Pixel MCC, frozen threshold", worst=-1.0),
    _pixel(
        "pixel_f1_oracle", "Pixel F1, oracle", _plain, threshold="per-image best", rankable=False, note=_ORACLE,
    ),
    _pixel(
        "pixel_iou_oracle", "Pixel IoU, oracle", _further, threshold="per-image best", rankable=False, note=_ORACLE,
    ),
    _pixel(
        "pixel_mcc_oracle", "Pixel MCC, oracle", _further, worst=-1.0, threshold="per-image best", rankable=False,
        note=_ORACLE,
    ),
    pooled_pixels("pixel_f1_pooled", "Pixel F1, pooled", _numbers_at("f1")),
    pooled_pixels("pixel_iou_pooled", "Pixel IoU, pooled", _numbers_at("iou")),
    pooled_pixels("pixel_mcc_pooled", "Pixel MCC, pooled", _numbers_at("mcc")),
    pooled_pixels(
        "pixel_balanced_accuracy_pooled", "Pixel balanced accuracy, pooled",
        lambda t, a, _: pixel.balanced_accuracy(t, a),
    ),
    pooled_pixels("pixel_auc_pooled", "Pixel AUC, pooled", lambda t, a, _: pixel.auc(t, a), threshold="all"),
    pooled_pixels(
        "pixel_pauc_10_pooled", "Pixel AUC up to 10 % FPR, pooled",
        lambda t, a, _: pixel.partial_auc(*pixel.rates(t, a), 0.1), threshold="all",
    ),
    pooled_pixels(
        "pixel_ap_pooled", "Pixel AP, pooled", lambda t, a, lost: pixel.average_precision(t, a, lost[:, 0]),
        threshold="all",
    ),
)  # fmt: skip

IMAGE = (
    curve("image_auc", "Image AUC", image.auc),
    curve("image_pauc_10", "Image AUC up to 10 % FPR", partial(image.partial_area, limit=0.1)),
    curve("image_ap", "Image AP", image.average_precision),
    called("image_accuracy", "Image accuracy", image.accuracy),
    called("image_balanced_accuracy", "Image balanced accuracy", image.balanced_accuracy),
    called("image_f1", "Image F1", image.f1),
    _IF1,
    Metric(
        "combined_f1", "Combined F1", "all", "over images", combined(_IF1.statistic, _PIXEL_F1.statistic),
        family="image", note="Harmonic mean of I-F1 and pixel F1.",
    ),
    curve("image_eer", "Image EER", image.equal_error_rate, higher_is_better=False),
    curve("image_tpr_at_fpr_01", "TPR at 1 % FPR", partial(image.tpr_at_fpr, limit=0.01)),
    curve("image_tpr_at_fpr_05", "TPR at 5 % FPR", partial(image.tpr_at_fpr, limit=0.05)),
    called(
        "image_balanced_accuracy_frozen", "Image balanced accuracy, frozen threshold", image.balanced_accuracy,
        _score_threshold, threshold="frozen",
    ),
    called("image_if1_frozen", "Image I-F1, frozen threshold", image.i_f1, _score_threshold, threshold="frozen"),
)  # fmt: skip

_SILENCE = "Marking nothing wins."
_NEVER = "Calling everything authentic wins."
FALSE_ALARMS = (
    _false_alarm("fpr_authentic", "FPR on authentic", _fpr, _NEVER, "clopper-pearson"),
    _false_alarm("fpr_authentic_wilson", "FPR on authentic, Wilson interval", _fpr, _NEVER, "wilson"),
    _false_alarm(
        "fpr_authentic_frozen", "FPR on authentic, frozen threshold", _fpr_frozen, _NEVER, "clopper-pearson", "frozen"
    ),
    _false_alarm("false_area_authentic", "False area on authentic", _false_area, _SILENCE),
    _false_alarm(
        "false_alarm_authentic", "Authentic images with any false alarm", _any_false, _SILENCE, "wilson"
    ),
)  # fmt: skip

CALIBRATION = (
    mean_over(
        "image_brier", "Image Brier", "all", calibration.image_brier, threshold="all", higher_is_better=False,
        family="calibration",
    ),
    pooled_pixels(
        "pixel_brier", "Pixel Brier", lambda t, a, _: calibration.pixel_brier(t, a), "with mask", threshold="all",
        higher_is_better=False, rankable=False, family="calibration",
        note="Tampered pixels are few: marking nothing does well.",
    ),
    _error("image_ece", "Image ECE", "all", _image_error(_ECE)),
    _error("image_ece_adaptive", "Image ECE, equal-mass bins", "all", _image_error(_ECE, adaptive=True)),
    _error("image_ece_debiased", "Image calibration error, debiased", "all", _image_error(_DEBIASED)),
    _error("pixel_ece", "Pixel ECE", "with mask", _pixel_error(_ECE)),
    _error("pixel_ece_adaptive", "Pixel ECE, equal-mass bins", "with mask", _pixel_error(_ECE, adaptive=True)),
    _error("pixel_ece_debiased", "Pixel calibration error, debiased", "with mask", _pixel_error(_DEBIASED)),
)  # fmt: skip

COVERAGE = mean_over(
    "coverage", "Coverage", "all", lambda t: t.valid.astype(np.float64), threshold="none", rankable=False,
    family="coverage", note="Share of samples with a valid prediction.",
)  # fmt: skip

COST = (
    further.per_second("pixel_f1_per_second", "Pixel F1 per second of annotation", _PIXEL_F1),
    further.per_second("image_auc_per_second", "Image AUC per second of annotation", IMAGE[0]),
)

FORGEBENCH = Definition(
    "forgebench",
    1,
    "ForgeBench: masks at native size, threshold 0.5 (byte 128, score 0.5), never inverted, localization on "
    "tampered images only, undefined is NaN and counted.",
    (
        *PIXEL, *further.BOUNDARY, *further.REGION, *IMAGE, *FALSE_ALARMS, *further.CLASSES, *CALIBRATION,
        *further.TEXT, *COST, COVERAGE,
    ),
    counts=("boundary", "regions", "text"),
)  # fmt: skip
