"""A page for each metric: its facts, a picture of what it rewards, and the docstrings of what computes it."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docs.generate.scene import DEFINITION, measured, predicted
from forgebench.metrics import Metric, boundary, calibration, classes, cost, image, intervals, pixel, region, text

_FUNCTIONS: Mapping[str, tuple[Callable[..., Any], ...]] = {
    "pixel": (pixel.pixel_counts, pixel.pixel_numbers, pixel.auc, pixel.average_precision),
    "boundary": (boundary.boundary_counts, boundary.boundary_f, boundary.boundary_iou, boundary.f1_without_band),
    "region": (region.region_counts, region.match, region.average_precision),
    "image": (image.confusion_counts, image.curve_counts, image.auc, image.i_f1, image.equal_error_rate),
    "false alarms": (pixel.called_authentic, intervals.clopper_pearson, intervals.wilson),
    "classes": (classes.class_counts, classes.class_numbers),
    "calibration": (calibration.image_reliability_counts, calibration.expected_calibration_error),
    "text": (text.text_counts, text.text_numbers),
    "cost": (cost.annotation_seconds,),
    "coverage": (),
}
"""By family: what makes counts of arrays, and numbers of counts."""
_WIDTH, _HEIGHT, _GAP, _BAR = 96, 64, 10, 46
_PICTURE = (
    "What each method predicts of one of the three forgeries, and what the metric gives it over all six images of "
    "[the scene](../metrics.md#what-controls-get). {better} A dash is undefined."
)


@cache
def pages() -> dict[str, str]:
    """The pages by path."""
    maps, values = predicted(), measured()
    return {
        f"metrics/{metric.id}.md": "\n\n".join(_page(metric, maps, values.get(metric.id))) + "\n"
        for metric in DEFINITION.metrics
    }


def _page(metric: Metric, maps: Mapping[str, NDArray[np.uint8]], values: Mapping[str, float] | None) -> Iterator[str]:
    yield f"# {metric.title}"
    better = "Higher is better." if metric.higher_is_better else "Lower is better."
    facts = {
        "definition": f"`{DEFINITION.name}`, version {DEFINITION.version}",
        "over": metric.over, "aggregation": metric.aggregation, "threshold": metric.threshold,
        "better": "higher" if metric.higher_is_better else "lower", "may rank": "yes" if metric.rankable else "no",
        "interval": metric.interval, "note": metric.note or "none",
    }  # fmt: skip
    yield "\n".join([f"| id | `{metric.id}` |", "|---|---|", *(f"| {what} | {said} |" for what, said in facts.items())])
    if values is not None:
        yield "## What it rewards"
        yield _strip(maps, values)
        yield _PICTURE.format(better=better)
    yield "## How it is computed"
    for function in _FUNCTIONS[metric.family]:
        yield f"### `{function.__module__}.{function.__name__}`"
        yield f"```text\n{inspect.getdoc(function)}\n```"
    yield "[All metrics](../metrics.md) · [How definitions differ](../definitions.md)"


def _strip(maps: Mapping[str, NDArray[np.uint8]], values: Mapping[str, float]) -> str:
    """The predictions side by side as one SVG, with a bar and the value below each."""
    finite = [abs(value) for value in values.values() if np.isfinite(value)]
    full = max([1.0, *finite]) if max(finite, default=0) > 1e-3 else max(finite, default=1.0) or 1.0
    cells = [_cell(index, name, maps[name], value, full) for index, (name, value) in enumerate(values.items())]
    width = len(cells) * (_WIDTH + _GAP) - _GAP
    head = f'<svg class="strip" role="img" aria-label="what the metric rewards" viewBox="0 0 {width} 140">'
    return head + "".join(cells) + "</svg>"


def _cell(index: int, name: str, heat: NDArray[np.uint8], value: float, full: float) -> str:
    left = index * (_WIDTH + _GAP)
    buffer = BytesIO()
    Image.fromarray(heat).save(buffer, "PNG", optimize=True)
    picture = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    shown = "–" if np.isnan(value) else f"{value:.3f}" if full >= 0.1 else f"{value:.1e}"
    length = 0 if np.isnan(value) else max(0.0, value) / full * _WIDTH
    return (
        f'<g transform="translate({left} 0)"><image width="{_WIDTH}" height="{_HEIGHT}" href="{picture}"/>'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" class="frame"/>'
        f'<rect y="{_HEIGHT + 8}" width="{_WIDTH}" height="8" class="ground"/>'
        f'<rect y="{_HEIGHT + 8}" width="{length:.1f}" height="8" class="bar"/>'
        f'<text y="{_HEIGHT + 36}" class="value">{shown}</text>'
        f'<text y="{_HEIGHT + 54}">{escape(_short(name))}</text></g>'
    )


def _short(name: str) -> str:
    short = {"box around the truth": "truth's box", "edge detector": "edges", "inverted truth": "inverted"}
    return short.get(name, name)
