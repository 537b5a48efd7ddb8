"""`python -m leaderboard controls`: what every method should beat."""

from __future__ import annotations

from typing import Annotated

import typer

from leaderboard.cli.shared import AsJson, say


def controls(
    benchmark: Annotated[str, typer.Argument(help="A benchmark of the board.")],
    split: Annotated[str, typer.Option(help="Which split.")] = "test",
    as_json: AsJson = False,
) -> None:
    """Put the negative controls on a benchmark's board: methods that know nothing, which no other should be below."""
    from leaderboard.service.board import open_board
    from leaderboard.service.negative_controls import submit_controls

    made = submit_controls(open_board(), benchmark, split)
    say({"submitted": made}, f"{len(made)} controls are queued.", as_json=as_json)
