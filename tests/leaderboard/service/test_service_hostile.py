"""Hostile files reach the scorer: each ends as a verdict, and none of them gets out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from people import Halves, Participant, new_participant, score_all, submission
from sqlalchemy import select

from leaderboard.service.board import Board
from leaderboard.service.models import Submission

MUTANTS = 10_000 if "FORGEBENCH_SOAK" in os.environ else 300
ROUNDS = 20 if "FORGEBENCH_SOAK" in os.environ else 2
_CODE = """
import sys
from leaderboard.service.isolation import leave_network, set_limits
print(leave_network())
import socket
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
    print("reached")
except OSError as error:
    print("cut off")
set_limits(memory=2**30, seconds=1, disk=1000)
try:
    bytearray(2**31)
except MemoryError:
    print("no memory")
try:
    import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    open(sys.argv[2], "wb").write(b"x" * 5000)
    print("written", __import__("os").path.getsize(sys.argv[2]))
except OSError:
    print("no disk")
while True:
    pass
"""


def test_scoring_has_no_network(tmp_path: Path) -> None:
    """A listener on this machine is out of reach, and limits hold; a loop is ended by the kernel."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-u", "-c", _CODE, port, str(tmp_path / "big")], capture_output=True, text=True, timeout=60
        )
    isolated, network, memory, disk = done.stdout.splitlines()
    if isolated == "False":
        pytest.skip("the kernel permits no network namespace here")
    assert (network, memory) == ("cut off", "no memory")
    assert disk == "no disk" or (tmp_path / "big").stat().st_size <= 1000
    assert done.returncode < 0


def _mutant(data: bytes, rng: random.Random) -> bytes:
    """Flipped, cut, doubled or stuffed bytes."""
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 3, 30))):
        at = rng.randrange(len(spoilt))
        kind = rng.randrange(4)
        if kind == 0:
            spoilt[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del spoilt[at : at + rng.randrange(1, 200)]
        elif kind == 2:
            spoilt[at:at] = spoilt[at : at + rng.randrange(1, 200)]
        else:
            spoilt[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"../x"))
        if not spoilt:
            return b"PK"
    return bytes(spoilt)


@pytest.mark.soak
def test_mutated_files_end_as_a_verdict(benchmarks: Halves, tmp_path: Path) -> None:
    """The validation that the scoring process does first, on every mutant."""
    import forgebench

    benchmark, rng, seen = benchmarks.opened("plain"), random.Random(0), Counter[str]()
    data = submission(tmp_path, benchmark).read_bytes()
    (tmp_path / "in").mkdir()
    for number in range(MUTANTS):
        file = tmp_path / "in" / "mutant.zip"
        file.write_bytes(_mutant(data, rng))
        found = forgebench.validate(file, benchmark, workers=1)
        assert all(problem.code and problem.fix for problem in found), number
        seen.update({problem.code for problem in found} or {"valid"})
    assert len(seen) > 3, seen
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["mutant.zip"]


@pytest.mark.soak
def test_mutated_files_do_not_stop_a_worker(lite: Board, benchmarks: Halves, tmp_path: Path) -> None:
    """Through the service, the queue and the scoring process; another one after them is scored as ever."""
    ann, rng = new_participant(lite, "ann"), random.Random(1)
    whole = submission(tmp_path, benchmarks.opened("plain"))
    for number in range(ROUNDS):
        file = tmp_path / f"mutant-{number}.zip"
        file.write_bytes(_mutant(whole.read_bytes(), rng))
        ann.submit(file)
    good = ann.submit(whole)
    score_all(lite)
    with lite.database.read() as session:
        assert set(session.scalars(select(Submission.state))) <= {"scored", "invalid"}
    assert ann.see(good["id"])["state"] == "scored"


def test_a_parquet_that_is_none_and_a_zip_that_is_a_bomb(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    import zipfile

    (tmp_path / "no.parquet").write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.json", b"{}")
        archive.writestr("predictions.csv", b"0" * 50_000_000)
    made = [lite_ann.submit(tmp_path / name)["id"] for name in ("no.parquet", "bomb.zip")]
    score_all(lite)
    codes = [{one["code"] for one in lite_ann.see(one)["problems"]} for one in made]
    assert [lite_ann.see(one)["state"] for one in made] == ["invalid", "invalid"]
    assert codes == [{"unreadable_archive"}, {"unsafe_archive"}]
