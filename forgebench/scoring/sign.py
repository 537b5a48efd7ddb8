"""Signatures: a board signs the hash of a record with Ed25519, and anyone checks it with the board's public key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from forgebench.errors import InputError, NotFoundError, Problem
from forgebench.scoring.record import Record, RoundedPart, Signature, read_record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MAKE = (
    "Make a pair with: openssl genpkey -algorithm ed25519 -out board.pem; "
    "openssl pkey -in board.pem -pubout -out board.pub"
)


def sign(path: str | Path, key: str | Path) -> Record:
    """Sign a record in place, after its hash and numbers were verified.

    Args:
        path: The record, or its folder.
        key: An Ed25519 private key in PEM, not encrypted.

    Raises:
        NotFoundError: If there is no record or no key.
        InputError: If the record does not verify, or the key is not one.
    """
    from forgebench.scoring.verify import verify

    problems = verify(path)
    if problems:
        raise InputError(f"Only what verifies is signed, and {path} does not. See: forgebench verify {path}")
    record, folder = read_record(path)
    made = signed(record, key)
    made.write(folder)
    return made


def signed(record: Record, key: str | Path) -> Record:
    """A record with a signature of its hash; whether its numbers are right is for the caller to know.

    Args:
        record: The record.
        key: An Ed25519 private key in PEM, not encrypted.

    Raises:
        NotFoundError: If there is no key.
        InputError: If it is not one.
    """
    return record.model_copy(update={"signature": sign_bytes(bytes.fromhex(record.record_sha256), key)})


def sign_bytes(message: bytes, key: str | Path) -> Signature:
    """The signature of a message.

    Args:
        message: The bytes.
        key: An Ed25519 private key in PEM, not encrypted.

    Raises:
        NotFoundError: If there is no key.
        InputError: If it is not one.
    """
    private = _private(Path(key))
    public, value = private.public_key().public_bytes_raw(), private.sign(message)
    return Signature(public_key=base64.b64encode(public).decode(), value=base64.b64encode(value).decode())


def is_signed(message: bytes, value: str, key: str | Path) -> bool:
    """Whether a signature is one of this message, by this key.

    Args:
        message: The bytes.
        value: The signature, base64.
        key: An Ed25519 public key in PEM.

    Raises:
        NotFoundError: If there is no key.
        InputError: If it is not one.
    """
    return _holds(_public(Path(key)).public_bytes_raw(), _decoded(value), message)


def rounded(record: Record, digits: int) -> Record:
    """A record as a board shows it where the truth is hidden: numbers of so many decimals, which tell less of it.

    Args:
        record: The exact record.
        digits: Decimals of every value, interval and frozen threshold.
    """
    metrics = [
        one.model_copy(update={name: _round(getattr(one, name), digits) for name in ("value", "ci_low", "ci_high")})
        for one in record.metrics
    ]
    frozen = record.calibration
    if frozen is not None:
        frozen = frozen.model_copy(update={"score": round(frozen.score, digits)})
    part = RoundedPart(digits=digits, exact_record_sha256=record.record_sha256)
    return record.model_copy(update={"metrics": metrics, "calibration": frozen, "rounded": part}).sealed()


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def signature_problems(record: Record, key: str | Path | None = None) -> Iterator[Problem]:
    """What is wrong with a record's signature; with a key also where there is none, or it is another's.

    Raises:
        NotFoundError: If there is no such key.
        InputError: If it is no Ed25519 public key.
    """
    expected = None if key is None else _public(Path(key)).public_bytes_raw()
    if record.signature is None:
        if expected is not None:
            yield Problem("signature", "", "a record signed by this key", "no signature", "Get it from the board.")
        return
    public, value = (_decoded(text) for text in (record.signature.public_key, record.signature.value))
    if expected is not None and public != expected:
        yield Problem("signature", "", "a signature by this key", "one by another", "Get it from the board.")
    elif not _holds(public, value, bytes.fromhex(record.record_sha256)):
        yield Problem("signature", "", "a signature of this record's hash", "one of others", "Get it from the board.")


def _holds(public: bytes, value: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(value, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _private(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_read(path), None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is no private key in PEM without a password: {error}. {_MAKE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"Expected an Ed25519 private key in {path}. {_MAKE}")
    return key


def _public(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(path))
    except ValueError as error:
        raise InputError(f"{path} is no public key in PEM: {error}. {_MAKE}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"Expected an Ed25519 public key in {path}. {_MAKE}")
    return key


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise NotFoundError(f"Expected a key at {path}, found none. {_MAKE}")
    return path.read_bytes()
