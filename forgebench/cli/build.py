"""`forgebench build`: public data set → benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forgebench.cli.output import AsJson, EngineName, Workers, hint, issues, print_json

if TYPE_CHECKING:
    from forgebench.engine import Engine


def build(
    name: Annotated[str, typer.Argument(help="The source's name; `forgebench sources` lists them.")],
    root: Annotated[Path, typer.Option("--from", help="The folder that holds the data set.")],
    out: Annotated[Path, typer.Option(help="Where the benchmark is written.")],
    protocol: Annotated[
        str | None,
        typer.Option(help="A published division into splits, or a CSV file of your own with sample_id and split."),
    ] = None,
    allow_issues: Annotated[
        str, typer.Option(help="Kinds of problems whose samples are left out, separated by commas, or `all`.")
    ] = "",
    workers: Workers = None,
    engine: EngineName = "local",
    as_json: AsJson = False,
) -> None:
    """Turn a public data set, or your own folder, into a benchmark."""
    import forgebench

    benchmark = forgebench.build(
        name,
        root,
        out,
        protocol=protocol,
        allow_issues=issues(allow_issues),
        workers=workers,
        engine=cast("Engine", engine),
    )
    manifest = benchmark.manifest
    if as_json:
        print_json(
            {
                "path": str(out),
                "name": benchmark.name,
                "protocol": manifest.facts.protocol,
                **manifest.model_dump(exclude={"rows", "files", "facts"}),
            }
        )
        return
    total = manifest.total
    typer.echo(f"{out}: {total.samples} samples, {total.authentic} authentic, {total.tampered} tampered.")
    if manifest.facts.protocol:
        counts = ", ".join(f"{split.samples} {name}" for name, split in manifest.splits.items())
        typer.echo(f"  Protocol {manifest.facts.protocol}: {counts}.")
    for label, count in manifest.facts.expected.items():
        have = total.model_dump()[label]
        if have != count:
            typer.echo(f"  This copy has {have} of {count} {label} samples.")
    _several("samples have a mask here, but no image:", manifest.missing)
    fixes = sorted({f"{fix.sample_id} ({fix.action})" for fix in manifest.known_issues})
    _several("known defects, and what was done:", fixes)
    _several("samples left out:", [f"{p.sample_id} ({p.code})" for p in manifest.skipped])
    typer.echo(f"  Content hash {benchmark.content_hash}")
    hint(f'load_dataset("{out}", "pixel", split="{benchmark.splits[0]}"), or forgebench predict METHOD {out}')


def _several(what: str, things: list[str], shown: int = 10) -> None:
    if things:
        rest = f" … and {len(things) - shown} more (all in forgebench.json)" if len(things) > shown else ""
        typer.echo(f"  {len(things)} {what} {', '.join(things[:shown])}{rest}")
