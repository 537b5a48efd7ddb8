"""The key that a board signs its records with."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy.exc import IntegrityError

from forgebench import InputError
from leaderboard.service.database import Database
from leaderboard.service.models import Fact

KEY = "public_key"
"""The fact that holds the public key."""


def signing_key(path: Path) -> Path:
    """The private key's file, readable by its owner alone; made where there is none."""
    if not path.is_file():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        try:
            os.link(temporary, path)  # fails where another process was quicker: its key counts
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        path.with_suffix(".pub").write_bytes(public_key(path))
    return path


def claim(database: Database, path: Path) -> Path:
    """Sign with this key from now on; there is one for all workers of a board, and the first of them makes it.

    Raises:
        InputError: If the board's records are signed with another.
    """
    if known_key(database) is None:
        own = public_key(signing_key(path)).decode()
        with suppress(IntegrityError), database.begin() as session:  # another worker may be quicker
            session.add(Fact(name=KEY, value=own))
    if not path.is_file() or public_key(path).decode() != known_key(database):
        found = "another" if path.is_file() else "none"
        raise InputError(
            f"Expected the board's signing key, found {found} in {path}. Copy it from the machine of the first worker, "
            "and name it in FORGEBENCH_BOARD_SIGNING_KEY."
        )
    return path


def known_key(database: Database) -> str | None:
    """The public key of a board, PEM; None before its first worker has started."""
    with database.read() as session:
        known = session.get(Fact, KEY)
    return None if known is None else known.value


def public_key(path: Path) -> bytes:
    """The public key of a private key's file, PEM."""
    key = load_pem_private_key(path.read_bytes(), None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
