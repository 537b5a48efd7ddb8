"""`python -m leaderboard token`: a token for an account that lost its own."""

from __future__ import annotations

from typing import Annotated

import typer

from leaderboard.cli.shared import AsJson, say


def token(
    account: Annotated[str, typer.Argument(help="The account's name.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, submit or tokens; repeat. All unless said.")] = None,
    days: Annotated[float, typer.Option(help="How long it is good.", min=0.01)] = 90,
    revoke: Annotated[str, typer.Option(help="Instead: the id of a token to make worthless.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token for an account, or revoke one."""
    from leaderboard.service import auth
    from leaderboard.service.admin import account_named
    from leaderboard.service.board import open_board

    board = open_board()
    with board.database.begin() as session:
        found = account_named(session, account)
        if revoke:
            auth.revoke(session, found, revoke)
            say({"revoked": revoke}, f"{revoke} is worthless now.", as_json=as_json)
            return
        _, text = auth.new_token(session, found, "by admin", scope or auth.SCOPES, days=days)
    say({"token": text}, text, as_json=as_json)
