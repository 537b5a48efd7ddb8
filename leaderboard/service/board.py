"""A board's parts, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leaderboard.service.database import Database
from leaderboard.service.keys import claim
from leaderboard.service.settings import Settings
from leaderboard.service.storage import Storage


@dataclass(frozen=True)
class Board:
    """Settings, database and storage."""

    settings: Settings
    database: Database
    storage: Storage
    """Uploads, signed records, the site."""
    private: Storage
    """What workers alone read: exact records, per-image tables, sketches of predictions."""

    @cached_property
    def key(self) -> Path:
        """The board's private key, for workers; made by the first of them.

        Raises:
            InputError: If it is another than the board's.
        """
        return claim(self.database, self.settings.key_file)


def open_board(settings: Settings | None = None) -> Board:
    """Open a board; its tables are brought to the newest form."""
    settings = Settings.model_validate({}) if settings is None else settings
    settings.data.mkdir(parents=True, exist_ok=True)
    board = Board(
        settings, Database(settings.database_url), Storage(settings.storage_url), Storage(settings.private_storage_url)
    )
    board.database.migrate()
    return board
