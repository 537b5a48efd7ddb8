"""`forgebench robustness`: what a method loses under each recipe of a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forgebench.cli.output import AsJson, console, hint, print_json

if TYPE_CHECKING:
    from forgebench.scoring import Robustness


def robustness(
    scores: Annotated[list[Path], typer.Argument(help="Scores on the grid's benchmarks, or folders of such scores.")],
    grid: Annotated[Path, typer.Option("--benchmark", "-b", help="The grid's folder.")],
    clean: Annotated[Path, typer.Option(help="The method's score on the benchmark that the grid was made from.")],
    out: Annotated[Path | None, typer.Option(help="The folder to write to, the clean score's unless said.")] = None,
    metric: Annotated[str, typer.Option(help="The metric's id.")] = "pixel_f1",
    definition: Annotated[str, typer.Option(help="Its definition.")] = "forgebench",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a method's scores over a grid with its clean one, sample by sample."""
    import forgebench
    from forgebench.scoring import read_record
    from forgebench.scoring.grid import write_robustness

    made = forgebench.robustness(clean, scores, grid, metric=metric, definition=definition, seed=seed)
    _, home = read_record(clean)
    folder = home if out is None else out
    write_robustness(made, home, folder)
    print_robustness(made, folder, as_json=as_json)


def print_robustness(made: Robustness, out: Path, *, as_json: bool) -> None:
    """Every point and area, as a table."""
    from rich.table import Table

    if as_json:
        print_json(made.model_dump())
        return
    title = f"{made.metric} of {made.method}, {_number(made.clean)} clean"
    table = Table("recipe", "value", "95 % interval", "minus clean", "95 % interval", "p (Holm)", "n", title=title)
    for curve in made.curves:
        named = [(point.recipe, point, point.p_holm, str(point.n)) for point in curve.points]
        areas = [(f"{curve.family}: area", curve.area, None, "")] if curve.area else []
        for name, one, p, n in named + areas:
            table.add_row(
                name, _number(one.value), _interval(one.ci_low, one.ci_high), _number(one.difference),
                _interval(one.difference_low, one.difference_high), "" if p is None else f"{p:.2g}", n,
            )  # fmt: skip
    console().print(table)
    if made.missing:
        typer.echo(f"Not scored, so without an area: {', '.join(made.missing)}")
    left_out = {point.recipe: point.left_out for curve in made.curves for point in curve.points if point.left_out}
    for recipe, count in left_out.items():
        typer.echo(f"{recipe}: {count} clean samples are not there, and not compared.")
    hint(f"forgebench report {out}")


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
