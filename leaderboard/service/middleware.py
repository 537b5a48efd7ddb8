"""Around every request: headers that bind the browser, limits on bodies, a line in the log."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leaderboard.service.metrics import REQUESTS, SECONDS

LOG = logging.getLogger("leaderboard.requests")
MOST_BODY = 65_536
"""Most bytes of a body that is not a part of an upload."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_PART = re.compile(r"/api/v1/uploads/[0-9a-f]{24}")


class Guard:
    """The middleware."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app, self._secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, request_id = time.perf_counter(), 500, uuid4().hex[:12]

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), scope["path"], request_id)
            await send(message)

        try:
            longest = scope["app"].state.board.settings.part_seconds
            limited = receive if _PART.fullmatch(scope["path"]) else _limited(receive, longest)
            await self._app(scope, limited, guarded_send)
        finally:
            seconds = time.perf_counter() - began
            REQUESTS.labels(scope["method"] if scope["method"] in _METHODS else "other", str(status)).inc()
            SECONDS.observe(seconds)
            LOG.info("request", extra={
                "request": request_id, "method": scope["method"], "path": scope["path"], "status": status,
                "seconds": round(seconds, 4),
            })  # fmt: skip

    def _add_headers(self, headers: MutableHeaders, path: str, request_id: str) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers["x-request-id"] = request_id
        if self._secure:
            headers["strict-transport-security"] = "max-age=31536000"
        if path.startswith(("/account", "/api")):
            headers["cache-control"] = "no-store"


def _limited(receive: Receive, seconds: float) -> Receive:
    """A body of limited length, within limited time."""
    ends, length, whole = asyncio.get_running_loop().time() + seconds, 0, False

    async def read() -> Message:
        nonlocal length, whole
        try:
            async with asyncio.timeout_at(None if whole else ends):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, f"A request must be here within {seconds:g} seconds.") from error
        whole = not message.get("more_body", False)
        length += len(message.get("body", b""))
        if length > MOST_BODY:
            raise HTTPException(413, "The request is too large.")
        return message

    return read

