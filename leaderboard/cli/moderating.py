"""What moderators do."""

from __future__ import annotations

from typing import Annotated

import typer

from leaderboard.cli.shared import AsJson, say


def moderate(
    submission: Annotated[str | None, typer.Argument(help="The submission's id; none lists what is flagged.")] = None,
    reason: Annotated[str, typer.Option(help="Why it comes off the board; its sender reads it.")] = "",
    put_back: Annotated[bool, typer.Option(help="Put it back on the board.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a submission off the board, put it back, or list those with flags, such as near duplicates."""
    from forgebench import InputError
    from leaderboard.service import admin
    from leaderboard.service.board import open_board

    board = open_board()
    if submission is None:
        with board.database.read() as session:
            found = {one.id: one.flags for one in admin.flagged(session)}
        say(found, "\n".join(f"{name}: {flags}" for name, flags in found.items()) or "Nothing.", as_json=as_json)
        return
    if bool(reason) == put_back:
        raise InputError("Say why: --reason TEXT; or --put-back.")
    with board.database.begin() as session:
        admin.moderate(session, submission, reason)
    say({"id": submission, "moderated": reason}, f"{submission}: {reason or 'back on the board'}", as_json=as_json)


def supersede(
    old: Annotated[str, typer.Argument(help="The submission that is out of date.")],
    new: Annotated[str, typer.Argument(help="The one that takes its place.")],
    as_json: AsJson = False,
) -> None:
    """Let a submission take the place of another of the same account; both rows stay."""
    from leaderboard.service import admin
    from leaderboard.service.board import open_board

    with open_board().database.begin() as session:
        admin.supersede(session, old, new)
    say({"id": old, "superseded_by": new}, f"{old} is superseded by {new}.", as_json=as_json)


def rescore(
    reason: Annotated[str, typer.Option(help="Why, such as the definition that changed; kept with every result.")],
    benchmark: Annotated[str | None, typer.Option(help="Only submissions to this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score every submission again after a change of a definition; earlier results are kept."""
    from leaderboard.service import admin
    from leaderboard.service.board import open_board

    with open_board().database.begin() as session:
        count = admin.rescore_all(session, benchmark, reason)
    say({"submissions": count}, f"{count} submissions will be scored again.", as_json=as_json)


def quota(
    account: Annotated[str, typer.Argument(help="The account's name.")],
    benchmark: Annotated[str, typer.Argument(help="The benchmark's name.")],
    per_day: Annotated[int, typer.Option(help="Most submissions in 24 hours.", min=0)],
    total: Annotated[int, typer.Option(help="Most submissions altogether.", min=0)],
    as_json: AsJson = False,
) -> None:
    """Give an account its own limits on a benchmark."""
    from leaderboard.service import admin
    from leaderboard.service.benchmarks import public_benchmark
    from leaderboard.service.board import open_board

    board = open_board()
    public_benchmark(board.settings, benchmark)  # refused where there is none
    with board.database.begin() as session:
        admin.set_quota(session, account, benchmark, per_day, total)
    say({"per_day": per_day, "total": total}, f"{account} on {benchmark}: {per_day} a day, {total}.", as_json=as_json)


def disable(account: Annotated[str, typer.Argument(help="The account's name.")], as_json: AsJson = False) -> None:
    """Shut an account out; its submissions stay."""
    from leaderboard.service import admin
    from leaderboard.service.board import open_board

    with open_board().database.begin() as session:
        admin.disable(session, account)
    say({"disabled": account}, f"{account} is shut out.", as_json=as_json)


def jobs(
    requeue: Annotated[str, typer.Option(help="The id of a dead job to try again.")] = "", as_json: AsJson = False
) -> None:
    """List the dead letters: jobs that failed too often; or give one another life."""
    from forgebench import InputError
    from leaderboard.service import admin
    from leaderboard.service import jobs as queue
    from leaderboard.service.board import open_board

    board = open_board()
    if requeue:
        with board.database.begin() as session:
            if not queue.requeue(session, requeue):
                raise InputError(f"There is no dead job {requeue!r}.")
        say({"requeued": requeue}, f"{requeue} waits again.", as_json=as_json)
        return
    with board.database.read() as session:
        found = admin.dead_letters(session)
    dead = [{"id": one.id, "submission": one.submission_id, "error": one.error} for one in found]
    lines = [f"{one.id} ({one.submission_id}): {one.error}" for one in found]
    say(dead, "\n".join(lines) or "None.", as_json=as_json)
