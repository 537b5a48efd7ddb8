"""`python -m baselines train`: train a method from its own level of annotation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baselines.cli.options import BenchmarkPath, ConfigFile, MethodName, Preset, Settings, configured
from forgebench.cli.output import AsJson, hint, print_json


def train(
    method: MethodName,
    data: BenchmarkPath,
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    preset: Preset = "small",
    settings: Settings = None,
    config: ConfigFile = None,
    split: Annotated[str, typer.Option(help="What to train on; a share of its groups is held out.")] = "train",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a method. Several GPUs: `accelerate launch -m baselines train …`."""
    chosen, made = configured(method, preset, settings, config)
    from accelerate import PartialState

    from baselines.common.export import export
    from baselines.common.loop import train as run

    trained = run(chosen, made, data, out, split=split, resume=resume, say=lambda line: typer.echo(line, err=as_json))
    if not PartialState().is_main_process:
        return
    export(out)
    if as_json:
        numbers = {name: value for name, value in trained.best.numbers.items() if value == value}
        print_json({"run": str(out), "epochs": trained.epochs, "best_epoch": trained.best.epoch, "held_out": numbers})
        return
    typer.echo(f"{out}: {chosen.name}, {trained.epochs} epochs, best after {trained.best.epoch}.")
    typer.echo(f"{trained.waiting:.0%} of the time was spent waiting for data.")
    hint(f"forgebench predict {out} BENCHMARK --out SUB.parquet")
