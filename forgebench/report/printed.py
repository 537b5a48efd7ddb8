"""The page's curves as PDF figures for a paper, one file each, drawn from the same data."""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgebench.errors import InputError
from forgebench.report.curves import Figure, figures
from forgebench.report.entries import Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (3.4, 2.6)
"""Inches: one column of a paper in two."""
_STYLE: Any = {"font.size": 8, "pdf.fonttype": 42, "axes.spines.top": False, "axes.spines.right": False}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""The colours that the colour-blind tell apart, of Okabe and Ito (2008)."""
_LABELS = {"tampered": "#d55e00", "authentic": "#0072b2"}
_MARKERS = {"diamond": "D"}


def write_figures(entries: Sequence[Entry], folder: str | Path) -> list[Path]:
    """Write every curve as `<name>.pdf`; the same entries give the same bytes.

    Raises:
        InputError: If matplotlib is not installed, or the folder is a file.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        raise InputError("Figures need matplotlib: pip install 'forgebench[figures]'") from error
    folder = Path(folder)
    if folder.is_file():
        raise InputError(f"{folder} is a file. Name a folder for the figures.")
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        return [_write(figure, folder / f"{name.replace('_', '-')}.pdf") for name, figure in figures(entries).items()]


def _write(figure: Figure, path: Path) -> Path:
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=_SIZE, layout="constrained")
    axes = canvas.add_subplot()
    for line in figure["layout"].get("shapes", ()):
        axes.plot([line["x0"], line["x1"]], [line["y0"], line["y1"]], color="0.7", linewidth=0.8, linestyle="--")
    for trace in figure["data"]:
        _draw(axes, trace)
    for axis in ("x", "y"):
        about = figure["layout"][f"{axis}axis"]
        axes.set(**{f"{axis}label": about["title"]["text"], f"{axis}lim": about["range"]})
    if figure["data"][0]["type"] == "bar":
        axes.set_ylim(0, None)
    axes.legend(frameon=False, fontsize=7)
    temporary = path.with_name(f".{path.name}.partial")
    canvas.savefig(temporary, format="pdf", metadata={"CreationDate": None, "Creator": "ForgeBench"})
    temporary.replace(path)
    return path


def _draw(axes: Axes, trace: dict[str, Any]) -> None:
    # A dollar would begin a formula.
    name = unescape(trace["name"]).replace("$", r"\$")
    if trace["type"] == "bar":
        axes.bar(trace["x"], trace["y"], trace["width"], label=name, color=_LABELS[trace["name"]], alpha=0.6)
        return
    colour = _COLOURS[trace["meta"]["entry"] % len(_COLOURS)]
    if trace["mode"] == "markers":
        axes.plot(trace["x"], trace["y"], _MARKERS[trace["marker"]["symbol"]], color=colour, markersize=5)
        return
    steps = "steps-pre" if trace.get("line", {}).get("shape") == "vh" else "default"
    axes.plot(trace["x"], trace["y"], color=colour, label=name, linewidth=1.2, drawstyle=steps)
    if trace["mode"] == "lines+markers":
        axes.scatter(trace["x"], trace["y"], [size**2 / 4 for size in trace["marker"]["size"]], color=colour)
