"""`forgebench rescore`: compute a record's numbers again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, Workers, print_json, print_metrics


def rescore(
    record: Annotated[Path, typer.Argument(help="A record, or its folder.")],
    predictions: Annotated[
        Path | None, typer.Option(help="Begin from this submission, not the per-image table.")
    ] = None,
    benchmark: Annotated[Path | None, typer.Option("--benchmark", "-b", help="Needed with --predictions.")] = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Compute a record's numbers again and say whether they are the same; exit 1 where they are not."""
    import forgebench

    opened = None if benchmark is None else forgebench.open_benchmark(benchmark)
    before, _ = forgebench.read_record(record)
    after = forgebench.rescore(record, predictions=predictions, benchmark=opened, workers=workers)
    same = before.metrics == after.metrics
    if as_json:
        print_json({"identical": same, **after.model_dump()})
    else:
        print_metrics(after.metrics)
        typer.echo("Identical to the record." if same else "NOT identical to the record.")
    raise typer.Exit(0 if same else 1)
