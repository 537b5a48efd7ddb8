"""What the commands of the service share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def say(document: Any, sentence: str, *, as_json: bool) -> None:  # noqa: ANN401
    """A sentence for people, or a JSON document for machines."""
    typer.echo(json.dumps(document, indent=1, default=str) if as_json else sentence)
