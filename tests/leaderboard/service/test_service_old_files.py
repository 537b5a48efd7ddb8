"""Files that no score needs are let go after a while; what was found of them is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from people import Halves, Participant, run_command, score_all, submission
from sqlalchemy import update

from leaderboard.service.backup import backup, restore
from leaderboard.service.board import Board, open_board
from leaderboard.service.keeping import collect, problems
from leaderboard.service.models import Submission
from leaderboard.service.settings import Settings

DAY = 86_400.0


def _age(board: Board, submission_id: str, days: float) -> None:
    with board.database.begin() as session:
        changed = update(Submission).where(Submission.id == submission_id)
        session.execute(changed.values(updated=Submission.updated - days * DAY))


def _stored(board: Board) -> set[str]:
    return {digest for digest, _ in board.storage.objects()}


def test_old_files_without_a_score_go_and_verdicts_stay(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    opened = benchmarks.opened("plain")
    young, old = (ann.submit(submission(tmp_path, opened, seed, lose=2)) for seed in (1, 2))
    withdrawn = ann.submit(submission(tmp_path, opened, 3))
    ann.ask("POST", f"/submissions/{withdrawn['id']}/withdraw")
    scored, taken_back = (ann.submit(submission(tmp_path, opened, seed)) for seed in (4, 5))
    score_all(board)
    ann.ask("POST", f"/submissions/{taken_back['id']}/withdraw")
    score_all(board)
    assert ann.see(old["id"])["state"] == "invalid"
    for one in (old, withdrawn, scored, taken_back):
        _age(board, one["id"], 31)
    _age(board, young["id"], 29)

    assert {old["sha256"], withdrawn["sha256"]} <= set(collect(board, older_than=-1))
    assert {young["sha256"], scored["sha256"], taken_back["sha256"]} <= _stored(board)
    assert ann.see(old["id"])["problems"][0]["code"] == "missing_mask"
    assert list(problems(board)) == []
    assert collect(board, older_than=-1) == []

    backup(board, tmp_path / "all.tar")
    other = open_board(Settings(data=tmp_path / "other", public=benchmarks.public, private=benchmarks.private))
    restore(other, tmp_path / "all.tar")
    assert list(problems(other)) == []
    other.database.engine.dispose()


def test_the_same_file_sent_again_is_kept(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    file = submission(tmp_path, benchmarks.opened("plain"), lose=1)
    first = lite_ann.submit(file)
    score_all(lite)
    _age(lite, first["id"], 31)
    assert collect(lite, older_than=-1) == [first["sha256"]]
    again = lite_ann.submit(file, partial=True)
    score_all(lite)
    assert (again["id"] != first["id"], lite_ann.see(again["id"])["state"]) == (True, "scored")
    assert collect(lite, older_than=-1) == []
    assert again["sha256"] in _stored(lite)
    assert list(problems(lite)) == []


def test_where_nothing_is_let_go_a_lost_file_is_found(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain"), lose=1))
    score_all(lite)
    _age(lite, made["id"], 3650)
    monkeypatch.setenv("FORGEBENCH_BOARD_INVALID_DAYS", "inf")
    forever = lite.settings.model_copy(update={"invalid_days": Settings().invalid_days})
    assert collect(replace(lite, settings=forever), older_than=-1) == []
    lite.storage.remove(made["sha256"])
    assert "is gone" in "\n".join(problems(lite))
    assert run_command(lite, "check").returncode == 1
