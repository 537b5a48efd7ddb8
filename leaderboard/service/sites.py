"""The published records, and the site that is built from them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from leaderboard.entry import EARLIER, FILE, Entry
from leaderboard.service.audit_head import HEAD_FILE, signed_head
from leaderboard.service.benchmarks import public_benchmarks
from leaderboard.service.board import Board
from leaderboard.service.errors import JobError
from leaderboard.service.keys import public_key
from leaderboard.service.models import Account, Result, Submission
from leaderboard.service.negative_controls import ACCOUNT
from leaderboard.service.published import packed
from leaderboard.service.results import fetch_score, results_of

LOG = logging.getLogger("leaderboard.sites")

Shown = tuple[Submission, Result, Account]


def shown_entries(session: Session) -> Iterator[Shown]:
    """What stands on the board: the newest result of every submission that no moderator took off it."""
    later = aliased(Result)
    newest = select(func.max(later.number)).where(later.submission_id == Submission.id).scalar_subquery()
    query = (
        select(Submission, Result, Account)
        .join(Result, Result.submission_id == Submission.id)
        .join(Account, Account.id == Submission.account_id)
        .where(Result.number == newest, Submission.moderated == "")
        .order_by(Submission.created, Submission.id)
    )
    for row in session.execute(query):
        yield row[0], row[1], row[2]


Run = Callable[[list[str]], None]


def build_site(board: Board, folder: Path, run: Run) -> str | None:
    """Write the records that everyone may see, and build the site from them.

    Args:
        board: The board.
        folder: For what is needed meanwhile; exact records of hidden splits among it.
        run: Runs a command, under the job's lease.

    Returns:
        The site's archive in storage; None where there is no entry.
    """
    records, built = folder / "records", folder / "built"
    with board.database.read() as session:
        entries = list(shown_entries(session))
        later = dict(session.execute(select(Submission.id, Submission.superseded_by)).all())
        history = results_of(session, [submission.id for submission, _, _ in entries])
    if not entries:
        return None
    successors = _successors(later, {submission.id for submission, _, _ in entries})
    for entry in entries:
        _write(board, records, entry, history[entry[0].id], successors[entry[0].id])
    hidden = [
        (submission, result) for submission, result, _ in entries
        if result.hidden and successors[submission.id] is None and submission.state != "withdrawn"
    ]  # fmt: skip
    if hidden:
        for submission, result in hidden:
            fetch_score(board, result, folder / "exact" / submission.id)
        digits = str(board.settings.digits)
        run(_python("leaderboard.service.tiers_job", str(folder / "exact"), str(records), digits))
    public = folder / "board.pub"
    public.write_bytes(public_key(board.key))
    options = [f"--benchmarks={one.path.absolute()}" for one in public_benchmarks(board.settings).values()]
    try:
        run(_python("leaderboard", "build", str(records), f"--out={built}", f"--key={public}", *options))
    except JobError as error:
        # The builder's exit status also says that an entry does not verify; the site without it is there.
        if not (built / "index.html").is_file():
            raise
        LOG.error("an entry does not verify: run check", extra={"error": str(error)})
    _write_head(board, built / HEAD_FILE)
    return board.storage.put(packed(built, folder / "site.tar"))


def _write_head(board: Board, path: Path) -> None:
    """Everyone may keep the log's head, so that its keepers cannot cut it unseen."""
    with board.database.read() as session:
        head = signed_head(session, board.key)
    if head is not None:
        path.write_text(head.model_dump_json(), encoding="utf-8")


def _successors(later: Mapping[str, str | None], shown: Collection[str]) -> dict[str, str | None]:
    """The entry that took each one's place: the next of its line that is still on the board; None where it stands."""
    found = {}
    for submission in shown:
        ahead = later[submission]
        while ahead is not None and ahead not in shown:
            ahead = later[ahead]
        found[submission] = ahead
    return found


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", *arguments]


def _write(board: Board, records: Path, entry: Shown, results: list[Result], successor: str | None) -> None:
    submission, result, account = entry
    folder = records / submission.id
    _write_result(board, result, folder)
    for before, after in pairwise(results[: result.number]):  # one may have come since
        home = folder / EARLIER / str(before.number)
        _write_result(board, before, home)
        Entry(note=after.reason).write(home / FILE)
    Entry(
        kind="control" if account.name == ACCOUNT else "method",
        account=account.display_name,
        submitted_utc=datetime.fromtimestamp(int(submission.created), UTC),
        superseded_by=successor,
        state="withdrawn" if submission.state == "withdrawn" else "published",
    ).write(folder / FILE)


def _write_result(board: Board, result: Result, folder: Path) -> None:
    """A result as everyone may see it."""
    folder.mkdir(parents=True)
    board.storage.get(result.shown, folder / "record.json")
    if not result.hidden:
        board.private.get(result.per_image, folder / "per_image.parquet")
