"""`forgebench demo`: the whole story on bundled photographs."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, Workers, print_json


def demo(
    out: Annotated[Path, typer.Option(help="A folder; an earlier demo there is replaced.")] = Path("forgebench-demo"),
    seed: Annotated[int, typer.Option(help="Same seed, same benchmark, predictions and metrics.", min=0)] = 0,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Forge, predict, score, verify and report, on photographs that come with the package."""
    from forgebench.demo import run_demo

    made = run_demo(out, seed=seed, workers=workers, say=lambda line: typer.echo(line, err=as_json))
    if as_json:
        print_json(asdict(made))
        return
    typer.echo(f"\nReport: {Path(made.report).resolve()} (open it in a browser)\nNext:")
    ghost, command = out / "scores" / "jpeg-ghost", _command()
    steps = {
        f"verify {ghost}": "check a record, every number computed again",
        f"compare {out / 'scores'}/*": "which methods do the data tell apart?",
        f"browse {made.benchmark} {ghost}": "its failures in FiftyOne (needs the extra: browse)",
        "sources": "public data sets, and how to build them",
    }
    width = max(map(len, steps))
    for step, why in steps.items():
        typer.echo(f"  {command} {step:{width}}   {why}")


def _command() -> str:
    """What to type for `forgebench` here: its path, where it is not on the search path."""
    found = Path(sys.argv[0])
    if shutil.which("forgebench") or found.name != "forgebench":
        return "forgebench"
    return os.path.relpath(found)
