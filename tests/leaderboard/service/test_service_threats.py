"""The threat table of docs/board.md, row by row, as far as no scoring is needed."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from people import Halves, Participant, new_participant, submission
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from leaderboard.service import auth
from leaderboard.service.app import make_app
from leaderboard.service.audit_log import broken_lines, note
from leaderboard.service.board import Board
from leaderboard.service.logs import JsonFormatter
from leaderboard.service.models import Account, AuditEntry, Invitation, Submission, Token
from leaderboard.service.published import packed, publish

STRANGE = ("../../etc/passwd", "x\r\nset-cookie: a=b", "<script>alert(1)</script>", "' OR 1=1 --", "\x00", "😀" * 300)


def test_tokens_are_stored_hashed(board: Board, ann: Participant) -> None:
    secret = ann.token.split("_", 2)[2]
    with board.database.read() as session:
        rows = [vars(one) for kind in (Token, Invitation, Account, AuditEntry) for one in session.scalars(select(kind))]
    assert secret not in repr(rows)


def test_one_sees_nothing_of_another(
    board: Board, ann: Participant, bob: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    file = submission(tmp_path, benchmarks.opened("plain"))
    upload = ann.upload(file)
    made = ann.ask("POST", "/submissions", json={"upload": upload["id"]}).json()
    for method, path, how in (
        ("GET", f"/submissions/{made['id']}", {}), ("GET", f"/submissions/{made['id']}/record", {}),
        ("POST", f"/submissions/{made['id']}/withdraw", {}), ("GET", f"/uploads/{upload['id']}", {}),
        ("PUT", f"/uploads/{upload['id']}?offset=0", {"content": b"x"}),
        ("POST", "/submissions", {"json": {"upload": upload["id"]}}),
    ):  # fmt: skip
        assert bob.ask(method, path, **how).status_code == 404, path
    assert bob.ask("GET", "/submissions").json() == []
    with board.database.read() as session:
        mine = session.scalar(
            select(Token.id).join(Account, Account.id == Token.account_id).where(Account.name == "ann")
        )
    assert bob.ask("DELETE", f"/tokens/{mine}").status_code == 404


def test_scopes_hold(lite: Board, benchmarks: Halves, tmp_path: Path) -> None:
    reader = new_participant(lite, "reader", ("read",))
    assert reader.ask("GET", "/benchmarks").status_code == 200
    assert reader.ask("POST", "/tokens", json={"name": "more", "scopes": ["submit"]}).status_code == 403
    about = {"benchmark": "plain", "suffix": ".zip", "sha256": "0" * 64, "size": 1}
    assert reader.ask("POST", "/uploads", json=about).status_code == 403


def test_revoked_and_expired_tokens_are_worthless(lite: Board, lite_ann: Participant) -> None:
    made = lite_ann.ask("POST", "/tokens", json={"name": "x", "scopes": ["read"], "days": 1e-9}).json()
    late = Participant("ann", made["token"], lite_ann.client)
    assert late.ask("GET", "/submissions").status_code == 401
    mine = lite_ann.token.split("_")[1]
    assert lite_ann.ask("DELETE", f"/tokens/{mine}").status_code == 204
    assert lite_ann.ask("GET", "/submissions").status_code == 401


def test_guessing_is_slowed_down(lite: Board, lite_ann: Participant) -> None:
    wrong = Participant("x", f"fbt_{'0' * 24}_{'A' * 43}", lite_ann.client)
    answers = [wrong.ask("GET", "/submissions").status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2


def test_an_invitation_is_good_once(board: Board) -> None:
    with board.database.begin() as session:
        invitation = auth.invite(session)
    client = TestClient(make_app(board))

    def sign_up(name: str) -> int:
        said = {"invitation": invitation, "name": name, "display_name": name}
        return client.post("/api/v1/accounts", json=said).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(sign_up, [f"name-{number}" for number in range(8)]))
    assert sorted(answers) == [201] + [403] * 7


def test_a_quota_holds_against_many_at_once(board: Board, benchmarks: Halves, tmp_path: Path) -> None:
    tight = replace(board, settings=board.settings.model_copy(update={"per_day": 3}))
    ann = new_participant(tight, "ann")
    uploads = [ann.upload(submission(tmp_path, benchmarks.opened("plain"), seed)) for seed in range(8)]

    def finish(upload: dict[str, object]) -> int:
        return ann.ask("POST", "/submissions", json={"upload": upload["id"]}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(finish, uploads))
    assert sorted(answers) == [201] * 3 + [429] * 5
    with board.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 3


def test_a_finish_that_comes_twice_makes_one_submission(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    upload = ann.upload(submission(tmp_path, benchmarks.opened("plain")))
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: ann.ask("POST", "/submissions", json={"upload": upload["id"]}).json(), range(6)))
    assert len({one["id"] for one in made}) == 1


def test_uploads_are_held_to_what_they_said(lite_ann: Participant) -> None:
    about = {"benchmark": "plain", "suffix": ".zip", "sha256": hashlib.sha256(b"good").hexdigest(), "size": 4}
    assert lite_ann.ask("POST", "/uploads", json=about | {"size": 2**40}).status_code == 413
    assert lite_ann.ask("POST", "/uploads", json=about | {"suffix": ".pkl"}).status_code == 422
    at = lite_ann.ask("POST", "/uploads", json=about).json()
    put = f"/uploads/{at['id']}?offset="
    assert lite_ann.ask("PUT", put + "0", content=b"x" * 2049).status_code == 413
    assert lite_ann.ask("PUT", put + "0", content=b"x" * 5).status_code == 413
    assert lite_ann.ask("PUT", put + "1", content=b"x").status_code == 409
    assert lite_ann.ask("POST", "/submissions", json={"upload": at["id"]}).status_code == 409
    assert lite_ann.ask("PUT", put + "0", content=b"evil").status_code == 200
    assert lite_ann.ask("POST", "/submissions", json={"upload": at["id"]}).status_code == 422
    assert lite_ann.ask("POST", "/tokens", content=b"x" * 70_000).status_code == 413


@pytest.mark.parametrize("text", STRANGE)
def test_strange_text_is_refused_and_never_an_error(lite_ann: Participant, text: str) -> None:
    about = {"benchmark": text, "suffix": ".zip", "sha256": "0" * 64, "size": 1}
    assert lite_ann.ask("POST", "/uploads", json=about).status_code in (404, 422)
    said = {"invitation": text, "name": text, "display_name": text}
    assert lite_ann.client.post("/api/v1/accounts", json=said).status_code == 422
    answer = lite_ann.client.post("/account/sign-in", data={"token": text})
    assert answer.status_code in (403, 422, 429)
    assert "<script>alert" not in answer.text
    assert "set-cookie" not in answer.headers


def test_paths_do_not_leave_the_site(lite: Board, lite_ann: Participant, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("the board")
    with lite.database.begin() as session:
        publish(session, lite.storage.put(packed(tmp_path / "site", tmp_path / "site.tar")))
    assert lite.key.is_file()
    assert lite_ann.client.get("/").text == "the board"
    for path in (
        "/..%2f..%2fboard.sqlite",
        "/%2e%2e/%2e%2e/board.pem",
        "/..%5c..%5cboard.pem",
        "//etc/passwd",
        "/assets/../../../board.pem",
    ):
        assert lite_ann.client.get(path).status_code == 404, path


def test_every_answer_binds_the_browser(lite_ann: Participant) -> None:
    for path in ("/account/sign-in", "/api/v1/openapi.json", "/nothing", "/healthz", "/account/static/account.js"):
        headers = lite_ann.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    for name in ("sign-in", "sign-up"):
        page = lite_ann.client.get(f"/account/{name}").text
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page


def test_forms_of_other_sites_do_nothing(lite: Board, lite_ann: Participant) -> None:
    client = lite_ann.client
    answer = client.post("/account/sign-in", data={"token": lite_ann.token}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.post("/api/v1/tokens", json={"name": "x", "scopes": ["read"]}).status_code == 403
    assert (
        client.post("/account/tokens", data={"csrf": "0" * 64, "name": "x", "days": "1", "scopes": "read"}).status_code
        == 403
    )
    mark = auth.csrf_of(client.cookies["session"])
    form = {"csrf": mark, "name": "x", "days": "1", "scopes": "read"}
    assert client.post("/account/tokens", data=form, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post("/account/tokens", data=form).status_code == 200
    assert (
        client.post(
            "/account/sign-in", data={"token": lite_ann.token}, headers={"origin": "https://evil.example"}
        ).status_code
        == 403
    )


def test_secrets_do_not_reach_the_logs(lite_ann: Participant, caplog: pytest.LogCaptureFixture) -> None:
    record = logging.makeLogRecord({"msg": f"sent {lite_ann.token}", "extra_field": lite_ann.token})
    line = JsonFormatter().format(record)
    secret = lite_ann.token.split("_", 2)[2]
    assert secret not in line
    assert lite_ann.token.split("_")[1] in json.loads(line)["message"]
    with caplog.at_level(logging.INFO):
        lite_ann.ask("GET", "/submissions")
        lite_ann.client.post("/account/sign-in", data={"token": lite_ann.token})
    formatted = "\n".join(JsonFormatter().format(one) for one in caplog.records)
    assert "request" in formatted
    assert secret not in formatted


def test_the_audit_log_is_append_only_and_its_chain_tells(board: Board, ann: Participant) -> None:
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"), board.database.begin() as session:
            session.execute(text(statement))
    with board.database.read() as session:
        assert list(broken_lines(session)) == []
    with board.database.engine.begin() as connection:
        for name in ("audit_UPDATE", "audit_DELETE") if board.database.sqlite else ():
            connection.execute(text(f"DROP TRIGGER {name}"))
        if not board.database.sqlite:
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))
        connection.execute(text("UPDATE audit SET actor = 'x' WHERE number = 2"))
    with board.database.read() as session:
        assert list(broken_lines(session)) == ["audit line 2 was changed, or the one before it"]


def test_many_write_one_chain(board: Board) -> None:
    def write(number: int) -> None:
        with board.database.begin() as session:
            note(session, "test", "counted", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with board.database.read() as session:
        assert list(broken_lines(session)) == []
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 40


def test_slow_senders_are_cut_off(lite: Board, benchmarks: Halves) -> None:
    import uvicorn

    hasty = replace(lite, settings=lite.settings.model_copy(update={"part_seconds": 0.5}))
    ann = new_participant(hasty, "slow")
    at = ann.ask(
        "POST", "/uploads", json={"benchmark": "plain", "suffix": ".zip", "sha256": "0" * 64, "size": 9}
    ).json()
    server = uvicorn.Server(uvicorn.Config(make_app(hasty), port=0, log_config=None, lifespan="off"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=20) as sender:
            head = f"PUT /api/v1/uploads/{at['id']}?offset=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
            sender.sendall(f"{head}Authorization: Bearer {ann.token}\r\n\r\nab".encode())
            assert b" 408 " in sender.recv(100)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def test_machines_are_answered(board: Board, ann: Participant) -> None:
    assert board.key.is_file()  # as a worker has it
    for path in ("/healthz", "/readyz", "/metrics", "/board.pub"):
        assert ann.client.get(path).status_code == 200, path
    assert "board_requests_total" in ann.client.get("/metrics").text
    assert ann.client.get("/board.pub").text.startswith("-----BEGIN PUBLIC KEY-----")
