"""`forgebench hide`: a benchmark → a public half without truth, and a private half."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, Workers, hint, print_json


def hide(
    benchmark: Annotated[Path, typer.Argument(help="The benchmark's folder.")],
    public: Annotated[Path, typer.Option(help="Where the half without truth is written.")],
    private: Annotated[Path, typer.Option(help="Where the half with the truth is written; for the board alone.")],
    split: Annotated[list[str] | None, typer.Option(help="A split to hide; repeat. All unless said.")] = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Split a benchmark: what participants predict, and what a board scores on; samples get new names in both."""
    import forgebench

    made = forgebench.hide(benchmark, public=public, private=private, splits=split, workers=workers)
    hash_, total = made.private.content_hash, made.private.manifest.total.samples
    if as_json:
        print_json({"public": str(public), "private": str(private), "content_hash": hash_, "samples": total})
        return
    typer.echo(f"{public}: {total} samples, for everyone. {private}: with the truth; never publish it.")
    typer.echo(f"  Content hash of both {hash_}")
    hint(f"forgebench predict METHOD {public} --out SUB")
