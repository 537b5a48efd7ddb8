"""Backup and restore: one archive with every row and every object, whatever database and store they came from."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.orm import Session

from forgebench import InputError
from leaderboard.service.audit_head import HEAD_FILE, signed_head
from leaderboard.service.board import Board
from leaderboard.service.keeping import kept_objects, private_objects
from leaderboard.service.models import Attempt, Base, Job, Upload
from leaderboard.service.storage import Storage

_LEFT_OUT = {Attempt.__tablename__, Upload.__tablename__}
"""Counters, and files that are still on their way."""
_KEY = "board.pem"


def backup(board: Board, out: Path) -> Path:
    """Write everything into one tar file, under a temporary name first; the board may go on meanwhile."""
    if out.exists():
        raise InputError(f"{out} exists already. Choose another name.")
    temporary = out.with_name(f".{out.name}.partial")
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "xb", opener=_for_us_alone) as file, tarfile.open(fileobj=file, mode="w") as archive:
            _fill(archive, board)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return out


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _fill(archive: tarfile.TarFile, board: Board) -> None:
    with board.database.read() as session:
        for table in _tables():
            _add(archive, f"tables/{table.name}.jsonl", "".join(_lines(session, table)).encode())
        head = signed_head(session, board.key)
        if head is not None:
            _add(archive, HEAD_FILE, head.model_dump_json().encode())
        _add(archive, _KEY, board.key.read_bytes())
        for store, folder, kept in _stores(board, session):
            for digest in sorted(kept):
                with tempfile.TemporaryDirectory() as name:
                    archive.add(store.get(digest, Path(name) / "object"), f"{folder}/{digest}", recursive=False)


def _stores(board: Board, session: Session) -> list[tuple[Storage, str, set[str]]]:
    """Each store, its folder in the archive, and what is kept of it."""
    return [
        (board.storage, "objects", kept_objects(session)), (board.private, "private", private_objects(session)),
    ]  # fmt: skip


def restore(board: Board, source: Path) -> None:
    """Fill an empty board from a backup.

    Raises:
        InputError: If the board is not empty, or the backup is not whole.
    """
    with board.database.begin() as session, tarfile.open(source) as archive:
        if any(session.scalar(select(func.count()).select_from(table)) for table in _tables()):
            raise InputError("The board is not empty: restore into a new one.")
        _restore_objects(board, archive)
        for table in _tables():
            rows = _rows(archive, table)
            if rows:
                session.execute(insert(table), rows)
        # Who had a lease is gone with the old board.
        session.execute(update(Job).where(Job.state == "leased").values(lease_until=0.0))
        for store, _, kept in _stores(board, session):
            missing = kept - {digest for digest, _ in store.objects()}
            if missing:
                raise InputError(f"The backup lacks {len(missing)} objects, such as {sorted(missing)[0]}.")


def _restore_objects(board: Board, archive: tarfile.TarFile) -> None:
    stores = {"objects": board.storage, "private": board.private}
    for member in archive:
        file = archive.extractfile(member)
        folder, _, digest = member.name.partition("/")
        if file is None or folder not in (*stores, _KEY):
            continue
        if folder == _KEY:
            _restore_key(board, file.read())
        elif stores[folder].put_bytes(file.read()) != digest:
            raise InputError(f"{member.name} in the backup is not what its name says.")


def _restore_key(board: Board, pem: bytes) -> None:
    target = board.settings.key_file
    if target.is_file() and target.read_bytes() != pem:
        raise InputError(f"{target} is another key than the backup's. Move it away first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(0o600)
    target.write_bytes(pem)


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT]


def _lines(session: Session, table: Table) -> Iterator[str]:
    order = [table.c["created"]] if "created" in table.c else []
    for row in session.execute(select(table).order_by(*order, *table.primary_key.columns)).mappings():
        yield json.dumps(dict(row)) + "\n"


def _rows(archive: tarfile.TarFile, table: Table) -> list[dict[str, Any]]:
    file = archive.extractfile(f"tables/{table.name}.jsonl")
    return [] if file is None else [json.loads(line) for line in file]


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(data), 0o600
    archive.addfile(about, io.BytesIO(data))
