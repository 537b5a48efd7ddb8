"""What machines ask: is it alive, is it ready, how is it doing, with which key does it sign."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import text

from leaderboard.service.api.deps import TheBoard
from leaderboard.service.api.schemas import Trouble
from leaderboard.service.errors import RefusedError
from leaderboard.service.keys import known_key
from leaderboard.service.metrics import exposition

router = APIRouter(tags=["system"])
_PEM = "application/x-pem-file"


def _answers(media: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media: {"schema": {"type": "string"}}}}, 503: {"model": Trouble}}


@router.get("/healthz")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"model": Trouble}})
def ready(board: TheBoard) -> dict[str, str]:
    """The database answers too."""
    try:
        with board.database.read() as session:
            session.execute(text("SELECT 1"))
    except board.database.errors as error:
        raise RefusedError(503, "The database does not answer.", retry_after=5) from error
    return {"status": "ready"}


@router.get("/metrics", response_class=Response, responses=_answers("text/plain"))
def metrics(board: TheBoard) -> Response:
    """Prometheus metrics: jobs, submissions and requests, without names."""
    return Response(exposition(board), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/board.pub", response_class=Response, responses={**_answers(_PEM), 404: {"model": Trouble}})
def key(board: TheBoard) -> Response:
    """The public key that records are verified with: `forgebench verify RECORD --key board.pub`."""
    found = known_key(board.database)
    if found is None:
        raise RefusedError(404, "No worker has started yet: the first one makes the key.")
    return Response(found, media_type=_PEM)
