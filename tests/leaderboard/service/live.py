"""A board as its users reach it: a server on loopback, a worker in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from leaderboard.service.app import make_app
from leaderboard.service.board import Board
from leaderboard.service.server import configuration
from leaderboard.service.worker import work


@contextmanager
def served(board: Board, *, worker: bool = True, **limits: float) -> Iterator[str]:
    """The address of a running board."""
    server = uvicorn.Server(configuration(make_app(board), **limits))
    listener, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()
    threads = [threading.Thread(target=server.run, kwargs={"sockets": [listener]})]
    threads += [threading.Thread(target=work, args=(board, stop))] if worker else []
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        stop.set()
        for thread in threads:
            thread.join()
        listener.close()
