"""A board with two small benchmarks, one of them hidden, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from people import Halves, Participant, make_benchmarks, new_participant
from sqlalchemy import create_engine, text

from leaderboard.service.board import Board, open_board
from leaderboard.service.settings import Settings

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(scope="session")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Halves:
    return make_benchmarks(tmp_path_factory.mktemp("benchmarks"))


class Cluster(NamedTuple):
    """A running PostgreSQL."""

    url: str
    crash: Callable[[], None]
    """Let it go down at once, as with a power cut, and come back."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A cluster of its own, run by a user who is not root."""
    if not BINARIES:
        pytest.skip("there is no PostgreSQL server on this machine")
    folder = Path(f"/tmp/forgebench-pg-{uuid.uuid4().hex[:8]}")  # noqa: S108
    folder.mkdir(mode=0o700)
    user = {}
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run([BINARIES[-1] / "initdb", "-D", folder / "data", "-U", "board", "-A", "trust", "-N"], **run)
    options = f"-p {port} -k {folder} -h 127.0.0.1 -c fsync=off -c max_connections=200"
    control = [BINARIES[-1] / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-m", "immediate"]
    subprocess.run([*control, "-o", options, "start"], **run)
    url = f"postgresql+psycopg://board@127.0.0.1:{port}"
    try:
        yield Cluster(url, lambda: subprocess.run([*control, "-o", options, "restart"], **run))
    finally:
        subprocess.run([*control, "stop"], **run)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Of a fresh database; empty for SQLite's default."""
    if request.param == "sqlite":
        return ""
    server = request.getfixturevalue("postgresql").url
    name = f"board_{uuid.uuid4().hex[:8]}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def crash_database(request: pytest.FixtureRequest, database: str) -> Callable[[], None]:
    """Takes the database down and brings it back; SQLite has no process of its own to lose."""
    return request.getfixturevalue("postgresql").crash if database else lambda: None


@pytest.fixture
def settings(tmp_path: Path, benchmarks: Halves) -> Settings:
    return Settings(
        data=tmp_path / "board", public=benchmarks.public, private=benchmarks.private, per_day=100,
        retry_seconds=0, part_bytes=2048, uploads_per_hour=1000, slices=(),
    )  # fmt: skip


@pytest.fixture
def board(settings: Settings, database: str) -> Iterator[Board]:
    made = open_board(settings.model_copy(update={"database": database}))
    yield made
    made.database.engine.dispose()


@pytest.fixture
def lite(settings: Settings) -> Iterator[Board]:
    """A board on SQLite, for what does not depend on the database."""
    made = open_board(settings)
    yield made
    made.database.engine.dispose()


@pytest.fixture
def ann(board: Board) -> Participant:
    return new_participant(board, "ann")


@pytest.fixture
def bob(board: Board) -> Participant:
    return new_participant(board, "bob")


@pytest.fixture
def lite_ann(lite: Board) -> Participant:
    return new_participant(lite, "ann")
