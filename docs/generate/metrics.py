"""Write metrics.md: every metric of `forgebench`, what controls get from it, and examples worked by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from docs.generate.scene import BOX, DEFINITION, PERFECT, measured
from forgebench.metrics import Metric

PAGE = Path(__file__).parents[1] / "metrics.md"
EXAMPLES = Path(__file__).parent / "worked_examples.md"

_INTRODUCTION = """\
Written by `docs/generate/metrics.py` from the code; do not edit. How other definitions differ:
[definitions.md](definitions.md).

*Over* says which samples a metric is over. The fixed threshold is byte 128 and score 0.5; a frozen one was chosen on
another split. *May rank* is no where an oracle, silence or marking everything can win. Intervals are at 95 %; those
called bootstrap draw whole groups of images 2000 times, and are percentile or BCa. Undefined is NaN and counted, never
0; a sample without a valid prediction gets the worst value."""
_SCENE = """\
Three tampered images of 64 x 96 pixels, with a disc, an L and a pair of boxes, and three authentic ones, where the same
shapes are things of the scene. *Perfect* is the truth; the others are those of `forgebench.controls`. The inverted
truth and the box around the truth were told the truth, the others know nothing of it; the constant says byte 128 and
score 0.5, which is at the threshold. A dash is undefined. Metrics that all of them leave undefined are left out: at
frozen thresholds, of classes and texts, which they do not predict, and of the cost of training."""
_WON = "These are won by something that knows nothing or has everything wrong, or are undefined for it; none may rank:"


def page() -> str:
    """The whole page."""
    values = measured()
    rows = [(f"`{name}`", *map(_shown, of_each.values())) for name, of_each in values.items()]
    return "\n\n".join([
        "# Metrics",
        _INTRODUCTION,
        *(part for family in dict.fromkeys(m.family for m in DEFINITION.metrics) for part in _family(family)),
        "## What controls get",
        _SCENE,
        _table(("metric", *next(iter(values.values()))), rows),
        _WON,
        "\n".join(f"- `{name}`: {', '.join(by)}. {DEFINITION.metric(name).note}" for name, by in won(values).items()),
        "## By hand",
        EXAMPLES.read_text(encoding="utf-8").strip(),
    ]) + "\n"  # fmt: skip


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ("---",) * len(head), *rows))


def _family(family: str) -> Iterator[str]:
    yield f"## {family.capitalize()}"
    head = ("metric", "name", "over", "aggregation", "threshold", "better", "may rank", "interval", "note")
    yield _table(head, (_row(metric) for metric in DEFINITION.metrics if metric.family == family))


def _row(metric: Metric) -> tuple[str, ...]:
    return (
        f"`{metric.id}`", metric.title, metric.over, metric.aggregation, metric.threshold,
        "higher" if metric.higher_is_better else "lower", "yes" if metric.rankable else "no", metric.interval,
        metric.note,
    )  # fmt: skip


def _shown(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def won(values: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """By metric, who does as well as the truth without knowing it, or is undefined where the truth is not."""
    winners = {
        name: [who for who, value in of.items() if who not in (PERFECT, BOX) and not abs(value - of[PERFECT]) > 0]
        for name, of in values.items()
    }
    return {name: found for name, found in winners.items() if found}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
