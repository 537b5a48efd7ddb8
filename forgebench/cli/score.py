"""`forgebench score`: submission × benchmark → record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forgebench.cli.output import AsJson, BenchmarkPath, EngineName, Workers, print_json, print_metrics

if TYPE_CHECKING:
    from forgebench.engine import Engine
    from forgebench.scoring.numbers import Interval


def score(
    submission: Annotated[Path, typer.Argument(help="A folder, a .zip or a .parquet file.")],
    benchmark: BenchmarkPath,
    out: Annotated[Path, typer.Option(help="Where record.json and per_image.parquet are written.")],
    split: Annotated[str | None, typer.Option(help="The split that the submission must be for.")] = None,
    definitions: Annotated[str, typer.Option(help="Definitions, separated by commas, or `all`.")] = "forgebench",
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="Slice by manipulation, region_size, image_size, jpeg_quality or source; repeat."),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="A score of the same method on another split: thresholds are frozen there.")
    ] = None,
    interval: Annotated[str, typer.Option(help="Bootstrap intervals: `percentile` or `bca`.")] = "percentile",
    boundary: Annotated[bool, typer.Option(help="Count boundaries, the slowest part.")] = True,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 0,
    workers: Workers = None,
    engine: EngineName = "local",
    as_json: AsJson = False,
) -> None:
    """Score a submission; missing and invalid predictions get the worst value and are counted."""
    import forgebench

    names = [name.strip() for name in definitions.split(",") if name.strip()]
    record = forgebench.score(
        submission,
        benchmark,
        out,
        split=split,
        definitions=names,
        slices=slices or (),
        calibration=calibration,
        interval=cast("Interval", interval),
        boundary=boundary,
        seed=seed,
        workers=workers,
        engine=cast("Engine", engine),
    )
    if as_json:
        print_json(record.model_dump())
        return
    print_metrics(record.metrics)
    for code, count in record.predictions.problems.items():
        typer.echo(f"{count} samples got the worst value: {code}")
    typer.echo(f"Record: {out / 'record.json'} (SHA-256 {record.record_sha256[:12]}…)")
    typer.echo(f"Next: forgebench report {out}, or forgebench browse {benchmark} {out}")
