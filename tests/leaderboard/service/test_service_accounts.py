"""`disable` and `quota`, as the keepers of a board run them."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi.testclient import TestClient
from people import Halves, Participant, new_participant, run_command, score_all, submission
from sqlalchemy import select

from leaderboard.service.app import make_app
from leaderboard.service.board import Board
from leaderboard.service.keeping import problems
from leaderboard.service.models import AuditEntry


def _audit(board: Board) -> list[str]:
    with board.database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))


def test_a_disabled_account_is_shut_out_and_its_submissions_stay(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    bob = new_participant(lite, "bob")
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    score_all(lite)
    browser = TestClient(make_app(lite), base_url="http://127.0.0.1:8000")
    browser.post("/account/sign-in", data={"token": lite_ann.token})
    assert browser.get("/account/", follow_redirects=False).status_code == 200

    said = run_command(lite, "disable", "ann", "--json")
    assert (said.returncode, json.loads(said.stdout)) == (0, {"disabled": "ann"})
    assert lite_ann.ask("GET", "/submissions").status_code == 401
    assert browser.get("/account/", follow_redirects=False).status_code == 303
    assert browser.post("/account/sign-in", data={"token": lite_ann.token}).status_code == 403
    assert bob.ask("GET", "/submissions").status_code == 200
    entry = lite_ann.client.get(f"/entries/{made['id']}/")
    assert (entry.status_code, "unsafe" in entry.headers["content-security-policy"]) == (200, False)
    # A token that is made afterwards is of no use either.
    late = Participant("ann", run_command(lite, "token", "ann").stdout.strip(), lite_ann.client)
    assert late.token.startswith("fbt_")
    assert late.ask("GET", "/submissions").status_code == 401
    assert "account.disabled" in _audit(lite)
    assert list(problems(lite)) == []


def test_a_quota_of_its_own_holds_for_one_account_and_benchmark(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    bob = new_participant(lite, "bob")

    def finish(who: Participant, seed: int, benchmark: str = "plain") -> int:
        file = submission(tmp_path / who.name / benchmark, benchmarks.opened(benchmark), seed)
        upload = who.upload(file, benchmark)
        return who.ask("POST", "/submissions", json={"upload": upload["id"]}).status_code

    waiting = lite_ann.upload(submission(tmp_path, benchmarks.opened("plain"), 9))
    said = run_command(lite, "quota", "ann", "plain", "--per-day", "1", "--total", "2", "--json")
    assert (said.returncode, json.loads(said.stdout)) == (0, {"per_day": 1, "total": 2})
    assert finish(lite_ann, 0) == 201
    refused = lite_ann.ask("POST", "/submissions", json={"upload": waiting["id"]})
    assert (refused.status_code, refused.json()["detail"]) == (429, "All 1 submissions of 24 hours to plain are used.")
    assert [finish(lite_ann, 1, "secret"), finish(bob, 1), finish(bob, 2)] == [201, 201, 201]
    seen = {one["name"]: (one["per_day"], one["total"]) for one in lite_ann.ask("GET", "/benchmarks").json()}
    assert seen == {"plain": (1, 2), "secret": (lite.settings.per_day, lite.settings.per_benchmark)}

    assert run_command(lite, "quota", "ann", "plain", "--per-day", "5", "--total", "1").returncode == 0
    refused = lite_ann.ask("POST", "/submissions", json={"upload": waiting["id"]})
    assert refused.json()["detail"] == "All 1 submissions of yours to plain are used."
    assert run_command(lite, "quota", "ann", "plain", "--per-day", "5", "--total", "2").returncode == 0
    assert lite_ann.ask("POST", "/submissions", json={"upload": waiting["id"]}).status_code == 201
    assert _audit(lite).count("quota.set") == 3


def test_what_is_not_there_is_said_in_a_sentence(lite: Board) -> None:
    for words in (("disable", "nobody"), ("quota", "nobody", "plain", "--per-day", "1", "--total", "1")):
        said = run_command(lite, *words)
        assert said.returncode == 2
        assert "There is no account 'nobody'" in said.stderr
        assert "Traceback" not in said.stderr
    typo = run_command(lite, "quota", "nobody", "plane", "--per-day", "1", "--total", "1")
    assert (typo.returncode, "It has: plain, secret" in typo.stderr) == (2, True)
