"""`python -m leaderboard invite`: let somebody sign up."""

from __future__ import annotations

from typing import Annotated

import typer

from leaderboard.cli.shared import AsJson, say


def invite(
    note: Annotated[str, typer.Option(help="Whom it is for; in the audit log.")] = "",
    days: Annotated[float, typer.Option(help="How long it is good.", min=0.01)] = 30,
    as_json: AsJson = False,
) -> None:
    """Make an invitation: one person signs up with it, once."""
    from leaderboard.service import auth
    from leaderboard.service.board import open_board

    board = open_board()
    with board.database.begin() as session:
        text = auth.invite(session, note_=note, days=days)
    say({"invitation": text, "url": f"{board.settings.url}/account/sign-up"}, text, as_json=as_json)
