"""Metrics of `forgebench` from further counts: boundaries, regions, three classes, explanations, cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics import boundary, classes, cost, region, text
from forgebench.metrics.definitions.base import Metric, members
from forgebench.metrics.families import stacked
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Statistic, Table, Weights, mean, undefined
from forgebench.schema import FIELDS

_SCALARS = ("contour_pred", "contour_truth")
_WIDTH = {width.name: place for place, width in enumerate(boundary.WIDTHS)}
_DEFAULT = "2%"
_BANDS = ("1px", "3px", "5px")


def _boundary_counts(table: Table) -> boundary.BoundaryCounts:
    def read() -> boundary.BoundaryCounts:
        names = boundary.BoundaryCounts.__dataclass_fields__
        columns = {name: table.extra[f"boundary_{name}"] for name in names}
        return boundary.BoundaryCounts(
            **{name: c if name in _SCALARS else stacked(c, len(_WIDTH)) for name, c in columns.items()}
        )

    return table.once("boundary counts", read)


def _boundary(
    name: str, title: str, number: Callable[[boundary.BoundaryCounts], Floats], width: str, note: str, *, rankable: bool
) -> Metric:
    """The mean over tampered images of a boundary number of each."""

    def statistic(table: Table) -> Statistic:
        inside = table.tampered_with_mask
        if not table.localizes or "boundary_contour_truth" not in table.extra:
            return undefined(table, inside)
        return mean(table, number(_boundary_counts(table))[:, _WIDTH[width]], inside)

    return Metric(
        name, title, "tampered with mask", "mean over images", statistic, family="boundary", rankable=rankable,
        note=note,
    )  # fmt: skip


def _spelled(width: str) -> str:
    return width.replace("%", " %").replace("px", " px")


def _boundary_id(name: str, width: str) -> str:
    return name if width == _DEFAULT else f"{name}_{width.replace('.', '').replace('%', 'pct')}"


_F_NOTE = "Contour pixels within {} of the other contour{}."
_IOU_NOTE = "Bands of width {} inside each contour{}."
_OF = {True: " (share of the diagonal)", False: ""}

BOUNDARY = tuple(
    _boundary(
        _boundary_id(name, width), f"{title}, {_spelled(width)}", number, width,
        note.format(_spelled(width), _OF["%" in width]), rankable=True,
    )
    for name, title, number, note in (
        ("boundary_f", "Boundary F", boundary.boundary_f, _F_NOTE),
        ("boundary_iou", "Boundary IoU", boundary.boundary_iou, _IOU_NOTE),
    )
    for width in (_DEFAULT, *(one for one in _WIDTH if one != _DEFAULT))
) + tuple(
    _boundary(
        f"pixel_f1_beyond_{band}", f"Pixel F1 without {_spelled(band)} around the contour", boundary.f1_without_band,
        band, "Against pixel F1, how much of it is a matter of how the contour was drawn.", rankable=False,
    )
    for band in _BANDS
)  # fmt: skip


def _matches(table: Table, kind: str) -> region.Matches:
    def read() -> region.Matches:
        columns = [table.extra[f"{kind}_{name}"] for name in ("score", "area", "truth_area", "iou")]
        inside = table.has_truth
        unit, count = table.drawn_by
        counts = [region.RegionCounts(*(c[i] for c in columns)) for i in np.flatnonzero(inside)]
        return region.match(counts, table.valid[inside], (unit[inside], count))

    return table.once(f"matched regions {kind}", read)


def _region(name: str, title: str, kind: str, value: Callable[[Floats], Floats], note: str) -> Metric:
    def statistic(table: Table) -> Statistic:
        inside = members(table, "with mask")
        found = table.localizes or (kind == "box" and "boxes" in table.outputs)
        if not found or f"{kind}_score" not in table.extra:
            return undefined(table, inside)
        by_threshold = table.shared(f"AP {kind}", lambda w: region.average_precision(_matches(table, kind), w))
        return Statistic(int(inside.sum()), 0, lambda weights: value(by_threshold(weights)))

    return Metric(name, title, "with mask", "over regions", statistic, threshold="all", family="region", note=note)


def _at_50(by_threshold: Floats) -> Floats:
    return by_threshold[:, 0]


def _pointing(table: Table) -> Statistic:
    inside = table.tampered_with_mask
    if not table.localizes:
        return undefined(table, inside)
    found = table.per_image("pointing", lambda t, a: {"pointing": region.pointing_accuracy(t, a)})["pointing"]
    values = np.where(table.valid, found, 0.0)
    values[table.authentic_px == 0] = np.nan
    return mean(table, values, inside)


_MEAN_AP = "IoU thresholds 0.5 to 0.95, as COCO; false regions on authentic images count."
_BOXES = " Of the submitted boxes, or those around the mask's components."
REGION = (
    _region("mask_ap", "Mask AP", "mask", lambda v: v.mean(axis=1), _MEAN_AP),
    _region("mask_ap50", "Mask AP at IoU 0.5", "mask", _at_50, "As COCO's AP50."),
    _region("box_ap", "Box AP", "box", lambda v: v.mean(axis=1), _MEAN_AP + _BOXES),
    _region("box_ap50", "Box AP at IoU 0.5", "box", _at_50, "As COCO's AP50." + _BOXES),
    Metric(
        "pointing_accuracy", "Pointing accuracy", "tampered with mask", "mean over images", _pointing,
        threshold="per-image best", family="region", note="Whether the map's highest pixel is tampered; ties share.",
    ),
)  # fmt: skip


def _class_numbers(table: Table, weights: Weights) -> dict[str, Floats]:
    def cells() -> NDArray[np.float64]:
        truth = classes.truth_classes(table.tampered, table.extra["manipulation"].astype(str))
        score, synthetic = (np.where(table.valid, one, 0.0) for one in (table.score, table.extra["synthetic"]))
        called = classes.called_classes(score, synthetic)
        return table.by_unit(classes.class_cells(truth, called, table.valid))

    return classes.class_numbers(classes.class_counts(table.once("cells of classes", cells), weights))


def _class(name: str, title: str) -> Metric:
    def statistic(table: Table) -> Statistic:
        if "synthetic" not in table.extra:
            return undefined(table, members(table, "all"))
        numbers = table.shared("class numbers", partial(_class_numbers, table))
        return Statistic(len(table), 0, lambda weights: numbers(weights)[name])

    return Metric(
        name, title, "all", "over images", statistic, threshold="most probable", family="classes",
        note="Real, full synthetic, tampered.",
    )  # fmt: skip


CLASSES = (
    _class("class_accuracy", "Three-class accuracy"),
    _class("class_macro_f1", "Three-class F1, mean of classes"),
    *(_class(f"class_f1_{one}", f"F1 of {one.replace('_', ' ')}") for one in classes.CLASSES),
)


def _text_numbers(table: Table) -> dict[str, Floats]:
    def read() -> dict[str, Floats]:
        columns = (stacked(table.extra[f"text_{name}"], len(FIELDS)) for name in text.TextCounts._fields)
        return text.text_numbers_of(text.TextCounts(*columns))

    return table.once("text numbers", read)


def _text(name: str, title: str, note: str = "") -> Metric:
    def statistic(table: Table) -> Statistic:
        inside = table.tampered
        if "explanation" not in table.outputs or "text_truth" not in table.extra:
            return undefined(table, inside)
        return mean(table, _text_numbers(table)[name], inside)

    return Metric(
        name, title, "tampered", "mean over images", statistic, threshold="none", family="text", note=note,
    )  # fmt: skip


TEXT = (
    _text("text_f1", "Explanation F1", "Words in common, mean of the fields."),
    _text("text_rouge_l", "Explanation ROUGE-L", "Words in common and in order, mean of the fields."),
    _text("text_type_exact", "Explanation type, exact"),
    *(_text(f"text_f1_{one}", f"Explanation F1, {one}") for one in FIELDS),
    *(_text(f"text_rouge_l_{one}", f"Explanation ROUGE-L, {one}") for one in FIELDS),
)


def per_second(name: str, title: str, metric: Metric) -> Metric:
    """A metric's value over the seconds that a training image takes to annotate."""

    def statistic(table: Table) -> Statistic:
        inside = members(table, metric.over)
        if table.supervision is None or not cost.annotation_seconds(table.supervision):
            return undefined(table, inside)
        of, seconds = metric.statistic(table), cost.annotation_seconds(table.supervision)
        return Statistic(of.n, of.n_undefined, lambda weights: of.of(weights) / seconds)

    return Metric(
        name, title, metric.over, metric.aggregation, statistic, threshold=metric.threshold, rankable=False,
        family="cost", note="It ranks levels of annotation, not methods; undefined for zero-shot.",
    )  # fmt: skip
