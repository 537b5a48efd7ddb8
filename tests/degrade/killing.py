"""A script: degrade PARENT into OUT by RECIPE, or a grid of it, and die at the MOMENT-th operation on files of OUT."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from forgebench.benchmark import degrade_grid, write


def main(parent: str, out: Path, recipes: str, moment: int) -> None:
    write.SHARD_ROWS = 3
    count = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if event in {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"} and str(args[0]).startswith(str(out)):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    degrade_grid(parent, out, recipes=recipes.split(","), workers=1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
