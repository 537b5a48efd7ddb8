"""`forgebench score`: submission × benchmark → record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forgebench.cli.output import AsJson, BenchmarkPath, EngineName, Workers, hint, parts, print_json, print_metrics
from forgebench.cli.robustness import print_robustness


def score(
    submission: Annotated[
        Path, typer.Argument(help="A folder, a .zip or a .parquet file; for a grid a folder of them, one a recipe.")
    ],
    benchmark: BenchmarkPath,
    out: Annotated[
        Path,
        typer.Option(help="Where record.json and per_image.parquet are written; for a grid, with a folder a recipe."),
    ],
    split: Annotated[str | None, typer.Option(help="The split that the submission must be for.")] = None,
    definitions: Annotated[str, typer.Option(help="Definitions, separated by commas, or `all`.")] = "forgebench",
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="Slice by manipulation, region_size, image_size, jpeg_quality or source; repeat."),
    ] = None,
    subset: Annotated[
        list[Path] | None,
        typer.Option(help="A list of sample ids, one a line, scored too under the file's name; repeat."),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="A score of the same method on another split: thresholds are frozen there.")
    ] = None,
    interval: Annotated[str, typer.Option(help="Bootstrap intervals: `percentile` or `bca`.")] = "percentile",
    without: Annotated[
        list[str] | None, typer.Option(help="Leave out `boundary` or `regions`, the slowest counts; repeat.")
    ] = None,
    clean: Annotated[
        Path | None, typer.Option(help="For a grid: the method's score on the benchmark that it was made from.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 0,
    workers: Workers = None,
    engine: EngineName = "local",
    as_json: AsJson = False,
) -> None:
    """Score a submission; missing and invalid predictions get the worst value and are counted."""
    import forgebench
    from forgebench.benchmark.grid import INDEX
    from forgebench.errors import InputError
    from forgebench.scoring.subsets import read_subsets

    grid = (benchmark / INDEX).is_file()
    if grid == (clean is None):
        raise InputError(
            f"{benchmark} is a grid. Give the score of the benchmark that it was made from: --clean CLEAN_SCORE"
            if grid
            else f"{benchmark} is no grid: leave out --clean."
        )
    options: dict[str, Any] = {
        "split": split, "definitions": parts(definitions), "slices": slices or (), "calibration": calibration,
        "interval": interval, "without": without or (), "seed": seed, "workers": workers, "engine": engine,
    }  # fmt: skip
    if clean is not None and subset:
        raise InputError("A subset is of one benchmark, a grid is many: leave out --subset.")
    if clean is not None:
        made = forgebench.score_grid(submission, benchmark, out, clean=clean, **options)
        print_robustness(made, out, as_json=as_json)
        return
    record = forgebench.score(submission, benchmark, out, subsets=read_subsets(subset or ()), **options)
    if as_json:
        print_json(record.model_dump())
        return
    print_metrics(record.metrics)
    for code, count in record.predictions.problems.items():
        typer.echo(f"{count} samples got the worst value: {code}")
    typer.echo(f"Record: {out / 'record.json'} (SHA-256 {record.record_sha256[:12]}…)")
    hint(f"forgebench report {out}, or forgebench browse {benchmark} {out}")
