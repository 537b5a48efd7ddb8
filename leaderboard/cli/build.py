"""`python -m leaderboard build`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def build(
    records: Annotated[Path, typer.Argument(help="A folder of entries: ENTRY/record.json.")],
    out: Annotated[Path, typer.Option(help="The site's folder; an earlier site there is replaced.")],
    benchmarks: Annotated[
        list[Path] | None, typer.Option(help="A built benchmark, for its card, audit and pictures; may be repeated.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The board's public key, PEM: records must be signed by it.")] = None,
) -> None:
    """Build the static site from records that verify; exits 1 where one does not, and names it."""
    from leaderboard.site import build as build_site
    from leaderboard.site.build import REFUSED

    page = build_site(records, out, benchmarks=benchmarks or (), key=key)
    typer.echo(f"Site: {page} (open it in a browser)")
    refused = json.loads((out / REFUSED).read_text(encoding="utf-8"))
    for entry, problems in refused.items():
        typer.echo(f"Not shown: {entry}: {problems[0]}", err=True)
    raise typer.Exit(1 if refused else 0)
