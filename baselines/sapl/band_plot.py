"""The boundary-band diagnostic as a picture: the map along the distance to the true boundary, and its means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from baselines.sapl.places import PLACES

COLOURS = {"before": "#2b6cb0", "after": "#c05621"}


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the picture of a band report as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    profile, bars = figure.subplots(1, 2, width_ratios=(3, 2))
    for shift, (when, colour) in zip((-0.18, 0.18), COLOURS.items(), strict=True):
        points = [one for one in report["profile"] if one[when]["mean"] is not None]
        x = [(one["from"] + one["to"]) / 2 for one in points]
        low, mean, high = ([one[when][name] for one in points] for name in ("low", "mean", "high"))
        profile.plot(x, mean, color=colour, label=f"{when} processing")
        profile.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        _bars(bars, report[when], shift, colour)
    profile.axvspan(-1, 1, color="0.9", zorder=0)
    profile.set(xlabel="tokens from the true boundary (inside is right)", ylabel="mean P", ylim=(0, None))
    profile.legend(frameon=False)
    bars.set_xticks(range(len(PLACES)), PLACES)
    bars.set_ylim(0, None)
    figure.suptitle(f"{report['benchmark']}, {report['split']}: {report['n_tampered']} tampered images, 95 % intervals")
    partial = path.with_suffix(".partial")
    figure.savefig(partial, format="png", dpi=100)
    partial.replace(path)


def _bars(axes: Any, means: dict[str, Any], shift: float, colour: str) -> None:  # noqa: ANN401
    values = {name: np.array([means[place][name] or 0.0 for place in PLACES]) for name in ("low", "mean", "high")}
    around = values["mean"] - values["low"], values["high"] - values["mean"]
    axes.bar(np.arange(len(PLACES)) + shift, values["mean"], 0.34, color=colour, yerr=around, capsize=3)
