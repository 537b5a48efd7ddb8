"""A board's parts, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leaderboard.service.database import Database
from leaderboard.service.keys import signing_key
from leaderboard.service.settings import Settings
from leaderboard.service.storage import Storage


@dataclass(frozen=True)
class Board:
    """Settings, database and storage."""

    settings: Settings
    database: Database
    storage: Storage

    @cached_property
    def key(self) -> Path:
        """The board's private key; made where there is none."""
        return signing_key(self.settings.key_file)


def open_board(settings: Settings | None = None) -> Board:
    """Open a board; its tables are brought to the newest form."""
    settings = Settings.model_validate({}) if settings is None else settings
    settings.data.mkdir(parents=True, exist_ok=True)
    board = Board(settings, Database(settings.database_url), Storage(settings.storage_url))
    board.database.migrate()
    return board
