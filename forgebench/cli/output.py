"""What commands print: tables and sentences for people, one JSON document for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from forgebench import engine
from forgebench.errors import Problem, ProblemsError

if TYPE_CHECKING:
    from forgebench.scoring.record import MetricValue

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Workers = Annotated[int | None, typer.Option(help="Number of processes; all cores unless said.", min=1)]
EngineName = Annotated[str, typer.Option("--engine", help="`local` processes, or `ray`: a Ray cluster.")]
BenchmarkPath = Annotated[Path, typer.Option("--benchmark", "-b", help="The benchmark's folder.")]

_PIPE_WIDTH = 120


def parts(text: str) -> list[str]:
    """What is separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def issues(text: str) -> list[str] | Literal["all"]:
    """The kinds of problems that `--allow-issues` names."""
    named = parts(text)
    return "all" if named == ["all"] else named


def console() -> Console:
    """Standard output; wide enough for tables where it is no terminal."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=_PIPE_WIDTH)


def print_json(document: Any) -> None:  # noqa: ANN401
    """One JSON document on standard output."""
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def hint(text: str) -> None:
    """What to do next, unless told to be quiet."""
    if not engine.QUIET:
        typer.echo(f"Next: {text}")


def print_error(error: Exception, *, as_json: bool) -> None:
    """An error for the user, on standard error; as JSON on standard output where that was asked for."""
    if as_json:
        problems = error.problems if isinstance(error, ProblemsError) else []
        summary = error.summary if isinstance(error, ProblemsError) else str(error)
        print_json({"error": summary, "problems": [problem.to_dict() for problem in problems]})
    else:
        typer.secho(f"Error: {error}", err=True, fg=typer.colors.RED if Console(stderr=True).is_terminal else None)


def print_problems(problems: Sequence[Problem], *, shown: int = 50) -> None:
    """Problems as a table."""
    table = Table("problem", "sample", "expected", "got", "what to do", title=f"{len(problems)} problems")
    for problem in problems[:shown]:
        row = (problem.code, problem.sample_id, problem.expected, problem.got, problem.fix)
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    console().print(table)
    if len(problems) > shown:
        typer.echo(f"… and {len(problems) - shown} more; all of them with --json.")


def print_metrics(metrics: Sequence[MetricValue]) -> None:
    """The numbers of a record's first definition, as a table; how many more there are, in words."""
    first = [one for one in metrics if (one.definition, one.subset) == (metrics[0].definition, None)]
    more = len(metrics) - len(first)
    metrics = first
    table = Table("metric", "definition", "value", "95 % interval", "n", "undefined", "")
    nothing = [one for one in metrics if one.value is None and one.n == one.n_undefined]
    for one in metrics:
        if one in nothing:
            continue
        interval = "" if one.ci_low is None or one.ci_high is None else f"{one.ci_low:.3f} to {one.ci_high:.3f}"
        note = "" if one.rankable else "not rankable"
        value = "undefined" if one.value is None else f"{one.value:.4f}"
        name = f"{one.definition} v{one.version}"
        table.add_row(one.metric, name, value, interval, str(one.n), str(one.n_undefined), note)
    console().print(table)
    if nothing:
        names = ", ".join(dict.fromkeys(one.metric for one in nothing))
        typer.echo(f"Undefined for all samples: {names}")
    if more:
        typer.echo(f"{more} more numbers, of other definitions and of slices, are in the record and in its report.")


def defined(document: Any) -> Any:  # noqa: ANN401
    """A document for JSON: NaN is null."""
    if isinstance(document, dict):
        return {name: defined(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [defined(value) for value in document]
    return None if isinstance(document, float) and math.isnan(document) else document
