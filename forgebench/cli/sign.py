"""`forgebench sign`: a board's signature under a record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sign(
    record: Annotated[Path, typer.Argument(help="A record, or its folder.")],
    key: Annotated[Path, typer.Option(help="The board's private key: Ed25519, PEM.")],
) -> None:
    """Verify a record, and sign its hash with Ed25519."""
    import forgebench

    signed = forgebench.sign(record, key)
    typer.echo(f"Signed: SHA-256 {signed.record_sha256[:12]}…")
    typer.echo(f"Anyone checks it with: forgebench verify {record} --key PUBLIC_KEY")
