"""The site that was built last: an archive in storage, named in the database, unpacked wherever it is served."""

from __future__ import annotations

import logging
import shutil
import tarfile
import tempfile
import threading
import time
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from forgebench import ForgeBenchError
from leaderboard.service.board import Board
from leaderboard.service.models import Fact

LOG = logging.getLogger("leaderboard.published")
SITE = "site"
"""The fact that names the archive."""
_LOOK = 0.5
"""Seconds before the database is asked again."""


def packed(site: Path, archive: Path) -> Path:
    """A site's folder as a tar file."""
    with tarfile.open(archive, "w") as file:
        file.add(site, ".")
    return archive


def publish(session: Session, digest: str | None) -> None:
    """From now on this archive is the board's site; None where the board has no entry."""
    if digest is None:
        session.execute(delete(Fact).filter_by(name=SITE))
    else:
        session.merge(Fact(name=SITE, value=digest))


class Published:
    """The site as a folder to serve from."""

    def __init__(self, board: Board) -> None:
        self._board, self._folder = board, board.settings.sites
        self._lock, self._asked = threading.Lock(), -_LOOK
        self._now: Path | None = None

    def folder(self) -> Path | None:
        """The site that was published last; None before the first.

        While database or storage do not answer, it is the one that was known last.
        """
        with self._lock:
            if time.monotonic() - self._asked >= _LOOK:
                try:
                    self._now = self._newest()
                except (*self._board.database.errors, ForgeBenchError, OSError) as error:
                    LOG.error("the site is as it was: %s", error)
                self._asked = time.monotonic()
            return self._now

    def _newest(self) -> Path | None:
        with self._board.database.read() as session:
            fact = session.get(Fact, SITE)
        if fact is None:
            return None
        target = self._folder / fact.value[:16]
        if not target.is_dir():
            self._unpack(fact.value, target)
        return target

    def _unpack(self, digest: str, target: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".") as name:
            file, made = self._board.storage.get(digest, Path(name) / "archive"), Path(name) / "site"
            with tarfile.open(file) as archive:
                archive.extractall(made, filter="data")
            made.rename(target)
        for old in self._folder.iterdir():
            # Pages that were loaded a moment ago still ask for parts of the one before.
            if old not in (target, self._now) and not old.name.startswith("."):
                shutil.rmtree(old, ignore_errors=True)
