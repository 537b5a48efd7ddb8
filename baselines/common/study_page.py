"""What a study found, as a table and a picture in the method's README, from the records alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.common.study import COMPARED, FULL, METRICS, STUDY
from baselines.common.variants import MEASURED, PAIRED
from forgebench import Record, read_record

MARKERS = "<!-- {} -->", "<!-- /{} -->"
"""Around a study's page in a README; in them stands the name of the folder that it is kept in."""
SHOWN = ("pixel_auc", "pixel_ap", "pixel_f1", "image_auc", "image_if1", "fpr_authentic")


def write(keep: Path, readme: Path) -> None:
    """Put the study's table and picture between the markers of a README.

    Raises:
        ValueError: If the markers are not there.
    """
    text = readme.read_text(encoding="utf-8")
    begin, end = (one.format(keep.name) for one in MARKERS)
    before, _, rest = text.partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise ValueError(f"{readme} lacks the markers {begin} and {end}.")
    about = json.loads((keep / STUDY).read_text(encoding="utf-8"))
    whole = about.get("whole", FULL)
    draw(keep / whole, keep / "results.png")
    picture = (keep / "results.png").relative_to(readme.parent).as_posix()
    body = "\n\n".join([*_tables(keep, about, whole), f"![Differences to the controls, and losses]({picture})"])
    readme.write_text(f"{before}{begin}\n\n{body}\n\n{end}{after}", encoding="utf-8")


def _tables(keep: Path, about: Mapping[str, Any], whole: str) -> Iterator[str]:
    names = [whole, *about["ablations"]]
    records = {name: read_record(keep / name)[0] for name in names}
    n, groups = records[whole].benchmark.n, about["groups"]
    yield (
        f"Measured on the test split of `{about['benchmark']}` (content hash `{about['content_hash'][:16]}…`): {n} "
        f"images of {groups} held-out photographs. In brackets 95 % intervals by photograph."
    )
    yield table(("variant", *SHOWN), [(name, *(cell(records[name], m) for m in SHOWN)) for name in names])
    yield "Does it beat the negative controls? The smallest lead over any of them, and the largest corrected p-value:"
    yield table(("variant", *METRICS), [(name, *_leads(keep / name / COMPARED)) for name in names])
    if about["ablations"]:
        paired = json.loads((keep / PAIRED).read_text(encoding="utf-8"))
        than = "the whole" if whole == FULL else whole
        yield f"Which parts matter? Each variant less {than}, by paired tests, corrected for all pairs (Holm):"
        rows = [(name, *(_ahead(paired[metric], name) for metric in MEASURED)) for name in names[1:]]
        yield table(("variant", *MEASURED), rows)
    controls = {path.name: read_record(path)[0] for path in sorted((keep / "controls").iterdir())}
    yield "The controls themselves:"
    yield table(("control", *SHOWN), [(name, *(cell(one, m) for m in SHOWN)) for name, one in controls.items()])
    others = sorted(p.parent for p in keep.glob("*/record.json") if p.parent.name not in names)
    if others:
        yield "Trained as above, on real forgeries, whatever comes out:"
        rows = [(path.name, read_record(path)[0]) for path in others]
        shown = [(name, str(one.benchmark.n), *(cell(one, m) for m in SHOWN)) for name, one in rows]
        yield table(("benchmark", "images", *SHOWN), shown)


def cell(record: Record, metric: str) -> str:
    """A number with its interval; a dash where it is undefined."""
    found = next(m for m in record.metrics if (m.metric, m.definition, m.subset) == (metric, "forgebench", None))
    if found.value is None:
        return "–"
    inside = "" if found.ci_low is None else f" [{found.ci_low:.3f}, {found.ci_high:.3f}]"
    return f"{found.value:.3f}{inside}"


def _leads(path: Path) -> Iterator[str]:
    found = json.loads(path.read_text(encoding="utf-8"))
    for metric in METRICS:
        pairs = [pair for pair in found[metric] if pair["value"] is not None]
        least, p = min(pairs, key=lambda pair: pair["value"]), max(pair["p_holm"] for pair in pairs)
        won = "yes" if least["value"] > 0 and p < 0.05 else "no"
        yield f"{won}: {least['value']:+.3f} over {least['second']}, {_p(p)}"


def _ahead(rows: Sequence[Mapping[str, Any]], variant: str) -> str:
    row = next(row for row in rows if row["variant"] == variant)
    if row["value"] is None:
        return "–"
    return f"{row['value']:+.3f} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}], {_p(row['p_holm'])}"


def _p(value: float) -> str:
    return f"p {value:.3f}" if value >= 0.001 else "p < 0.001"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def draw(kept: Path, to: Path) -> None:
    """Leads over the controls with their intervals, and the losses, of the variant that is kept in a folder."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    read = json.loads((kept / COMPARED).read_text(encoding="utf-8"))
    # In one order for all metrics: the labels stand beside the first alone.
    found = {metric: sorted(pairs, key=lambda pair: str(pair["second"])) for metric, pairs in read.items()}
    figure, axes = plt.subplots(1, len(METRICS) + 1, figsize=(13, 3), layout="constrained", width_ratios=[1, 1, 1, 1.3])
    for axis, metric in zip(axes, METRICS, strict=False):
        _draw_leads(axis, metric, found[metric])
    axes[0].set_yticks(range(len(found[METRICS[0]])), [pair["second"] for pair in found[METRICS[0]]])
    with (kept / "losses.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in rows[0]:
        if name != "epoch" and not name.startswith("held_out"):
            values = [float(row[name] or "nan") for row in rows]
            axes[-1].plot([int(row["epoch"]) for row in rows], values, "" if len(rows) > 1 else "o", label=name)
    axes[-1].set(xlabel="epoch", title="losses")
    axes[-1].legend(fontsize=8)
    figure.savefig(to, dpi=80, metadata={"Software": None})
    plt.close(figure)


def _draw_leads(axis: Any, metric: str, pairs: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401
    for place, pair in enumerate(pairs):
        if pair["value"] is not None:
            axis.plot([pair["ci_low"], pair["ci_high"]], [place, place], color="tab:blue")
            axis.plot(pair["value"], place, "o", color="black", markersize=4)
    axis.axvline(0, color="grey", linewidth=1)
    axis.set(title=f"{metric}: lead", yticks=[])
