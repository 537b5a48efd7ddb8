"""The application: API, pages, and the static site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from forgebench.version import VERSION
from leaderboard.service.api import api, system_router
from leaderboard.service.board import Board
from leaderboard.service.errors import RefusedError
from leaderboard.service.middleware import Guard
from leaderboard.service.pages.views import pages, refused_page
from leaderboard.service.published import Published

_STATIC = Path(__file__).parent / "pages" / "static"
_SHARED = Path(__file__).parents[1] / "assets"


class _Site(StaticFiles):
    """The site as it was built last; before the first, the account pages."""

    def __init__(self, board: Board) -> None:
        super().__init__(directory=board.settings.sites, html=True, check_dir=False)
        self._published = Published(board)
        self.config_checked = True  # the folder comes with the first score

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file of the site."""
        folder = await run_in_threadpool(self._published.folder)
        if folder is None:
            return RedirectResponse("/account/")
        self.all_directories = [folder]
        return await super().get_response(path, scope)


def make_app(board: Board) -> FastAPI:
    """The application of a board."""
    app = FastAPI(
        title="ForgeBench board", version=VERSION, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json",
        description="Submit predictions, get a verified score. Send a personal token: `Authorization: Bearer fbt_…`.",
    )  # fmt: skip
    app.state.board = board
    app.add_middleware(Guard, secure=board.settings.secure)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(IntegrityError, _twice)
    for error in board.database.errors:
        app.add_exception_handler(error, _no_database)
    app.include_router(system_router)
    app.include_router(api)
    app.include_router(pages)
    app.mount("/account/static", StaticFiles(directory=_STATIC))
    app.mount("/account/shared", StaticFiles(directory=_SHARED, check_dir=False))
    app.mount("/", _Site(board))
    return app


def _refused(request: Request, error: Any) -> Response:  # noqa: ANN401
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if request.url.path.startswith("/account"):
        return refused_page(request, error, headers)
    return JSONResponse({"detail": error.message}, error.status, headers)


def _no_database(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": "The database does not answer. Try again."}, 503, {"retry-after": "5"})


def _twice(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": "The same came twice at once, and the other was first."}, 409)
