"""Backup, restore and checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaderboard.cli.shared import AsJson, say


def backup(out: Annotated[Path, typer.Argument(help="The archive to write, .tar.")], as_json: AsJson = False) -> None:
    """Write every row, every object and the key into one archive; the board may go on meanwhile."""
    from leaderboard.service.backup import backup as write
    from leaderboard.service.board import open_board

    say({"path": str(write(open_board(), out))}, f"{out}: keep it secret, the board's key is in it.", as_json=as_json)


def restore(source: Annotated[Path, typer.Argument(help="The archive.")], as_json: AsJson = False) -> None:
    """Fill an empty board from a backup, whatever database and store either of them has."""
    from forgebench import NotFoundError
    from leaderboard.service.backup import restore as fill
    from leaderboard.service.board import open_board

    if not source.is_file():
        raise NotFoundError(f"Expected a backup at {source}, found none.")
    fill(open_board(), source)
    say({"restored": str(source)}, "Restored. Now: python -m leaderboard check", as_json=as_json)


def check(
    collect: Annotated[bool, typer.Option(help="Remove what nothing refers to.")] = False,
    head: Annotated[
        Path | None, typer.Option(help="An audit-head.json that was kept, of the site or a backup: is the log cut?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the audit log, every object and every record; exit 1 where something is wrong."""
    from leaderboard.service import keeping
    from leaderboard.service.audit_head import read_head
    from leaderboard.service.board import open_board

    kept = None if head is None else read_head(head)
    board = open_board()
    removed = keeping.collect(board) if collect else []
    found = list(keeping.problems(board, kept))
    sentence = "\n".join(found) or "All is as it should be."
    say({"ok": not found, "problems": found, "removed": removed}, sentence, as_json=as_json)
    raise typer.Exit(1 if found else 0)
