"""The HTTP server: uvicorn, with an end to what a client may take its time for."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 500
"""Most connections at once; a request beyond them gets 503. Below the usual limit of 1024 open files."""
HEADER_SECONDS = 10.0
"""Longest that the head of a request may take to arrive; uvicorn itself would wait for ever."""
HEAD_BYTES = 32_768
"""Most bytes of a request's head."""
IDLE_SECONDS = 10
"""After so long without another request a connection is closed."""


def configuration(app: ASGIApp, *, header_seconds: float = HEADER_SECONDS, **where: Any) -> uvicorn.Config:  # noqa: ANN401
    """How an application is served; `where` says on which address."""
    protocol = type("Timed", (_Timed,), {"header_seconds": header_seconds})
    return uvicorn.Config(
        app, http=protocol, lifespan="off", log_config=None, access_log=False, server_header=False,
        limit_concurrency=CONNECTIONS, timeout_keep_alive=IDLE_SECONDS, h11_max_incomplete_event_size=HEAD_BYTES,
        **where,
    )  # fmt: skip


class _Timed(H11Protocol):
    """A connection that is closed when the head of a request is too long on its way."""

    header_seconds = HEADER_SECONDS
    _ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        if self._ends is not None:
            self._ends.cancel()

    @property
    def _waiting(self) -> bool:
        """Whether the next thing to come is a head, or the rest of one."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        if not self._waiting and self._ends is not None:
            self._ends.cancel()
            self._ends = None
        elif self._waiting and self._ends is None:
            self._ends = self.loop.call_later(self.header_seconds, self._cut)

    def _cut(self) -> None:
        self._ends = None
        if self._waiting:
            self.transport.abort()
