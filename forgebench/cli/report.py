"""`forgebench report`: an HTML page of one or several scores."""

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
    as_json: AsJson = False,
) -> None:
    """Write a page with tables, curves and a gallery of best and worst cases."""
    import forgebench
    from forgebench.report import write_report

    opened = None if benchmark is None else forgebench.open_benchmark(benchmark)
    page = write_report(scores, out, benchmark=opened)
    if as_json:
        print_json({"report": str(page)})
    else:
        typer.echo(f"Report: {page} (open it in a browser)")
