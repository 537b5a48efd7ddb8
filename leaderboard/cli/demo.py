"""`python -m leaderboard demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench import InputError


def demo(
    out: Annotated[Path, typer.Option(help="A new folder.")] = Path("board-demo"),
    samples: Annotated[int, typer.Option(help="Images of the benchmark.", min=12)] = 60,
    robust: Annotated[bool, typer.Option(help="Score three entries over JPEG qualities and sizes, too.")] = True,
) -> None:
    """Forge, score and build a board of controls and of truths spoilt on purpose; every number is measured."""
    from leaderboard.demo import demo_records
    from leaderboard.site import build

    if out.exists():
        raise InputError(f"{out} is there already. Choose another --out, or remove it first.")
    records = demo_records(out, samples=samples, robust=robust, say=typer.echo)
    page = build(records, out / "site", benchmarks=[out / "benchmarks" / "demo"])
    typer.echo(f"Site: {page} (open it in a browser)")
