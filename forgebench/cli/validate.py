"""`forgebench validate`: every problem of a submission at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, Workers, hint, print_json, print_problems
from forgebench.errors import InputError


def validate(
    submission: Annotated[Path | None, typer.Argument(help="A folder, a .zip or a .parquet file.")] = None,
    benchmark: Annotated[Path | None, typer.Option("--benchmark", "-b", help="The benchmark's folder.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of submission.json.")] = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Check a submission; exit 1 where something is wrong."""
    import forgebench
    from forgebench.submission import FATAL, json_schema

    if schema:
        print_json(json_schema())
        return
    if submission is None or benchmark is None:
        raise InputError("Name a submission and its benchmark: forgebench validate SUB --benchmark BENCH")
    problems = forgebench.validate(submission, forgebench.open_benchmark(benchmark), workers=workers)
    if as_json:
        print_json({"path": str(submission), "ok": not problems, "problems": [p.to_dict() for p in problems]})
    elif problems:
        print_problems(problems)
        fatal = any(problem.code in FATAL for problem in problems)
        typer.echo("It cannot be scored." if fatal else "It can be scored; these samples get the worst value.")
    else:
        typer.echo(f"{submission}: valid.")
        hint(f"forgebench score {submission} --benchmark {benchmark} --out SCORES")
    raise typer.Exit(1 if problems else 0)
