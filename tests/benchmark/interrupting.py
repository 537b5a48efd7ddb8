"""A script: build in a child process that is killed, or runs out of room; then build again, and tell what was kept.

`interrupting.py kill ROOT FOLDER STEP` kills the build at every STEP-th file operation in turn; `interrupting.py full
ROOT FOLDER BYTES` forbids files of more than BYTES bytes. One JSON document a line on standard output.
`interrupting.py pool ROOT FOLDER MOMENT` builds with two workers, and is killed itself at that file operation.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

# What a build imports on first use, so that each child need not.
import datasets  # noqa: F401
import numpy
import pyarrow.parquet  # noqa: F401
import rich.progress  # noqa: F401
import skimage.morphology
from PIL import Image

from forgebench.benchmark import build, write
from forgebench.errors import ForgeBenchError

OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}


def in_child(work: Callable[[], object]) -> int:
    """Do the work in a child process; its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except ForgeBenchError as error:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}), flush=True)
            os._exit(2)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(moment: int, root: Path, out: Path, workers: int = 1) -> None:
    """Build, and die at this many operations on files of the source or the benchmark."""
    count = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if event in OPERATIONS and str(args[0]).startswith((str(root), str(out.parent))):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    build("folder", root, out, workers=workers)


def out_of_room(limit: int, root: Path, out: Path) -> None:
    """Build where no file may grow beyond the limit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    build("folder", root, out, workers=1)


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """The finished shards of an unfinished build: inode and time of each."""
    shards = write.partial_folder(out).glob("data/*.parquet")
    return {file.name: stamp(file) for file in shards if file.with_suffix(".json").is_file()}


def stamp(file: Path) -> tuple[int, int]:
    """What changes when a file is written again."""
    return file.stat().st_ino, file.stat().st_mtime_ns


def resumed(root: Path, out: Path) -> dict[str, object]:
    """Build again after an interruption: what was finished before, what of it was made again, what came out."""
    whole, kept = out.exists(), finished(out)
    status = 0 if whole else in_child(lambda: build("folder", root, out, workers=1))
    made = {file.name: stamp(file) for file in (out / "data").iterdir()}
    return {
        "whole": whole, "status": status, "kept": sorted(kept), "shards": sorted(made),
        "again": sorted(name for name, was in kept.items() if made.get(name) != was),
        "manifest": json.loads((out / "forgebench.json").read_text(encoding="utf-8"))["content_hash"],
        "left": sorted(path.name for path in out.parent.iterdir()),
    }  # fmt: skip


def main(what: str, root: Path, folder: Path, number: int) -> None:
    """Interrupt builds one after the other; the last one lives."""
    write.SHARD_ROWS = 3
    Image.init()
    skimage.morphology.skeletonize(numpy.ones((3, 3), bool))
    if what == "pool":
        killed_at(number, root, folder / "out", workers=2)
    if what == "full":
        in_child(lambda: out_of_room(number, root, folder / "out"))
        print(json.dumps(resumed(root, folder / "out")), flush=True)
        return
    moment, status = 1, -signal.SIGKILL
    while status == -signal.SIGKILL:
        status = in_child(lambda at=moment: killed_at(at, root, folder / "out"))
        print(json.dumps({"moment": moment} | resumed(root, folder / "out")), flush=True)
        shutil.rmtree(folder / "out")
        moment += number


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
