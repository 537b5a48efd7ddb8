"""`forgebench rescore`: compute a record's numbers again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forgebench.cli.output import AsJson, EngineName, Workers, print_json, print_metrics

if TYPE_CHECKING:
    from forgebench.engine import Engine


def rescore(
    record: Annotated[Path, typer.Argument(help="A record, or its folder.")],
    predictions: Annotated[
        Path | None, typer.Option(help="Begin from this submission, not the per-image table.")
    ] = None,
    benchmark: Annotated[Path | None, typer.Option("--benchmark", "-b", help="Needed with --predictions.")] = None,
    workers: Workers = None,
    engine: EngineName = "local",
    as_json: AsJson = False,
) -> None:
    """Compute a record's numbers again and say whether they are the same; exit 1 where they are not."""
    import forgebench

    before, _ = forgebench.read_record(record)
    after = forgebench.rescore(
        record, predictions=predictions, benchmark=benchmark, workers=workers, engine=cast("Engine", engine)
    )
    same = before.metrics == after.metrics
    if as_json:
        print_json({"identical": same, **after.model_dump()})
    else:
        print_metrics(after.metrics)
        typer.echo("Identical to the record." if same else "NOT identical to the record.")
    raise typer.Exit(0 if same else 1)
