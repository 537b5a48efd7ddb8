"""Who guesses is slowed down, and nobody else at the same address is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from people import Participant
from sqlalchemy import func, select

from leaderboard.service import auth
from leaderboard.service.app import make_app
from leaderboard.service.board import Board
from leaderboard.service.models import Attempt

LIMIT = 10


@pytest.fixture(autouse=True)
def _one_minute() -> None:
    """Failures are counted by the minute: begin where enough of it is left."""
    left = 60 - time.time() % 60
    if left < 12:
        time.sleep(left)


def _client(board: Board, address: str = "198.51.100.7") -> TestClient:
    return TestClient(make_app(board), base_url="http://127.0.0.1:8000", client=(address, 1))


def _invitation(board: Board) -> str:
    with board.database.begin() as session:
        return auth.invite(session)


def _spoilt(secret: str) -> str:
    """The same id with another secret."""
    return secret[:-43] + "A" * 43


def _sign_up(client: TestClient, invitation: str, name: str) -> Any:
    said = {"invitation": invitation, "name": name, "display_name": name}
    return client.post("/api/v1/accounts", json=said)


def _ask(client: TestClient, token: str) -> int:
    return client.get("/api/v1/submissions", headers={"authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("wrong", [f"fbi_{'0' * 24}_{'A' * 43}", "of another", "nonsense"])
def test_a_good_invitation_is_let_through_whatever_others_send(board: Board, wrong: str) -> None:
    client, good = _client(board), _invitation(board)
    wrong = _spoilt(_invitation(board)) if wrong == "of another" else wrong
    refused = [_sign_up(client, wrong, "eve").status_code for _ in range(LIMIT + 2)]
    assert refused == [403] * LIMIT + [429] * 2
    form = {"invitation": good, "name": "ann", "display_name": "Ann"}
    assert "fbt_" in client.post("/account/sign-up", data=form).text
    assert _sign_up(client, _invitation(board), "bob").status_code == 201


def test_one_secret_is_not_guessed_for_long(board: Board) -> None:
    """Even the right one is refused then, from that address and for that minute; elsewhere it is good."""
    client, good = _client(board), _invitation(board)
    assert [_sign_up(client, _spoilt(good), "eve").status_code for _ in range(LIMIT)] == [403] * LIMIT
    assert _sign_up(client, good, "ann").status_code == 429
    made = _sign_up(_client(board, "203.0.113.5"), good, "ann")
    assert made.status_code == 201
    token = made.json()["token"]
    assert [_ask(client, _spoilt(token)) for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    assert _ask(client, token) == 429
    assert client.post("/account/sign-in", data={"token": token}).status_code == 429
    assert _ask(_client(board, "203.0.113.5"), token) == 200


def test_others_at_the_address_go_on(board: Board, ann: Participant, bob: Participant) -> None:
    client = _client(board)
    assert [_ask(client, _spoilt(bob.token)) for _ in range(LIMIT + 1)][-1] == 429
    for _ in range(LIMIT + 2):
        _ask(client, f"fbt_{'0' * 24}_{'A' * 43}")
    assert _ask(client, ann.token) == 200
    assert client.post("/account/sign-in", data={"token": ann.token}, follow_redirects=False).status_code == 303


def test_ids_that_nobody_has_fill_no_table(lite: Board) -> None:
    client = _client(lite)
    for number in range(LIMIT + 5):
        _ask(client, f"fbt_{number:024x}_{'A' * 43}")
    with lite.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1
