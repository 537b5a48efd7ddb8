"""A log that was cut or written anew is found by a head that was kept."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from people import Halves, Participant, run_command, score_all, submission
from sqlalchemy import text
from sqlalchemy.orm import Session

from forgebench import InputError
from leaderboard.service.audit_head import HEAD_FILE, read_head, signed_head
from leaderboard.service.audit_log import FIRST, line_hash
from leaderboard.service.backup import backup
from leaderboard.service.board import Board
from leaderboard.service.keeping import problems
from leaderboard.service.models import AuditEntry


def _kept(board: Board, folder: Path) -> Path:
    with board.database.read() as session:
        head = signed_head(session, board.key)
    assert head is not None
    file = folder / HEAD_FILE
    file.write_text(head.model_dump_json())
    return file


def _without_triggers(board: Board, do: Callable[[Session], object]) -> None:
    names = ("audit_UPDATE", "audit_DELETE") if board.database.sqlite else ("audit_append_only ON audit",)
    with board.database.begin() as session:
        for name in names:
            session.execute(text(f"DROP TRIGGER {name}"))
        do(session)


def _cut_last(session: Session) -> None:
    session.execute(text("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)"))


def _write_anew(session: Session) -> None:
    """Another actor in line 2, and every hash after it made to fit."""
    previous = FIRST
    for entry in session.query(AuditEntry).order_by(AuditEntry.number):
        entry.actor = "somebody" if entry.number == 2 else entry.actor
        entry.previous = previous
        previous = entry.hash = line_hash(entry)


def test_a_log_that_goes_on_from_the_head_is_sound(board: Board, ann: Participant, tmp_path: Path) -> None:
    head = read_head(_kept(board, tmp_path))
    assert list(problems(board, head)) == []
    ann.ask("POST", "/tokens", json={"name": "x", "scopes": ["read"], "days": 1})
    assert list(problems(board, head)) == []


@pytest.mark.parametrize(("spoil", "said"), [(_cut_last, "the log was cut"), (_write_anew, "was written anew")])
def test_a_log_that_does_not_is_found(
    board: Board, ann: Participant, tmp_path: Path, spoil: Callable[[Session], object], said: str
) -> None:
    head = read_head(_kept(board, tmp_path))
    _without_triggers(board, spoil)
    assert list(problems(board)) == []  # the chain alone does not tell
    (problem,) = problems(board, head)
    assert said in problem


@pytest.mark.parametrize("change", [{"number": 1}, {"at": 0.0}, {"hash": "0" * 64}, {"signature": "AAAA"}])
def test_a_head_of_somebody_else_is_no_proof(
    lite: Board, lite_ann: Participant, tmp_path: Path, change: dict[str, object]
) -> None:
    head = _kept(lite, tmp_path)
    head.write_text(json.dumps(json.loads(head.read_text()) | change))
    (problem,) = problems(lite, read_head(head))
    assert "not signed by this board" in problem


def test_what_is_no_head_is_refused(lite: Board, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    for name in ("x", "nowhere"):
        with pytest.raises(InputError, match="Expected a head"):
            read_head(tmp_path / name)
    found = run_command(lite, "check", "--head", str(tmp_path / "x"))
    assert (found.returncode, "Traceback" in found.stderr) == (2, False)


def test_the_head_is_in_every_site_and_backup(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    score_all(lite)
    (tmp_path / "of-site.json").write_bytes(lite_ann.client.get(f"/{HEAD_FILE}").content)
    with tarfile.open(backup(lite, tmp_path / "all.tar")) as archive:
        archive.extract(HEAD_FILE, tmp_path, filter="data")
    for name in ("of-site.json", HEAD_FILE):
        assert list(problems(lite, read_head(tmp_path / name))) == []
    lines = lite_ann.client.get("/metrics").text.split("\nboard_audit_lines ")[1].split()[0]
    assert float(lines) == json.loads((tmp_path / HEAD_FILE).read_text())["number"]
    _without_triggers(lite, _cut_last)
    found = run_command(lite, "check", "--head", str(tmp_path / HEAD_FILE), "--json")
    assert (found.returncode, json.loads(found.stdout)["ok"]) == (1, False)
