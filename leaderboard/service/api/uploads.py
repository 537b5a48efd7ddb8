"""Uploads: begun, sent part by part, continued after a cut."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from leaderboard.service import uploads
from leaderboard.service.api.deps import Submitter, TheBoard
from leaderboard.service.api.schemas import IdInPath, NewUpload, UploadSeen
from leaderboard.service.board import Board
from leaderboard.service.errors import RefusedError
from leaderboard.service.models import Upload
from leaderboard.service.settings import Settings

router = APIRouter(tags=["uploads"])
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {
    "type": "string", "format": "binary", "minLength": 1}}}}}  # fmt: skip


@router.post("/uploads", status_code=201)
def begin(said: NewUpload, caller: Submitter, board: TheBoard) -> UploadSeen:
    """Begin an upload; one of the same file comes back where it stands."""
    with board.database.begin() as session:
        upload = uploads.begin(session, caller.account, uploads.Wanted(**said.model_dump()), board.settings)
    return UploadSeen.of(upload, board.settings.part_bytes)


@router.get("/uploads/{upload_id}")
def stands(upload_id: IdInPath, caller: Submitter, board: TheBoard) -> UploadSeen:
    """Where an upload stands: send what follows `received`."""
    with board.database.read() as session:
        upload = uploads.own_upload(session, caller.account, upload_id)
    return UploadSeen.of(upload, board.settings.part_bytes)


@router.put("/uploads/{upload_id}", openapi_extra=_BODY)
async def receive(
    upload_id: IdInPath,
    caller: Submitter,
    board: TheBoard,
    request: Request,
    offset: Annotated[int, Query(ge=0, le=2**50)],
) -> UploadSeen:
    """Send the part that begins at `offset`, as plain bytes."""
    data = await _body(request, board.settings)

    def store() -> UploadSeen:
        return _store(board, caller.account.id, upload_id, offset, data)

    return await run_in_threadpool(store)


def _store(board: Board, account_id: str, upload_id: str, offset: int, data: bytes) -> UploadSeen:
    with board.database.read() as session:
        upload = session.get(Upload, upload_id)
    if upload is None or upload.account_id != account_id:
        raise RefusedError(404, "You have no such upload.")
    received = uploads.receive(board.database, board.storage, upload, offset, data)
    return UploadSeen(id=upload.id, received=received, size=upload.size, part_bytes=board.settings.part_bytes)


async def _body(request: Request, settings: Settings) -> bytes:
    """The request's body, of limited length and within limited time."""
    data = bytearray()
    try:
        async with asyncio.timeout(settings.part_seconds):
            async for block in request.stream():
                data += block
                if len(data) > settings.part_bytes:
                    raise RefusedError(413, f"A part has at most {settings.part_bytes} bytes.")
    except TimeoutError as error:
        raise RefusedError(408, f"A part must be here within {settings.part_seconds:g} seconds.") from error
    except ClientDisconnect as error:
        raise RefusedError(400, "The connection was cut.") from error
    return bytes(data)
