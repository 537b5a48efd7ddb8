"""`forgebench submit`: a submission → a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, print_json, print_problems


def submit(
    submission: Annotated[Path, typer.Argument(help="A folder, a .zip or a .parquet file.")],
    to: Annotated[str, typer.Option(help="The board's address.")],
    token: Annotated[
        str, typer.Option(envvar="FORGEBENCH_TOKEN", help="A personal token; better in FORGEBENCH_TOKEN than here.")
    ] = "",
    partial: Annotated[bool, typer.Option(help="Score it although samples are missing or wrong.")] = False,
    calibration: Annotated[
        str | None, typer.Option(help="Id of an earlier submission on another split: thresholds are frozen there.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the verdict.")] = True,
    as_json: AsJson = False,
) -> None:
    """Send predictions to a board, continued after a cut, and wait for the verdict."""
    import forgebench
    from forgebench.errors import InputError, Problem

    if not token:
        raise InputError("Set FORGEBENCH_TOKEN to a personal token of the board; make one on its page Tokens.")
    made = forgebench.submit(submission, to=to, token=token, partial=partial, calibration=calibration, wait=wait)
    if as_json:
        print_json(made)
    else:
        if made["problems"]:
            print_problems([Problem(**problem) for problem in made["problems"]])
        typer.echo(f"{made['id']}: {made['state']}. {made['message']}".strip())
        typer.echo(f"{to.rstrip('/')}/account/submissions/{made['id']}")
    raise typer.Exit(1 if made["state"] in ("invalid", "failed") else 0)
