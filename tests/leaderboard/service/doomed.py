"""`python doomed.py MODULE:NAME before|after COMMAND …`: the board's command, killed at a function's first call."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from operator import attrgetter
from typing import Any

from leaderboard.cli import main


def doom(where: str, when: str) -> None:
    """Let the process be killed by SIGKILL right before or after a function or method does its work."""
    module, _, path = where.partition(":")
    holder, _, name = path.rpartition(".")
    owner = attrgetter(holder)(import_module(module)) if holder else import_module(module)
    real = getattr(owner, name)

    def last(*args: Any, **named: Any) -> None:
        if when == "after":
            real(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, last)


if __name__ == "__main__":
    doom(sys.argv[1], sys.argv[2])
    sys.argv[1:] = sys.argv[3:]
    main()
