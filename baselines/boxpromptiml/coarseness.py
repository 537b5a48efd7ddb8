"""How coarse may boxes be? The same training from ever looser boxes: the ablation that the paper lacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from baselines.boxpromptiml.config import Config
from baselines.boxpromptiml.quality import measure
from baselines.common.config import override
from baselines.common.method import Method
from baselines.common.study import FULL, Study
from forgebench import Record, read_record

RATIOS = (0.0, 0.1, 0.25, 0.5)
SHOWN = ("pixel_auc", "pixel_ap", "pixel_f1", "image_auc")
TABLE, PICTURE = "coarseness.json", "coarseness.png"


def sweep(
    method: Method, config: Config, benchmark: str, work: Path, out: Path, *, ratios: Sequence[float] = RATIOS,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:  # fmt: skip
    """Train, predict and score once for each coarseness, the configuration's own included.

    Args:
        method: BoxPromptIML.
        config: Everything but `teacher.coarseness`; its teacher's folder may hold masks from all boxes.
        benchmark: A built benchmark with splits `train` and `test`.
        work: Runs, predictions and scores: large. What is there already is not made again.
        out: Where coarseness.json and coarseness.png are written.
        ratios: Largest outward move of a box's side, as a share of it.
        say: Told of progress.

    Returns:
        For each ratio, ascending: `coarseness`, `iou` of the pseudo masks of the training split (where they were
        kept), and for each of SHOWN value and interval on the test split.
    """
    own = config.teacher.coarseness
    changes = {f"coarseness-{r:g}": {"teacher.coarseness": f"{r:g}"} for r in ratios if r != own}
    kept = work / "kept"
    Study(method, config, benchmark, work, kept, changes, say=say).run()
    names = {own: FULL, **{float(change["teacher.coarseness"]): name for name, change in changes.items()}}
    found = []
    for ratio, name in sorted(names.items()):
        row = {"coarseness": ratio, "iou": _iou(config, ratio, benchmark), **_numbers(read_record(kept / name)[0])}
        found.append(row)
    out.mkdir(parents=True, exist_ok=True)
    (out / TABLE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, out / PICTURE)
    return found


def _iou(config: Config, ratio: float, benchmark: str) -> float | None:
    """The mean IoU of the pseudo masks with the truth; None where they were not kept."""
    if not config.teacher.folder:
        return None
    loosened = override(config, {"teacher.coarseness": f"{ratio:g}"})
    return float(measure(loosened, benchmark)["masks"]["pixel_iou"]["mean"])


def _numbers(record: Record) -> dict[str, dict[str, float | None]]:
    found = {m.metric: m for m in record.metrics if m.definition == "forgebench" and m.subset is None}
    return {
        name: {"value": found[name].value, "low": found[name].ci_low, "high": found[name].ci_high} for name in SHOWN
    }


def draw(found: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the sweep as a picture: metrics on the test split with 95 % intervals, and the pseudo masks' IoU."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for shift, name in enumerate(SHOWN):
        known = [row for row in found if row[name]["value"] is not None]
        x = [row["coarseness"] + 0.003 * shift for row in known]
        y = [row[name]["value"] for row in known]
        below = [row[name]["value"] - row[name]["low"] for row in known]
        above = [row[name]["high"] - row[name]["value"] for row in known]
        around = [below, above]
        axes.errorbar(x, y, yerr=around, marker="o", capsize=3, label=f"{name}, test")
    known = [row for row in found if row["iou"] is not None]
    places, quality = [row["coarseness"] for row in known], [row["iou"] for row in known]
    axes.plot(places, quality, "k--", label="pseudo masks' IoU, train")
    axes.set(xlabel="coarseness: a side moves outward by up to this share", ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8, ncols=2)
    partial = path.with_suffix(".partial")
    figure.savefig(partial, format="png", dpi=90, metadata={"Software": None})
    partial.replace(path)
