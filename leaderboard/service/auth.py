"""Who is asking: invitations, accounts, and tokens that are stored hashed.

A secret has 256 random bits, so one SHA-256 hides it: nobody can try them all, and a slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.service.audit_log import note
from leaderboard.service.errors import RefusedError
from leaderboard.service.models import Account, Invitation, Token

SCOPES = ("read", "submit", "tokens")
ACCOUNT_NAME = r"^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$"
DAY = 86_400.0
_FORM = re.compile(r"fb([ti])_([0-9a-f]{24})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Caller:
    """Who is asking, and what they may."""

    account: Account
    token: Token

    @property
    def scopes(self) -> frozenset[str]:
        """What the token is good for."""
        return frozenset(self.token.scopes.split())


def invite(session: Session, *, note_: str = "", days: float = 30) -> str:
    """An invitation's text; it is shown once."""
    secret = secrets.token_urlsafe(32)
    made = Invitation(secret_hash=_hash(secret), note=note_, expires=time.time() + days * DAY)
    session.add(made)
    session.flush()
    note(session, "admin", "invitation.made", made.id, note=note_)
    return f"fbi_{made.id}_{secret}"


def sign_up(session: Session, invitation: str, name: str, display_name: str) -> Account:
    """A new account.

    Raises:
        RefusedError: If the invitation is not good, or the name taken.
    """
    found = _parse(invitation, "i")
    made = session.get(Invitation, found[0], with_for_update=True) if found else None
    good = made is not None and found is not None and hmac.compare_digest(made.secret_hash, _hash(found[1]))
    if made is None or not good or made.used_by is not None or made.expires < time.time():
        raise RefusedError(403, "This invitation is not good (any more). Ask the board for another.")
    if not re.fullmatch(ACCOUNT_NAME, name):
        raise RefusedError(422, "A name has 3 to 32 characters: small letters, digits and hyphens within.")
    if session.scalar(select(Account.id).where(Account.name == name)):
        raise RefusedError(409, f"The name {name} is taken. Choose another.")
    account = Account(name=name, display_name=display_name)
    session.add(account)
    session.flush()
    made.used_by = account.id
    note(session, name, "account.made", account.id, invitation=made.id)
    return account


def new_token(
    session: Session, account: Account, name: str, scopes: Iterable[str], *, days: float, session_: bool = False
) -> tuple[Token, str]:
    """A token and its text, which is shown once.

    Raises:
        RefusedError: If there is no such scope.
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise RefusedError(422, f"Scopes are {', '.join(SCOPES)}; got {', '.join(unknown) or 'none'}.")
    secret = secrets.token_urlsafe(32)
    token = Token(
        account_id=account.id, name=name, secret_hash=_hash(secret), scopes=" ".join(wanted),
        expires=time.time() + days * DAY, session=session_,
    )  # fmt: skip
    session.add(token)
    session.flush()
    note(session, account.name, "session.begun" if session_ else "token.made", token.id, scopes=wanted)
    return token, f"fbt_{token.id}_{secret}"


def open_session(session: Session, opener: Caller, hours: float) -> tuple[Token, str]:
    """The token of a page's cookie, and its text: it can do what the opener can, and ends with it at the latest."""
    days = min(hours * 3600, opener.token.expires - time.time()) / DAY
    return new_token(session, opener.account, opener.token.id, opener.scopes, days=days, session_=True)


def caller(session: Session, text: str, *, page: bool = False) -> Caller | None:
    """Who a token's text speaks for; None where it is not good.

    Args:
        session: The transaction.
        text: The token's text.
        page: Whether it came in a page's cookie: the tokens of sessions are good there, and nowhere else.
    """
    found = _parse(text, "t")
    token = session.get(Token, found[0]) if found else None
    if token is None or found is None or not hmac.compare_digest(token.secret_hash, _hash(found[1])):
        return None
    account = session.get(Account, token.account_id)
    # A session's name is the id of the token that opened it.
    opener = session.get(Token, token.name) if token.session else token
    good = token.session == page and _alive(token) and opener is not None and _alive(opener)
    return Caller(account, token) if good and account is not None and not account.disabled else None


def _alive(token: Token) -> bool:
    return not token.revoked and token.expires >= time.time()


def revoke(session: Session, account: Account, token_id: str) -> None:
    """Make a token of an account worthless, from now on.

    Raises:
        RefusedError: If the account has no such token.
    """
    token = session.get(Token, token_id)
    if token is None or token.account_id != account.id:
        raise RefusedError(404, "You have no such token.")
    token.revoked = True
    note(session, account.name, "token.revoked", token.id)


def csrf_of(token_text: str) -> str:
    """What a page's form must send along: it follows from the cookie, which no other site can read."""
    return hmac.new(token_text.encode(), b"csrf", hashlib.sha256).hexdigest()


def id_of(text: str) -> str:
    """The id in the text of a token or an invitation, which is no secret; empty where it is neither."""
    found = _FORM.fullmatch(text)
    return found[2] if found else ""


def is_known(session: Session, text: str) -> bool:
    """Whether there is a token or an invitation of this text's id, be its secret right or wrong."""
    found = id_of(text)
    return session.get(Token, found) is not None or session.get(Invitation, found) is not None


def redacted(text: str) -> str:
    """A text for the logs: every token in it without its secret."""
    return _FORM.sub(r"fb\1_\2_…", text)


def _parse(text: str, kind: str) -> tuple[str, str] | None:
    found = _FORM.fullmatch(text)
    return (found[2], found[3]) if found and found[1] == kind else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
