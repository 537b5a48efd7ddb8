"""`forgebench audit`: shortcuts, leaks, duplicates, wrong truth, and what a benchmark holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from forgebench.cli.output import AsJson, Workers, console, print_json

if TYPE_CHECKING:
    from forgebench.audits import Audit


def audit(
    benchmarks: Annotated[list[Path], typer.Argument(help="Folders of benchmarks; several are compared, too.")],
    out: Annotated[Path | None, typer.Option(help="Where audit.json and audit.html are written.")] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the findings into each benchmark's README.md.")] = False,
    seed: Annotated[int, typer.Option(help="Of folds, classifiers and bootstrap.", min=0)] = 0,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Look for shortcuts, leaks and wrong truth; exits 1 where labels or splits can be told or shared by cheating."""
    from forgebench.audits import audit as run
    from forgebench.audits import write_audit, write_card

    found = run(benchmarks, seed=seed, workers=workers)
    if out is not None:
        write_audit(found, out)
    if card:
        for benchmark in benchmarks:
            write_card(found, benchmark)
    if as_json:
        print_json(json.loads(found.to_json()))
    else:
        _print(found)
        if out is not None:
            typer.echo(f"Page: {out / 'audit.html'} (open it in a browser)")
    raise typer.Exit(1 if found.negative else 0)


def _print(found: Audit) -> None:
    table = Table("", "benchmark", "what", show_lines=True)
    for verdict in found.verdicts:
        mark = "[red]fails[/red]" if verdict.negative else ""
        table.add_row(mark, ", ".join(verdict.benchmarks), verdict.text.replace("[", r"\["))
    console().print(table)
