"""The pages of an account: sign in, submissions, tokens. What they show, the API shows too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from forgebench import Record
from leaderboard.service import auth
from leaderboard.service.api.accounts import new_account, own_tokens, seen_benchmarks, token_for
from leaderboard.service.api.deps import (
    TheBoard,
    address_of,
    board_of,
    caller_with,
    check_form,
    cookie_name,
    identify,
)
from leaderboard.service.api.schemas import IdInPath, NewToken, SignUp, SubmissionSeen
from leaderboard.service.api.submissions import history, own, own_submissions
from leaderboard.service.auth import Caller
from leaderboard.service.board import Board
from leaderboard.service.errors import RefusedError
from leaderboard.service.results import latest_result, withdraw

pages = APIRouter(prefix="/account", include_in_schema=False)
_ENVIRONMENT = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
_ENVIRONMENT.filters["day"] = lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
_TEMPLATES = Jinja2Templates(env=_ENVIRONMENT)
_HEADLINE = ("pixel_f1", "pixel_iou", "pixel_auc", "image_auc", "image_balanced_accuracy", "fpr_authentic", "coverage")
Text = Annotated[str, Form(max_length=500)]


def _page(request: Request, name: str, *, status: int = 200, **shown: Any) -> Response:  # noqa: ANN401
    cookie = request.cookies.get(cookie_name(board_of(request)), "")
    shown.setdefault("caller", None)
    return _TEMPLATES.TemplateResponse(
        request, f"{name}.html", {**shown, "csrf": auth.csrf_of(cookie) if cookie else ""}, status_code=status
    )


def refused_page(request: Request, error: RefusedError, headers: dict[str, str]) -> Response:
    """What a person sees of a refusal; whoever is not signed in gets to sign in."""
    if error.status == 401:
        return RedirectResponse("/account/sign-in", 303)
    page = _page(request, "refused", status=error.status, message=error.message)
    page.headers.update(headers)
    return page


def _signed_in(request: Request, csrf: str | None = None) -> Caller:
    """Who is signed in; for what changes something, with the form's mark and from our own origin."""
    found = identify(request, check_csrf=False)
    if found is None:
        raise RefusedError(401, "Sign in first.")
    if csrf is not None:
        _check_origin(request)
        check_form(request.cookies.get(cookie_name(board_of(request)), ""), csrf)
    return found


def _check_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise RefusedError(403, "This did not come from a page of the board. Load the page again.")


@pages.get("/")
def dashboard(request: Request, board: TheBoard) -> Response:
    """All submissions, the benchmarks, and the form to submit."""
    caller = _signed_in(request)
    return _page(
        request, "dashboard", caller=caller, submissions=own_submissions(board, caller.account),
        benchmarks=seen_benchmarks(board, caller.account),
    )  # fmt: skip


@pages.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    """The form to sign in."""
    return _page(request, "sign_in")


@pages.post("/sign-in")
def sign_in(request: Request, board: TheBoard, token: Text) -> Response:
    """Sign in with a token: the cookie holds a new one, which ends with the session, and with the token."""
    _check_origin(request)
    found = caller_with(board, address_of(request), token.strip())
    if found is None:
        return _page(request, "sign_in", status=403, message="This token is not good (any more).")
    return _begin_session(board, found)


def _begin_session(board: Board, caller: Caller) -> Response:
    with board.database.begin() as session:
        token, text = auth.open_session(session, caller, board.settings.session_hours)
    answer = RedirectResponse("/account/", 303)
    answer.set_cookie(
        cookie_name(board), text, max_age=int(token.expires - token.created), secure=board.settings.secure,
        httponly=True, samesite="strict",
    )  # fmt: skip
    return answer


@pages.post("/sign-out")
def sign_out(request: Request, board: TheBoard, csrf: Text) -> Response:
    """End the session."""
    caller = _signed_in(request, csrf)
    with board.database.begin() as session:
        auth.revoke(session, caller.account, caller.token.id)
    answer = RedirectResponse("/account/sign-in", 303)
    answer.delete_cookie(cookie_name(board))
    return answer


@pages.get("/sign-up")
def sign_up_page(request: Request) -> Response:
    """The form for an invitation."""
    return _page(request, "sign_up")


@pages.post("/sign-up")
def sign_up(request: Request, board: TheBoard, invitation: Text, name: Text, display_name: Text) -> Response:
    """Make an account; its first token is shown."""
    _check_origin(request)
    try:
        said = SignUp(invitation=invitation.strip(), name=name.strip(), display_name=display_name.strip())
        made = new_account(board, said, address_of(request))
    except ValidationError:
        message = "A name has small letters, digits and hyphens; what is shown on the board has no < or >."
        return _page(request, "sign_up", status=422, message=message)
    except RefusedError as error:
        return _page(request, "sign_up", status=error.status, message=error.message)
    return _page(request, "token_made", made=made)


@pages.get("/tokens")
def tokens_page(request: Request, board: TheBoard) -> Response:
    """Tokens that are good, and the form to make one."""
    caller = _signed_in(request)
    return _page(request, "tokens", caller=caller, tokens=own_tokens(board, caller.account))


@pages.post("/tokens")
def make_token(
    request: Request, board: TheBoard, csrf: Text, name: Text, days: Annotated[float, Form()],
    scopes: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Make a token; it is shown this once."""
    caller = _signed_in(request, csrf)
    _needs(caller, "tokens")
    try:
        said = NewToken.model_validate({"name": name.strip(), "days": days, "scopes": scopes or []})
    except ValidationError as error:
        raise RefusedError(422, "A token has a name of one line, a scope or more, and 1 to 366 days.") from error
    return _page(request, "token_made", caller=caller, made=token_for(board, caller, said))


@pages.post("/tokens/{token_id}/revoke")
def revoke(request: Request, board: TheBoard, token_id: IdInPath, csrf: Text) -> Response:
    """Make a token worthless."""
    caller = _signed_in(request, csrf)
    _needs(caller, "tokens")
    with board.database.begin() as session:
        auth.revoke(session, caller.account, token_id)
    return RedirectResponse("/account/tokens", 303)


@pages.get("/submissions/{submission_id}")
def submission_page(request: Request, board: TheBoard, submission_id: IdInPath) -> Response:
    """One submission: where it stands, what is wrong, what came out."""
    caller = _signed_in(request)
    with board.database.read() as session:
        found = own(session, caller.account, submission_id)
        result = latest_result(session, found.id)
        seen, earlier = SubmissionSeen.of(found, result), history(session, found.id)[1:]
    metrics = []
    if result is not None:
        record = Record.model_validate_json(board.storage.get_bytes(result.shown))
        metrics = [one for one in record.metrics if one.metric in _HEADLINE and one.subset is None]
    return _page(
        request, "submission", caller=caller, one=seen, metrics=metrics, hidden=result and result.hidden,
        earlier=earlier,
    )  # fmt: skip


@pages.post("/submissions/{submission_id}/withdraw")
def take_back(request: Request, board: TheBoard, submission_id: IdInPath, csrf: Text) -> Response:
    """Take a submission back."""
    caller = _signed_in(request, csrf)
    _needs(caller, "submit")
    with board.database.begin() as session:
        found = own(session, caller.account, submission_id, lock=True)
        if found.state != "withdrawn":
            withdraw(session, found, caller.account.name)
    return RedirectResponse(f"/account/submissions/{submission_id}", 303)


def _needs(caller: Caller, scope: str) -> None:
    if scope not in caller.scopes:
        raise RefusedError(403, f"You signed in with a token that has not the scope {scope}.")
