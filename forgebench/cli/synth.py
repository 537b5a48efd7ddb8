"""`forgebench synth`: photos → synthetic benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, Workers, print_json


def synth(
    photos: Annotated[Path, typer.Option(help="A folder of photographs.")],
    out: Annotated[Path, typer.Option(help="Where the benchmark is written.")],
    n: Annotated[int, typer.Option("-n", help="Number of samples.", min=1)],
    recipe: Annotated[str, typer.Option(help="The recipe's name.")] = "demo",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = 0,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Make splice and copy-move forgeries, with matched authentic images, from a folder of photographs."""
    import forgebench

    benchmark = forgebench.synthesize(photos, out, n=n, recipe=recipe, seed=seed, workers=workers)
    total = benchmark.manifest.total
    if as_json:
        print_json({"path": str(out), "content_hash": benchmark.content_hash, **total.model_dump()})
        return
    typer.echo(f"{out}: {total.samples} samples, {total.authentic} authentic, {total.tampered} tampered.")
    typer.echo(f"  Content hash {benchmark.content_hash}")
    typer.echo(f"Next: forgebench predict METHOD {out} --out SUB")
