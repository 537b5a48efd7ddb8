"""The API, below `/api/v1`."""

from typing import Any

from fastapi import APIRouter

from leaderboard.service.api import accounts, submissions, system, uploads
from leaderboard.service.api.schemas import Trouble, Unusable

_CODES = (400, 401, 403, 404, 408, 409, 413, 429, 503)
REFUSALS: dict[int | str, dict[str, Any]] = {code: {"model": Trouble} for code in _CODES}
REFUSALS[422] = {"model": Unusable}
api = APIRouter(prefix="/api/v1", responses=REFUSALS)
for part in (accounts, uploads, submissions):
    api.include_router(part.router)
system_router = system.router
