"""`forgebench demo`: the whole story on bundled photographs."""

from __future__ import annotations

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
    scores = out / "scores"
    typer.echo(f"\nReport: {Path(made.report).resolve()} (open it in a browser)")
    typer.echo("Next:")
    typer.echo(f"  forgebench verify {scores / 'jpeg-ghost'}           check a record, every number computed again")
    typer.echo(f"  forgebench compare {scores / '*'}            which methods do the data tell apart?")
    typer.echo(
        f"  forgebench browse {made.benchmark} {scores / 'jpeg-ghost'}   its failures in FiftyOne (extra: browse)"
    )
    typer.echo("  forgebench sources                     public data sets, and how to build them")
