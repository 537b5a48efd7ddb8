"""Ways around a limit that were found once, and stay closed."""

from __future__ import annotations

import asyncio
import socket
import stat
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from people import Halves, Participant, new_participant, submission
from sqlalchemy import text, update
from starlette.types import Receive, Scope, Send

from leaderboard.service import backup, uploads
from leaderboard.service.app import make_app
from leaderboard.service.audit_log import broken_lines
from leaderboard.service.board import Board
from leaderboard.service.models import Submission, Token

COMPOSE = Path(__file__).parents[3] / "deploy" / "compose.yaml"
WRONG = f"fbt_{'0' * 24}_{'A' * 43}"


def _browser(board: Board, token: str) -> TestClient:
    client = TestClient(make_app(board), base_url="http://127.0.0.1:8000")
    assert client.post("/account/sign-in", data={"token": token}, follow_redirects=False).status_code == 303
    return client


def _tight(board: Board, **limits: float) -> Board:
    return replace(board, settings=board.settings.model_copy(update=limits))


def _end(board: Board, token_id: str, **values: float) -> None:
    with board.database.begin() as session:
        session.execute(update(Token).where(Token.id == token_id).values(**values))


@pytest.mark.parametrize("values", [{"revoked": True}, {"expires": 0.0}])
def test_a_session_ends_with_the_token_that_opened_it(board: Board, ann: Participant, values: dict[str, float]) -> None:
    made = ann.ask("POST", "/tokens", json={"name": "ci", "scopes": ["read"], "days": 1}).json()
    client = _browser(board, made["token"])
    assert client.get("/account/", follow_redirects=False).status_code == 200
    _end(board, made["id"], **values)
    assert client.get("/account/", follow_redirects=False).status_code == 303
    assert client.get("/api/v1/submissions").status_code == 401
    assert ann.ask("GET", "/submissions").status_code == 200


def test_a_session_is_no_longer_than_its_token(lite: Board, lite_ann: Participant) -> None:
    made = lite_ann.ask("POST", "/tokens", json={"name": "ci", "scopes": ["read"], "days": 0.01}).json()
    client = _browser(lite, made["token"])
    with lite.database.read() as session:
        opened = session.get_one(Token, client.cookies["session"].split("_")[1])
        opener = session.get_one(Token, made["id"])
    assert opened.session
    assert opened.expires == pytest.approx(opener.expires, abs=1)


def test_a_cookie_is_good_as_a_cookie_only(lite: Board, lite_ann: Participant) -> None:
    client = _browser(lite, lite_ann.token)
    cookie = client.cookies["session"]
    assert client.post("/account/sign-in", data={"token": cookie}).status_code == 403
    assert Participant("thief", cookie, lite_ann.client).ask("GET", "/submissions").status_code == 401
    assert client.get("/api/v1/submissions").status_code == 200
    stranger = TestClient(make_app(lite), base_url="http://127.0.0.1:8000", cookies={"session": lite_ann.token})
    assert stranger.get("/api/v1/submissions").status_code == 401


def test_a_good_token_is_let_through_whatever_others_send(lite: Board, lite_ann: Participant) -> None:
    wrong = Participant("x", WRONG, lite_ann.client)
    assert [wrong.ask("GET", "/submissions").status_code for _ in range(12)][-1] == 429
    assert lite_ann.ask("GET", "/submissions").status_code == 200
    assert _browser(lite, lite_ann.token).get("/account/").status_code == 200
    assert lite_ann.client.post("/account/sign-in", data={"token": WRONG}).status_code == 429


def test_the_compose_file_believes_no_client() -> None:
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    compose = yaml.safe_load(COMPOSE.read_text())
    command, outside = compose["services"]["service"]["command"], compose["networks"]["outside"]["ipam"]["config"]
    gateway = str(next(ip_network(outside[0]["subnet"]).hosts()))
    seen = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["client"][0])

    guarded = ProxyHeadersMiddleware(app, command[command.index("--behind") + 1])  # type: ignore[arg-type]
    forwarded = [(b"x-forwarded-for", b"1.2.3.4, 203.0.113.9")]
    for peer in (gateway, "198.51.100.7"):
        scope = {"type": "http", "client": (peer, 1), "headers": forwarded}
        asyncio.run(guarded(scope, None, None))  # type: ignore[arg-type]
    assert seen == ["203.0.113.9", "198.51.100.7"]


def test_what_is_refused_is_not_stored_first(
    lite: Board, benchmarks: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = new_participant(_tight(lite, per_day=1), "ann")
    first, second = (ann.upload(submission(tmp_path, benchmarks.opened("plain"), seed)) for seed in (1, 2))
    monkeypatch.setattr(uploads, "_store", lambda *_: pytest.fail("stored"))
    said = {"upload": first["id"], "calibration": "0" * 24}
    assert ann.ask("POST", "/submissions", json=said).status_code == 404
    monkeypatch.undo()
    assert ann.ask("POST", "/submissions", json={"upload": first["id"]}).status_code == 201
    monkeypatch.setattr(uploads, "_store", lambda *_: pytest.fail("stored"))
    assert ann.ask("POST", "/submissions", json={"upload": second["id"]}).status_code == 429


def test_other_terms_are_not_passed_over(ann: Participant, benchmarks: Halves, tmp_path: Path) -> None:
    file = submission(tmp_path, benchmarks.opened("plain"))
    made = ann.submit(file)
    assert ann.submit(file)["id"] == made["id"]
    upload = ann.upload(file)["id"]
    for terms in ({"partial": True}, {"calibration": made["id"]}):
        answer = ann.ask("POST", "/submissions", json={"upload": upload, **terms})
        assert answer.status_code == 409
        assert "other terms" in answer.json()["detail"]
    assert ann.ask("POST", f"/submissions/{made['id']}/withdraw").status_code == 200
    assert ann.submit(file, partial=True)["id"] != made["id"]


def test_unfinished_uploads_take_no_more_room_than_is_left(board: Board) -> None:
    ann = new_participant(_tight(board, per_day=2), "ann")

    def begin(number: int, size: int) -> int:
        about = {"benchmark": "plain", "suffix": ".zip", "sha256": f"{number:064x}", "size": size}
        return ann.ask("POST", "/uploads", json=about).status_code

    most = board.settings.upload_bytes
    assert [begin(number, most) for number in range(3)] == [201, 201, 429]
    assert begin(4, 1) == 429
    assert begin(1, most) == 201


@pytest.mark.parametrize(("problems", "counted"), [([{"code": "x"}], 0), ([], 1)])
def test_an_invalid_submission_never_counts(
    board: Board, ann: Participant, benchmarks: Halves, tmp_path: Path, problems: list[object], counted: int
) -> None:
    """It is withdrawn after it was found invalid, or before anything was found."""
    made = ann.submit(submission(tmp_path, benchmarks.opened("plain")))
    if problems:
        with board.database.begin() as session:
            values = {"state": "invalid", "problems": problems}
            session.execute(update(Submission).where(Submission.id == made["id"]).values(**values))
    assert ann.ask("POST", f"/submissions/{made['id']}/withdraw").status_code == 200
    plain = next(one for one in ann.ask("GET", "/benchmarks").json() if one["name"] == "plain")
    assert (plain["used"], plain["used_today"]) == (counted, counted)


def test_methods_that_nobody_knows_are_counted_as_one(lite_ann: Participant) -> None:
    for method in ("XAAAA", "XBBBB"):
        lite_ann.client.request(method, "/healthz", follow_redirects=False)
    shown = lite_ann.client.get("/metrics").text
    assert 'method="X' not in shown
    assert 'method="other"' in shown


def test_a_slow_body_is_cut_off_whoever_sends_it(lite: Board) -> None:
    import uvicorn

    app = make_app(_tight(lite, part_seconds=0.5))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=10) as sender:
                kind = "Content-Type: application/json\r\nContent-Length: 50"
                sender.sendall(f"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\n{kind}\r\n\r\n{{".encode())
                assert b" 408 " in sender.recv(100)
        finally:
            server.should_exit = True
            thread.join()


def _spied(then: Callable[[], object]) -> Callable[..., None]:
    add = backup._add

    def spy(archive: tarfile.TarFile, name: str, data: bytes) -> None:
        add(archive, name, data)
        then()

    return spy


def test_nobody_else_reads_a_backup_while_it_is_written(
    lite: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = list[int]()
    partial, out = tmp_path / ".all.tar.partial", tmp_path / "all.tar"
    partial.touch(0o644)
    monkeypatch.setattr(backup, "_add", _spied(lambda: modes.append(stat.S_IMODE(partial.stat().st_mode))))
    backup.backup(lite, out)
    assert set(modes) == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not partial.exists()


def test_a_backup_that_fails_leaves_nothing(lite: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(backup, "_add", _spied(full))
    with pytest.raises(OSError, match="No space"):
        backup.backup(lite, tmp_path / "all.tar")
    assert not list(tmp_path.glob("*all.tar*"))


def test_what_the_chain_of_the_audit_log_does_not_tell(lite: Board, lite_ann: Participant) -> None:
    """As the module says: lines gone from the middle are found, the last ones are not."""
    lite_ann.ask("POST", "/tokens", json={"name": "x", "scopes": ["read"], "days": 1})
    with lite.database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_DELETE"))
        connection.execute(text("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)"))
    with lite.database.read() as session:
        assert list(broken_lines(session)) == []
    with lite.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit WHERE number = 2"))
    with lite.database.read() as session:
        assert next(broken_lines(session)) == "audit line 2 is gone: the next one is 3"


def test_what_arrived_wrong_can_be_sent_again(board: Board, benchmarks: Halves, tmp_path: Path) -> None:
    ann = new_participant(board, "ann")
    file = submission(tmp_path, benchmarks.opened("plain"))
    upload = ann.upload(file)
    board.storage.put_part(upload["id"], 0, b"x" * upload["part_bytes"])
    refused = ann.ask("POST", "/submissions", json={"upload": upload["id"]})
    assert (refused.status_code, "SHA-256" in refused.json()["detail"]) == (422, True)
    assert ann.submit(file)["state"] == "queued"
