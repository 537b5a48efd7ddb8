"""`forgebench predict`: run a method over a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, hint, print_json


def predict(
    method: Annotated[
        str, typer.Argument(help="package.module:factory such as baselines.controls:jpeg_ghost, or an exported folder.")
    ],
    benchmark: Annotated[Path, typer.Argument(help="The folder of a benchmark or of a grid.")],
    out: Annotated[Path, typer.Option(help="A folder, name.zip or name.parquet; a folder of them for a grid.")],
    split: Annotated[str, typer.Option(help="The split to predict.")] = "test",
    device: Annotated[str | None, typer.Option(help="Handed to the factory.")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict every sample of a split and write the submission, or one for every recipe of a grid."""
    import sys

    import forgebench
    from forgebench.benchmark.grid import INDEX

    sys.path.insert(0, str(Path.cwd()))
    if (benchmark / INDEX).is_file():
        made = forgebench.predict_grid(method, benchmark, out, split=split, device=device)
        if as_json:
            print_json({"path": str(out), "submissions": [str(one.path) for one in made]})
            return
        typer.echo(f"{out}: {len(made)} submissions, one for every recipe.")
        hint(f"forgebench score {out} --benchmark {benchmark} --out SCORES --clean CLEAN_SCORE")
        return
    submission = forgebench.predict(method, forgebench.open_benchmark(benchmark), out, split=split, device=device)
    if as_json:
        print_json({"path": str(out), **submission.manifest.model_dump()})
        return
    seconds = submission.manifest.seconds_per_image or 0
    typer.echo(f"{out}: predictions of {submission.manifest.method}, {seconds:.3f} s an image.")
    hint(f"forgebench score {out} --benchmark {benchmark} --out SCORES")
