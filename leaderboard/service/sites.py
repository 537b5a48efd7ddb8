"""The published records, and the site that is built from them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from leaderboard.entry import FILE, Entry
from leaderboard.service.board import Board
from leaderboard.service.models import Account, Result, Submission

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
    yield from session.execute(query).tuples()


def build_site(board: Board, run: Callable[[list[str]], None]) -> None:
    """Write the records that everyone may see, build the site from them, and put it in the place of the last one."""
    data = board.settings.data.absolute()
    records, built = data / "records.new", data / f"site-{os.urandom(6).hex()}"
    shutil.rmtree(records, ignore_errors=True)
    with board.database.read() as session:
        entries = list(shown_entries(session))
    records.mkdir(parents=True)
    for entry in entries:
        _write(board, records, entry)
    _replace_folder(records, data / "records")
    try:
        run([sys.executable, "-P", "-m", "leaderboard", "build", str(data / "records"), "--out", str(built)])
    except BaseException:
        shutil.rmtree(built, ignore_errors=True)
        raise
    _point_to(board.settings.site, built)


def _write(board: Board, records: Path, entry: Shown) -> None:
    submission, result, account = entry
    folder = records / submission.id
    folder.mkdir()
    board.storage.get(result.shown, folder / "record.json")
    if not result.hidden:
        board.storage.get(result.per_image, folder / "per_image.parquet")
    Entry(
        account=account.display_name,
        submitted_utc=datetime.fromtimestamp(int(submission.created), UTC),
        superseded_by=submission.superseded_by,
        state="withdrawn" if submission.state == "withdrawn" else "published",
    ).write(folder / FILE)


def _replace_folder(new: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    new.rename(place)


def _point_to(link: Path, built: Path) -> None:
    """Let the site's name mean the new folder, at once; what it meant before is removed."""
    temporary = link.with_name(f".{link.name}.{os.urandom(6).hex()}")
    temporary.symlink_to(built.name)
    before = link.resolve() if link.is_symlink() else None
    temporary.replace(link)
    for old in link.parent.glob("site-*"):
        if old not in (built, before):
            shutil.rmtree(old, ignore_errors=True)
