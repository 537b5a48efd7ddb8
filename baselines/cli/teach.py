"""`python -m baselines teach`: BoxPromptIML's pseudo masks of a benchmark, and how good they are."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from baselines.cli.options import BenchmarkPath, ConfigFile, Preset, Settings, configured
from forgebench.cli.output import AsJson, console, hint, print_json


def teach(
    data: BenchmarkPath,
    preset: Preset = "small",
    settings: Settings = None,
    config: ConfigFile = None,
    split: Annotated[str, typer.Option(help="Whose tampered images get masks.")] = "train",
    previews: Annotated[int, typer.Option(help="How many masks are drawn onto their images.", min=0)] = 20,
    truth: Annotated[
        Path | None, typer.Option(help="Compare with the pixel truth, and write the report here; diagnostic only.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where the teacher runs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write BoxPromptIML's pseudo masks once, into teacher.folder: `--set teacher.folder=DIR`."""
    _, made = configured("boxpromptiml", preset, settings, config)
    from baselines.boxpromptiml import quality
    from baselines.boxpromptiml.teach import teach as run

    taught = run(made, data, split=split, previews=previews, device=device)
    report = quality.measure(made, data, split=split) if truth is not None else None
    if truth is not None:
        truth.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json({"folder": made.teacher.folder, "masks": [asdict(one) for one in taught], "quality": report})
        return
    typer.echo(f"{made.teacher.folder}: {len(taught)} pseudo masks by {made.teacher.kind}.")
    if report is not None:
        table = Table("mean over images", "pseudo masks", "their boxes")
        for name in quality.SHOWN:
            table.add_row(name, *(f"{report[kind][name]['mean']:.3f}" for kind in ("masks", "boxes")))
        console().print(table)
    hint(f"python -m baselines train boxpromptiml --data {data} --set teacher.folder={made.teacher.folder} --out RUN")
