"""What the keepers do: take off the board, supersede, score again, back up and restore."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from people import Halves, Participant, score_all, submission
from sqlalchemy import select

from forgebench import InputError
from forgebench.controls import NEGATIVE
from leaderboard.service import admin, auth, jobs
from leaderboard.service.backup import backup, restore
from leaderboard.service.board import Board, open_board
from leaderboard.service.errors import RefusedError
from leaderboard.service.keeping import problems
from leaderboard.service.models import AuditEntry, Result, Submission
from leaderboard.service.negative_controls import ACCOUNT, submit_controls
from leaderboard.service.published import Published


def _site(board: Board) -> Path:
    folder = Published(board).folder()
    assert folder is not None
    return folder


def _records(board: Board) -> dict[str, dict[str, object]]:
    document = json.loads((_site(board) / "downloads" / "board.json").read_text())
    return {entry["entry"]: entry for entry in document["entries"]}


def test_the_life_of_two_entries(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    old, new, copy = (
        ann.submit(submission(tmp_path / name, benchmarks.opened("secret"), seed, method=name), "secret")["id"]
        for name, seed in (("old", 1), ("new", 2), ("copy", 2))
    )
    score_all(board)
    assert set(_records(board)) == {old, new, copy}
    site = _site(board)
    assert (site / "index.html").is_file()
    assert not list(site.rglob("per_image*"))
    with board.database.read() as session:
        flags = {one.id: [flag["flag"] for flag in one.flags] for one in session.scalars(select(Submission))}
    assert flags == {old: [], new: [], copy: ["duplicate"]}
    with board.database.begin() as session:
        admin.supersede(session, old, new)
        admin.moderate(session, copy, "a copy")
    with pytest.raises(InputError, match="itself superseded"), board.database.begin() as session:
        admin.supersede(session, new, old)
    score_all(board)
    shown = _records(board)
    assert (set(shown), shown[old]["superseded_by"]) == ({old, new}, new)
    assert ann.see(copy)["moderated"] == "a copy"

    with board.database.begin() as session:
        assert admin.rescore_all(session, "secret", "definition 2") == 3
    score_all(board)
    assert ann.see(old)["results"] == 2
    with board.database.read() as session:
        history = session.scalars(select(Result).filter_by(submission_id=old).order_by(Result.number)).all()
    assert [one.reason for one in history] == ["", "definition 2"]

    ann.ask("POST", f"/submissions/{new}/withdraw")
    score_all(board)
    assert _records(board)[new]["state"] == "withdrawn"
    _restored_elsewhere(board, ann, tmp_path, old)


def _restored_elsewhere(board: Board, ann: Participant, tmp_path: Path, old: str) -> None:
    """A backup fills an empty board of another kind, which then says the same."""
    backup(board, tmp_path / "all.tar")
    other = open_board(board.settings.model_copy(update={"data": tmp_path / "other", "database": ""}))
    restore(other, tmp_path / "all.tar")
    assert list(problems(other)) == []
    for kind in (Submission, Result, AuditEntry):
        with board.database.read() as one, other.database.read() as two:
            counts = [len(session.scalars(select(kind)).all()) for session in (one, two)]
        assert counts[0] == counts[1] > 0
    assert other.key.read_bytes() == board.key.read_bytes()
    with pytest.raises(InputError, match="not empty"):
        restore(other, tmp_path / "all.tar")
    other.database.engine.dispose()


def test_a_successor_that_is_taken_off_takes_nothing_with_it(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    old, new = (lite_ann.submit(submission(tmp_path, benchmarks.opened("plain"), seed))["id"] for seed in (1, 2))
    with pytest.raises(InputError, match="not on the board"), lite.database.begin() as session:
        admin.supersede(session, old, new)
    hidden, cheat, other = (
        lite_ann.submit(submission(tmp_path / name, benchmarks.opened("secret"), seed, method=name), "secret")["id"]
        for seed, name in enumerate(("hidden", "cheat", "other"))
    )
    score_all(lite)
    with lite.database.begin() as session:
        for before, after in ((old, new), (hidden, cheat)):
            admin.supersede(session, before, after)
            admin.moderate(session, after, "a cheat")
    score_all(lite)
    shown = _records(lite)
    assert set(shown) == {old, hidden, other}
    assert (shown[old]["superseded_by"], shown[hidden]["superseded_by"]) == (None, None)
    compared = (_site(lite) / "downloads" / "pairs.csv").read_text()
    assert hidden in compared  # it stands again, and is compared with the others
    assert cheat not in compared
    with lite.database.begin() as session:
        for one in (old, hidden, other):
            admin.moderate(session, one, "all of them")
    score_all(lite)
    assert Published(lite).folder() is None
    with lite.database.begin() as session:
        admin.moderate(session, old, "")
    score_all(lite)
    assert set(_records(lite)) == {old}


def test_negative_controls_stand_beside_the_methods(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    lite_ann.submit(submission(tmp_path, benchmarks.opened("secret")), "secret")
    assert len(submit_controls(lite, "secret")) == len(NEGATIVE)
    assert submit_controls(lite, "secret") == []
    score_all(lite)
    kinds = sorted(entry["kind"] for entry in _records(lite).values())
    assert kinds == ["control"] * len(NEGATIVE) + ["method"]
    assert list(problems(lite)) == []
    with pytest.raises(RefusedError), lite.database.begin() as session:
        auth.sign_up(session, auth.invite(session), ACCOUNT, "Not ForgeBench")
    with pytest.raises(RefusedError, match="no such benchmark"):
        submit_controls(lite, "nowhere")


def test_a_test_is_not_scored_before_its_calibration(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    first = lite_ann.submit(submission(tmp_path / "a", benchmarks.opened("secret"), method="m"), "secret")
    score_all(lite)
    lite_ann.submit(submission(tmp_path / "b", benchmarks.opened("plain"), method="m"), calibration=first["id"])
    score_all(lite)
    with lite.database.begin() as session:
        assert admin.rescore_all(session, None, "again") == 2
    with lite.database.begin() as session:
        held = jobs.lease(session, lite.settings)
        assert held is not None
        assert held.submission_id == first["id"]
        assert jobs.lease(session, lite.settings) is None
        assert jobs.complete(session, held)
    with lite.database.begin() as session:
        assert jobs.lease(session, lite.settings) is not None


def test_a_tampered_record_is_found(lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path) -> None:
    lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    score_all(lite)
    with lite.database.read() as session:
        shown = session.scalars(select(Result.shown)).one()
    file = lite.settings.data / "objects" / "objects" / shown[:2] / shown
    file.write_bytes(file.read_bytes().replace(b'"value": 0', b'"value": 1', 1))
    assert "was changed" in "\n".join(problems(lite))


def test_thresholds_are_frozen_before_the_test(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    first = lite_ann.submit(submission(tmp_path / "a", benchmarks.opened("secret"), method="m"), "secret")
    file = submission(tmp_path / "b", benchmarks.opened("plain"), method="m")
    upload = lite_ann.upload(file)
    said = {"upload": upload["id"], "calibration": first["id"]}
    assert lite_ann.ask("POST", "/submissions", json=said).status_code == 409
    score_all(lite)
    made = lite_ann.ask("POST", "/submissions", json=said).json()
    score_all(lite)
    record = lite_ann.record(made["id"])
    assert record["calibration"]["benchmark"] == benchmarks.opened("secret").name
    assert record["rounded"]["digits"] == 3  # though the test's own truth is public
    assert record["calibration"]["score"] == round(record["calibration"]["score"], 3)
    assert not list((_site(lite) / "entries" / made["id"]).glob("per_image*"))
