"""`forgebench report`: an HTML page of one or several scores, and its main table for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, print_json


def report(
    scores: Annotated[list[Path], typer.Argument(help="Scores' folders, or a folder of such folders.")],
    out: Annotated[Path | None, typer.Option(help="The page; report.html in the first folder unless said.")] = None,
    benchmark: Annotated[
        Path | None, typer.Option("--benchmark", "-b", help="Where the benchmark lies now, for the pictures.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="The leading metric; pixel_f1 unless said, image_auc without masks.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="A file for the main table in Markdown.")] = None,
    latex: Annotated[Path | None, typer.Option(help="A file for the main table in LaTeX.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="A folder for the curves as PDF files; needs forgebench[figures].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page with tables, comparisons, curves and a gallery of best and worst cases."""
    import forgebench
    from forgebench.report import write_report

    opened = None if benchmark is None else forgebench.open_benchmark(benchmark)
    page = write_report(
        scores, out, benchmark=opened, metric=metric, markdown=markdown, latex=latex, figures=figures
    )
    named = {"markdown": markdown, "latex": latex, "figures": figures}
    beside = {name: file for name, file in named.items() if file is not None}
    if as_json:
        print_json({"report": str(page), **{name: str(file) for name, file in beside.items()}})
        return
    typer.echo(f"Report: {page} (open it in a browser)")
    for name, file in beside.items():
        typer.echo(f"{name.capitalize()}: {file}")
