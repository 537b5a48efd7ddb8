"""Accounts and tokens."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from sqlalchemy import select

from leaderboard.service import auth
from leaderboard.service.api.deps import Reader, TheBoard, TokenKeeper, address_of, check_not_guessing, count_failure
from leaderboard.service.api.schemas import BenchmarkSeen, IdInPath, NewToken, SignUp, TokenMade, TokenSeen
from leaderboard.service.auth import Caller
from leaderboard.service.benchmarks import public_benchmarks
from leaderboard.service.board import Board
from leaderboard.service.errors import RefusedError
from leaderboard.service.models import Account, Token
from leaderboard.service.quotas import limits, used

router = APIRouter(tags=["accounts"])


@router.post("/accounts", status_code=201)
def sign_up(said: SignUp, board: TheBoard, request: Request) -> TokenMade:
    """Make an account with an invitation; its first token comes back, and is shown this once."""
    return new_account(board, said, address_of(request))


def new_account(board: Board, said: SignUp, address: str) -> TokenMade:
    """Make an account and its first token; wrong invitations are counted like wrong tokens."""
    try:
        with board.database.begin() as session:
            check_not_guessing(session, board, address, said.invitation)
            account = auth.sign_up(session, said.invitation, said.name, said.display_name)
            token, text = auth.new_token(session, account, "first", auth.SCOPES, days=90)
    except RefusedError as error:
        if error.status == 403:
            count_failure(board, address, said.invitation)
        raise
    return TokenMade(**TokenSeen.of(token).model_dump(), token=text)


@router.get("/tokens")
def tokens(caller: Reader, board: TheBoard) -> list[TokenSeen]:
    """Your tokens that are good, without their secrets."""
    return own_tokens(board, caller.account)


def own_tokens(board: Board, account: Account) -> list[TokenSeen]:
    """An account's tokens that are good."""
    good = (Token.account_id == account.id, ~Token.session, ~Token.revoked, Token.expires > time.time())
    with board.database.read() as session:
        return [TokenSeen.of(one) for one in session.scalars(select(Token).where(*good).order_by(Token.created))]


@router.post("/tokens", status_code=201)
def make_token(said: NewToken, caller: TokenKeeper, board: TheBoard) -> TokenMade:
    """Make a token; its text is shown this once."""
    return token_for(board, caller, said)


def token_for(board: Board, caller: Caller, said: NewToken) -> TokenMade:
    """A new token, which can do no more than the one that asks for it."""
    beyond = set(said.scopes) - caller.scopes
    if beyond:
        raise RefusedError(403, f"The token that asks has not the scope {', '.join(sorted(beyond))}.")
    with board.database.begin() as session:
        token, text = auth.new_token(session, caller.account, said.name, said.scopes, days=said.days)
    return TokenMade(**TokenSeen.of(token).model_dump(), token=text)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: IdInPath, caller: TokenKeeper, board: TheBoard) -> None:
    """Make one of your tokens worthless."""
    with board.database.begin() as session:
        auth.revoke(session, caller.account, token_id)


@router.get("/benchmarks")
def benchmarks(caller: Reader, board: TheBoard) -> list[BenchmarkSeen]:
    """The benchmarks of this board, and how many submissions you have left."""
    return seen_benchmarks(board, caller.account)


def seen_benchmarks(board: Board, account: Account) -> list[BenchmarkSeen]:
    """The benchmarks, as an account sees them."""
    seen = []
    with board.database.read() as session:
        for name, one in public_benchmarks(board.settings).items():
            per_day, total = limits(session, account.id, name, board.settings)
            today, ever = used(session, account.id, name)
            manifest = one.manifest
            seen.append(BenchmarkSeen(
                name=name, title=manifest.facts.title, content_hash=one.content_hash,
                splits={split: counts.samples for split, counts in manifest.splits.items()},
                hidden_splits=list(manifest.hidden.splits) if manifest.hidden else [],
                per_day=per_day, total=total, used_today=today, used=ever,
            ))  # fmt: skip
    return seen
