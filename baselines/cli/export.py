"""`python -m baselines export`: a trained run as a folder to share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, hint, print_json


def export(
    run: Annotated[Path, typer.Argument(help="A folder that train made.")],
    out: Annotated[Path | None, typer.Option(help="Where to; the run's own folder unless said.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write weights (safetensors), configuration and a model card of the best checkpoint."""
    from baselines.common.export import export as write

    made = write(run, out)
    if as_json:
        print_json({"path": str(made)})
        return
    typer.echo(f"{made}: exported.")
    hint(f"forgebench predict {made} BENCHMARK --out SUB.parquet")
