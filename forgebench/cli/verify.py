"""`forgebench verify`: a benchmark or a record against its hashes, every number computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, Workers, print_json, print_problems


def verify(
    path: Annotated[Path, typer.Argument(help="A benchmark's folder, a record, or a score's folder.")],
    key: Annotated[Path | None, typer.Option(help="A board's public key, PEM, that must have signed it.")] = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Check anything that has a hash; every number of a record is computed again."""
    import forgebench

    problems = forgebench.verify(path, workers=workers, key=key)
    if as_json:
        print_json({"path": str(path), "ok": not problems, "problems": [problem.to_dict() for problem in problems]})
    elif problems:
        print_problems(problems)
    else:
        typer.echo(f"{path}: verified.")
    raise typer.Exit(1 if problems else 0)
