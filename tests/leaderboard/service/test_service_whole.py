"""From upload to record, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import Halves, Participant, score_all, submission
from sqlalchemy import func, select

import forgebench
from leaderboard.service.board import Board
from leaderboard.service.keeping import problems
from leaderboard.service.keys import public_key
from leaderboard.service.models import Job, Result


@pytest.mark.parametrize("name", ["plain", "secret"])
def test_a_submission_ends_as_a_record_that_verifies(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path, name: str
) -> None:
    made = ann.submit(submission(tmp_path, benchmarks.opened(name)), name)
    assert made["state"] == "queued"
    score_all(board)
    seen = ann.see(made["id"])
    assert (seen["state"], seen["method"], seen["problems"], seen["results"]) == ("scored", "noise 0", [], 1)
    record = forgebench.Record.model_validate(ann.record(made["id"]))
    assert (record.rounded is not None) == (name == "secret")
    assert list(problems(board)) == []
    (tmp_path / "pub").write_bytes(public_key(board.key))
    (tmp_path / "got").mkdir()
    record.write(tmp_path / "got")
    found = forgebench.verify(tmp_path / "got", key=tmp_path / "pub")
    assert [problem.code for problem in found] == ([] if name == "secret" else ["per_image"])


def test_what_is_wrong_is_told_and_can_be_mended(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    bad = ann.submit(submission(tmp_path, benchmarks.opened("plain"), lose=2))
    score_all(board)
    seen = ann.see(bad["id"])
    assert (seen["state"], [one["code"] for one in seen["problems"]]) == ("invalid", ["missing_mask"] * 2)
    partial = ann.submit(submission(tmp_path / "again", benchmarks.opened("plain"), lose=2), partial=True)
    score_all(board)
    assert ann.see(partial["id"])["state"] == "scored"
    coverage = next(m["value"] for m in ann.record(partial["id"])["metrics"] if m["metric"] == "coverage")
    assert coverage == pytest.approx(9 / 11)
    with board.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Result)) == 1
        assert set(session.scalars(select(Job.state))) == {"done"}
