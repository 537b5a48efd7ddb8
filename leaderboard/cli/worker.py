"""`python -m leaderboard worker`: score what comes in."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Annotated

import typer

_NICE = 10
"""Beside a service, its pages come before scoring."""


def worker(
    once: Annotated[bool, typer.Option(help="End when there is nothing left to do.")] = False,
    with_parent: Annotated[bool, typer.Option(help="End when the process that started it does.")] = False,
) -> None:
    """Score submissions and build the site; as many as you like, on as many machines as share a board."""
    from leaderboard.service.board import open_board
    from leaderboard.service.logs import set_up_logs
    from leaderboard.service.worker import work, work_once

    set_up_logs()
    board, stop = open_board(), threading.Event()
    logging.getLogger("leaderboard.worker").info("signing with %s", board.key)  # refused here if it is another's
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        os.nice(_NICE)
        threading.Thread(target=_watch, args=(os.getppid(), stop), daemon=True).start()
    if once:
        while not stop.is_set() and work_once(board, stop):
            pass
    else:
        work(board, stop)


def _watch(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent:
        stop.wait(1)
    stop.set()
