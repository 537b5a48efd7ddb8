"""`python -m baselines onnx`: a BoxPromptIML run as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, print_json


def onnx(
    run: Annotated[Path, typer.Argument(help="A run of boxpromptiml, exported.")],
    out: Annotated[Path, typer.Option(help="The file to write, such as model.onnx.")],
    as_json: AsJson = False,
) -> None:
    """Write the student as one ONNX file, checked against torch."""
    from baselines.boxpromptiml.onnx import to_onnx

    apart = to_onnx(run, out)
    if as_json:
        print_json({"path": str(out), "largest_difference": apart})
        return
    typer.echo(f"{out}: differs from torch by at most {apart:.1e}.")
