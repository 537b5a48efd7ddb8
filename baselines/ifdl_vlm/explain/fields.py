"""Is an explanation right, field by field? What the synthesis writes can be read again, and compared."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from forgebench import Explanation
from forgebench.metrics.text import text_counts, text_numbers, tokens

_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_LIGHT = ("brighter", "darker")
NAMES = ("type", "row", "column", "place", "share", "light", "text_f1", "text_f1_area", "text_f1_content")
"""What is measured."""


def measured(said: Explanation | None, truth: Explanation) -> dict[str, float]:
    """How right an explanation is, each in [0, 1]; NaN where the truth says nothing of it, 0 where nothing was said.

    `type` is the same; `row`, `column` and `place`, both, are the third of the image that the area lies in; `share` of
    the image is right within a factor of two; `light` tells brighter from darker; the others are text metrics.
    """
    ours: Explanation = said or {"type": "", "area": "", "content": "", "evidence": ""}
    row, column = (_same(ours["area"], truth["area"], names) for names in (_ROWS, _COLUMNS))
    numbers = text_numbers(text_counts(None if said is None else plain(said), plain(truth)))
    found = {
        "type": float(tokens(ours["type"]) == tokens(truth["type"])), "row": row, "column": column,
        "place": row * column, "share": _share(ours["area"], truth["area"]),
        "light": _same(ours["evidence"], truth["evidence"], _LIGHT),
    }  # fmt: skip
    return found | {name: numbers[name] for name in NAMES if name.startswith("text")}


def plain(explanation: Explanation) -> dict[str, str]:
    """Text by field."""
    return {name: str(text) for name, text in explanation.items()}


def _same(said: str, truth: str, words: Sequence[str]) -> float:
    """Whether the same ones of these words occur; NaN where the truth has none."""
    ours, true = ({word for word in words if word in tokens(text)} for text in (said, truth))
    return float(ours == true) if true else float("nan")


def _share(said: str, truth: str) -> float:
    ours, true = _SHARE.search(said), _SHARE.search(truth)
    if true is None or float(true[1]) == 0:
        return float("nan")
    return float(ours is not None and 0.5 <= float(ours[1]) / float(true[1]) <= 2)


def interval(values: Sequence[float], groups: Sequence[str], seed: int = 0, count: int = 2000) -> dict[str, float]:
    """The mean of what is defined, its 95 % bootstrap interval by group, and how many are defined.

    Args:
        values: NaN where undefined.
        groups: The photograph of each.
        seed: Of the resamples.
        count: How many resamples.
    """
    numbers, defined = np.asarray(values, float), ~np.isnan(values)
    names, of = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(of, np.where(defined, numbers, 0), len(names))
    ns = np.bincount(of, defined, len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (count, len(names)))
    totals = ns[drawn].sum(axis=1)
    means = sums[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    if not defined.any():
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "n": 0}
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": float(sums.sum() / ns.sum()), "low": float(low), "high": float(high), "n": int(defined.sum())}
