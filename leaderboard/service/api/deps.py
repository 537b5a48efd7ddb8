"""What every endpoint needs: the board, and who is asking."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy.orm import Session

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


def check_not_guessing(session: Session, board: Board, address: str, text: str) -> None:
    """Make sure that an address has not sent too many wrong secrets of this one token or invitation.

    What came from there for others does not count: many people may share an address.

    Raises:
        RefusedError: If it has.
    """
    if attempts(session, _guesses(address, text), _MINUTE) >= board.settings.failures_per_minute:
        raise _too_many()


def count_failure(board: Board, address: str, text: str) -> None:
    """An address sent a token or an invitation that is not good.

    Raises:
        RefusedError: If it has sent too many, of whatever token.
    """
    with board.database.read() as session:
        many = attempts(session, f"failures of {address}", _MINUTE) >= board.settings.failures_per_minute
        known = auth.is_known(session, text)
    if known or not many:
        with board.database.begin() as session:
            count_attempt(session, _guesses(address, text) if known else f"failures of {address}", _MINUTE)
    if many:
        raise _too_many()


def _guesses(address: str, text: str) -> str:
    return f"failures of {address} at {auth.id_of(text)}"


def _too_many() -> RefusedError:
    return RefusedError(429, "Too many wrong tokens from this address. Wait a minute.", retry_after=_MINUTE)


def caller_with(board: Board, address: str, text: str, *, page: bool = False) -> Caller | None:
    """Who a token's text speaks for; None where it is not good, which is counted.

    Raises:
        RefusedError: If there were too many that are not.
    """
    with board.database.read() as session:
        check_not_guessing(session, board, address, text)
        found = auth.caller(session, text, page=page)
    if found is None:
        count_failure(board, address, text)
    return found


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
    found = caller_with(board, address_of(request), text, page=page)
    if found is None:
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
