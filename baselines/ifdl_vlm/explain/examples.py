"""Explanations to look at: the best and the worst, with image, masks, and what the truth says."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.ifdl_vlm.explain.answer import parse
from baselines.ifdl_vlm.explain.cases import Case
from baselines.ifdl_vlm.explain.fields import measured
from forgebench import Explanation

FIELDS = ("type", "place", "share", "light")
_EACH, _WIDE = 5, 62


def draw(
    cases: Sequence[Case], masks: Sequence[NDArray[np.bool_] | None], answers: Sequence[str], path: Path
) -> None:
    """Write a picture of the five best and the five worst answers; of fewer than ten, of all.

    Args:
        cases: What was explained.
        masks: What the explainer was shown, each (H, W) or None; outlined in orange, the truth in white.
        answers: What it said.
        path: A PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = [measured(parse(text), case.explanation) for text, case in zip(answers, cases, strict=True)]
    chosen = best_and_worst(found)
    figure = Figure(figsize=(12, 2.3 * math.ceil(len(chosen) / 2)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(math.ceil(len(chosen) / 2), 4, width_ratios=(1, 1.35, 1, 1.35), squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for place, index in enumerate(chosen):
        _look(grid[2 * place], cases[index], masks[index])
        grid[2 * place + 1].text(0, 1, _words(cases[index].explanation, answers[index]), va="top", fontsize=7)
    partial = path.with_suffix(".partial")
    figure.savefig(partial, format="png", dpi=100, metadata={"Software": None})
    partial.replace(path)


def best_and_worst(found: Sequence[dict[str, float]], each: int = _EACH) -> list[int]:
    """Which to show, the best first: by the share of FIELDS that are right where the truth tells, then by text F1."""

    def quality(index: int) -> tuple[float, float]:
        known = [found[index][name] for name in FIELDS if not math.isnan(found[index][name])]
        return sum(known) / max(1, len(known)), found[index]["text_f1"]

    order = sorted(range(len(found)), key=quality, reverse=True)
    return order if len(order) <= 2 * each else [*order[:each], *order[-each:]]


def _look(axes: Any, case: Case, mask: NDArray[np.bool_] | None) -> None:  # noqa: ANN401
    axes.imshow(case.image)
    for outlined, colour in ((case.mask, "white"), (mask, "tab:orange")):
        if outlined is not None and outlined.any() and not outlined.all():
            axes.contour(outlined, levels=[0.5], colors=[colour], linewidths=1.2)


def _words(truth: Explanation, answer: str) -> str:
    said = parse(answer)
    verdicts = measured(said, truth)
    marks = {name: "–" if math.isnan(value) else "right" if value else "wrong" for name, value in verdicts.items()}
    told = ", ".join(f"{name} {marks[name]}" for name in FIELDS)
    return "\n".join([_block("truth", truth), "", _block("said", said or answer), "", told])


def _block(head: str, said: Explanation | str) -> str:
    text = said if isinstance(said, str) else "; ".join(str(part) for part in said.values() if part)
    drawn = "".join(one if one.isprintable() else " " for one in text)
    return textwrap.fill(f"{head}: {drawn}", _WIDE, max_lines=6)
