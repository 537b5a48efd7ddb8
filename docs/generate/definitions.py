"""Write definitions.md: what each definition of the metrics is, how they differ, and what each does unexpectedly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics import DEFINITIONS, Definition, Metric, Table, pixel_counts
from forgebench.metrics.counting import Shown
from forgebench.metrics.views import VIEWS

PAGE = Path(__file__).parents[1] / "definitions.md"


@dataclass(frozen=True)
class Rules:
    """What a definition does, in few words."""

    inverted: str
    resized: str
    authentic: str
    ties: str


_NATIVE = "no: native size"
RULES = {
    "forgebench": Rules("never", _NATIVE, "apart: false alarms only", "half a win"),
    "mvss": Rules("never", _NATIVE, "left out of pixels", "half a win"),
    "wscl": Rules("never", _NATIVE, "left out of pixels", "half a win"),
    "imdl-benco": Rules(
        "`double`: the better", "`512`: truth to 512 x 512, else native", "in every mean, F1, IoU and AUC 0",
        "pixels: in raster order; images: half a win",
    ),
    "photoholmes": Rules("never", _NATIVE, "pooled; 0 in means", "within a hundredth: half a win"),
    "trufor": Rules("always the better", "no: native size, without a band", "left out, by convention", "half a win"),
    "scaf": Rules("never", "no: native size, stretched to 0..255", "left out: the map always fires", "half a win"),
    "sida": Rules("never", "truth to longest side 1024, cut off", "left out of masks", "the first class"),
    "cat-net": Rules("permuted: the better", _NATIVE, "in every mean and pool, 0.5 at most", "none arise"),
}  # fmt: skip
HEADLINES = (
    ("forgebench", "pixel_f1"), ("mvss", "pixel_f1"), ("wscl", "pixel_f1"), ("imdl-benco", "pixel_f1"),
    ("imdl-benco", "pixel_f1_double"), ("imdl-benco", "pixel_auc"), ("photoholmes", "pixel_f1_pooled"),
    ("photoholmes", "pixel_mcc_weighted_v1"), ("photoholmes", "pixel_auroc"), ("trufor", "pixel_f1_best"),
    ("trufor", "pixel_f1_fixed"), ("scaf", "pixel_f1"), ("sida", "pixel_giou"), ("cat-net", "pixel_miou"),
    ("cat-net", "pixel_miou_permuted"),
)  # fmt: skip

_INTRODUCTION = """\
Written by `docs/generate/definitions.py` from the code; do not edit.

Every number of a record names its definition and version. `forgebench` is the default. The others are what published
numbers were computed with, written from the code of their projects, so that such a number can be matched: their
defects are reproduced on purpose, and named here. What an oracle, an inverted map or silence can win gives no ranks. A
sample without a valid prediction gets the worst value that a definition allows, also where the project leaves it out.
The projects get byte v as v / 255 in single precision."""
_EXAMPLE = """\
A tampered image of 96 x 96 pixels with a region of 40 x 40, and an authentic one, each alone. *Good* is the region two
pixels too small on each side; *dim* is right but stays below 0.5; *inverted* is wrong in every pixel; *black* marks
nothing."""


def page() -> str:
    """The whole page."""
    parts = [
        "# Definitions",
        _INTRODUCTION,
        "## How they differ",
        _table(("definition", "subset", "threshold", "aggregation", "inverted", "resized", "authentic images",
                "ties", "may rank"), map(_summary, DEFINITIONS.values())),
        "## One image, many numbers",
        _EXAMPLE,
        _table(("definition", "metric", *(name for name, *_ in _examples())), _values()),
        *map(_section, DEFINITIONS.values()),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _summary(definition: Definition) -> tuple[str, ...]:
    metrics, rules = definition.metrics, RULES[definition.name]
    said = (_distinct(m.over for m in metrics), _distinct(m.threshold for m in metrics))
    ranked = sum(metric.rankable for metric in metrics)
    return (
        f"[{definition.name}](#{definition.name})", *said, _distinct(m.aggregation for m in metrics),
        rules.inverted, rules.resized, rules.authentic, rules.ties, f"{ranked} of {len(metrics)}",
    )  # fmt: skip


def _distinct(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _section(definition: Definition) -> str:
    by_family = groupby(sorted(definition.metrics, key=_family(definition)), key=lambda metric: metric.family)
    parts = [f"## {definition.name}", f"Version {definition.version}. Source: {definition.source}"]
    for family, metrics in by_family:
        parts += [f"### {definition.name}: {family}", _table(
            ("metric", "name", "over", "aggregation", "threshold", "better", "ranks", "note"), map(_row, metrics)
        )]  # fmt: skip
    if definition.traps:
        parts += [f"### {definition.name}: defects and surprises", "\n".join(f"- {trap}" for trap in definition.traps)]
    return "\n\n".join(parts)


def _family(definition: Definition) -> Callable[[Metric], int]:
    order = list(dict.fromkeys(metric.family for metric in definition.metrics))
    return lambda metric: order.index(metric.family)


def _row(metric: Metric) -> tuple[str, ...]:
    return (
        f"`{metric.id}`", metric.title, metric.over, metric.aggregation, metric.threshold,
        "higher" if metric.higher_is_better else "lower", "yes" if metric.rankable else "no", metric.note,
    )  # fmt: skip


def _examples() -> list[tuple[str, NDArray[np.bool_], NDArray[np.uint8]]]:
    region, nothing, black = np.zeros((96, 96), bool), np.zeros((96, 96), bool), np.zeros((96, 96), np.uint8)
    region[28:68, 28:68] = True
    good = black.copy()
    good[30:66, 30:66] = 255
    dim = np.where(region, 100, 20).astype(np.uint8)
    return [
        ("good", region, good), ("dim", region, dim), ("inverted", region, np.where(region, 0, 255).astype(np.uint8)),
        ("black", region, black), ("black, authentic", nothing, black),
    ]  # fmt: skip


def _one(truth: NDArray[np.bool_], pred: NDArray[np.uint8]) -> Table:
    """The table of one image."""
    counts, extra = pixel_counts(pred, truth), {}
    for family in VIEWS:
        extra |= {name: np.array([value]) for name, value in family.count(Shown(pred, truth)).items()}
    return Table(
        sample_id=np.array(["one"]), group=np.array(["one"]), tampered=np.array([truth.any()]),
        score=np.array([pred.max() / 255]), valid=np.array([True]), hist_tampered=counts.tampered[None],
        hist_authentic=counts.authentic[None], tampered_px=np.array([np.count_nonzero(truth)]),
        authentic_px=np.array([np.count_nonzero(~truth)]), extra=extra,
    )  # fmt: skip


def _values() -> Iterable[tuple[str, ...]]:
    tables = [_one(truth, pred) for _, truth, pred in _examples()]
    for definition, name in HEADLINES:
        metric = DEFINITIONS[definition].metric(name)
        found = (float(metric.statistic(table).of(table.whole)[0]) for table in tables)
        yield definition, f"`{name}`", *("-" if np.isnan(value) else f"{value:.3f}" for value in found)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
