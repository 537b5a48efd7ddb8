"""`python -m leaderboard serve`: site, API and worker."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

_PAUSE = 2.0


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    worker: Annotated[bool, typer.Option(help="Run a worker beside it.")] = True,
    behind: Annotated[
        str, typer.Option(help="Addresses of reverse proxies whose word on the client's address counts.")
    ] = "127.0.0.1",
) -> None:
    """Serve site, account pages and API, with a worker beside them: a board on one machine in one command."""
    import uvicorn

    from leaderboard.service.app import make_app
    from leaderboard.service.board import open_board
    from leaderboard.service.logs import set_up_logs
    from leaderboard.service.server import configuration

    set_up_logs()
    app = make_app(open_board())
    with _worker_beside() if worker else _nothing(), suppress(KeyboardInterrupt):
        uvicorn.Server(configuration(app, host=host, port=port, forwarded_allow_ips=behind)).run()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _worker_beside() -> Iterator[None]:
    """A worker in a process of its own, started again whenever it ends."""
    stop = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        while not stop.is_set():
            process = subprocess.Popen([sys.executable, "-m", "leaderboard", "worker", "--with-parent"])
            running[:] = [process]
            process.wait()
            stop.wait(_PAUSE)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        for process in running:
            process.terminate()
        thread.join(_PAUSE * 5)
