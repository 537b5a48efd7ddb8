"""`python -m baselines coarseness`: BoxPromptIML trained from ever looser boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from baselines.cli.options import BenchmarkPath, ConfigFile, Preset, Settings, configured
from forgebench.cli.output import AsJson, console, print_json


def coarseness(
    data: BenchmarkPath,
    work: Annotated[Path, typer.Option(help="Runs, predictions and scores; large.")],
    out: Annotated[Path, typer.Option(help="Where coarseness.json and coarseness.png are written.")],
    ratios: Annotated[str, typer.Option(help="Largest outward move of a side, as shares of it.")] = "0,0.1,0.25,0.5",
    preset: Preset = "small",
    settings: Settings = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Train, predict and score once for each coarseness of boxes, and for the configuration's own."""
    method, made = configured("boxpromptiml", preset, settings, config)
    from baselines.boxpromptiml.coarseness import SHOWN, sweep

    try:
        asked = [float(ratio) for ratio in ratios.split(",")]
    except ValueError as error:
        raise typer.BadParameter("expected numbers separated by commas", param_hint="--ratios") from error
    found = sweep(method, made, data, work, out, ratios=asked, say=lambda line: typer.echo(line, err=as_json))
    if as_json:
        print_json(found)
        return
    table = Table("coarseness", "IoU of pseudo masks", *SHOWN)
    for row in found:
        shown = [row["iou"], *(row[name]["value"] for name in SHOWN)]
        table.add_row(f"{row['coarseness']:g}", *("–" if one is None else f"{one:.3f}" for one in shown))
    console().print(table)
    typer.echo(f"{out}: coarseness.json, coarseness.png")
