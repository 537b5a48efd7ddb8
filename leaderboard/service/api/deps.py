"""What every endpoint needs: the board, and who is asking."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from leaderboard.service import auth
from leaderboard.service.auth import Caller
from leaderboard.service.board import Board
from leaderboard.service.errors import RefusedError
from leaderboard.service.quotas import attempts, count_attempt

_MINUTE = 60
_BEARER = HTTPBearer(auto_error=False, description="A personal token: fbt_…")
CSRF_HEADER = "x-csrf-token"


def board_of(request: Request) -> Board:
    """The board that the application serves."""
    board: Board = request.app.state.board
    return board


def cookie_name(board: Board) -> str:
    """The session cookie; with https, browsers bind this name to the host and to https."""
    return "__Host-session" if board.settings.secure else "session"


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


def check_not_guessing(board: Board, address: str) -> None:
    """Make sure that an address has not sent too many wrong tokens.

    Raises:
        RefusedError: If it has.
    """
    with board.database.read() as session:
        failures = attempts(session, f"failures of {address}", _MINUTE)
    if failures >= board.settings.failures_per_minute:
        raise RefusedError(429, "Too many wrong tokens from this address. Wait a minute.", retry_after=_MINUTE)


def count_failure(board: Board, address: str) -> None:
    """An address sent a wrong token; a good one is let through, whatever others sent from the same address.

    Raises:
        RefusedError: If it has sent too many.
    """
    check_not_guessing(board, address)
    with board.database.begin() as session:
        count_attempt(session, f"failures of {address}", _MINUTE)


def identify(request: Request, *, check_csrf: bool = True) -> Caller | None:
    """Who is asking: by a token in the header, else by the session cookie; None for nobody in particular.

    Raises:
        RefusedError: If what was sent is not good, or a page of another site sent it.
    """
    board = board_of(request)
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    page = scheme.lower() != "bearer"
    text = request.cookies.get(cookie_name(board), "") if page else sent
    if not text:
        return None
    with board.database.read() as session:
        found = auth.caller(session, text, page=page)
    if found is None:
        count_failure(board, address_of(request))
        if page:
            return None
        raise RefusedError(401, "This token is not good (any more). Make another on the board.")
    if check_csrf and page and request.method not in ("GET", "HEAD"):
        given = request.headers.get(CSRF_HEADER, "")
        check_form(text, given)
    return found


def check_form(cookie: str, given: str) -> None:
    """Make sure that a form comes from a page of ours.

    Raises:
        RefusedError: If it does not carry what only such a page knows.
    """
    if not hmac.compare_digest(auth.csrf_of(cookie).encode(), given.encode()):
        raise RefusedError(403, "This did not come from a page of the board. Load the page again.")


def require(scope: str) -> Callable[[Request], Caller]:
    """A dependency: a caller whose token has this scope."""

    def dependency(request: Request, _bearer: object = Security(_BEARER)) -> Caller:
        found = identify(request)
        if found is None:
            raise RefusedError(401, "Send a token: Authorization: Bearer fbt_…")
        if scope not in found.scopes:
            raise RefusedError(403, f"This token has not the scope {scope}.")
        return found

    return dependency


TheBoard = Annotated[Board, Depends(board_of)]
Reader = Annotated[Caller, Depends(require("read"))]
Submitter = Annotated[Caller, Depends(require("submit"))]
TokenKeeper = Annotated[Caller, Depends(require("tokens"))]
