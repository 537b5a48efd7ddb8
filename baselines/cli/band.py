"""`python -m baselines band`: is a SAPL run's evidence at the edges of forgeries?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from baselines.cli.options import BenchmarkPath, changes
from forgebench.cli.output import AsJson, console, print_json


def band(
    run: Annotated[Path, typer.Argument(help="A run of sapl.")],
    data: BenchmarkPath,
    out: Annotated[Path, typer.Option(help="Where band.json and band.png are written.")],
    split: Annotated[str, typer.Option(help="Whose tampered images are looked at.")] = "test",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change a step of the processing, such as affinity=2; repeat.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure SAPL's map in a band around true boundaries, inside and outside, before and after processing."""
    from baselines.sapl.band import measure

    report = measure(run, data, out, split=split, seed=seed, steps=changes(settings or []))
    if as_json:
        print_json(report)
        return
    table = Table("mean P", "before processing", "after")
    for name in report["before"]:
        table.add_row(name.replace("_", " "), *(_shown(report[when][name]) for when in ("before", "after")))
    table.add_row("greatest value", *(_shown(report["greatest"][when]) for when in ("before", "after")))
    for part in ("edges", "chosen"):
        for name, value in report[part].items():
            table.add_row(f"{part}: {name.replace('_', ' ')}", _shown(value), "")
    console().print(table)
    for name, said in report["claim"].items():
        typer.echo(f"{name.replace('_', ' ')}: {said}")
    typer.echo(f"{out}: band.json, band.png")


def _shown(value: dict[str, Any]) -> str:
    if value["mean"] is None:
        return "undefined"
    return f"{value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f}), n = {value['n']}"
