"""Builds that are killed or run out of room: finished shards stay, and the next run ends as if nothing had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import lookalikes
import pytest
from counts import count
from lookalikes import encoded, photo, put

import forgebench
from forgebench.benchmark import verify_benchmark, write
from forgebench.errors import ForgeBenchError

SCRIPT = Path(__file__).with_name("interrupting.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and resource limits")


def interrupt(what, root, folder, number):
    folder.mkdir()
    command = [sys.executable, SCRIPT, what, root, folder, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.soak
def test_a_build_killed_at_any_moment_is_continued(tmp_path, truths, built):
    runs = interrupt("kill", truths[0], tmp_path / "work", count(2, 1))
    assert len(runs) > 20
    shards = [f"test-{i:05d}-of-00005.parquet" for i in range(5)]
    for run in runs:
        assert run["status"] == 0
        assert run["manifest"] == built.content_hash
        assert run["shards"] == shards
        assert run["again"] == []
        assert run["left"] == ["out"]
    assert [run["whole"] for run in runs].count(True) <= 2
    # Before the end nothing but more and more finished shards; sidecars go only when all is written.
    kept = [len(run["kept"]) for run in runs]
    assert set(kept) == set(range(6))
    assert kept.index(5) < len(kept) - 3
    assert kept[: kept.index(5)] == sorted(kept[: kept.index(5)])


def test_a_disk_that_is_full_in_a_shard(tmp_path, truths, built):
    root = tmp_path / "in"
    lookalikes.folder(root, n=6)
    put(root / "tampered" / "p9.png", encoded(photo(9, 200, 200), "PNG"))
    put(root / "masks" / "p9.png", encoded(lookalikes.region(9, 200, 200), "PNG"))
    told, run = interrupt("full", root, tmp_path / "work", 100_000)
    assert told["error"] == "ForgeBenchError"
    assert told["message"].startswith(f"Could not write {tmp_path / 'work' / '.out.partial'}: ")
    assert "File too large" in told["message"]
    assert told["message"].endswith("What is finished is kept: make room and run the same command again.")
    assert len(run["kept"]) == len(run["shards"]) - 1 == 4
    assert (run["again"], run["left"], run["status"]) == ([], ["out"], 0)


def test_a_disk_that_is_full_at_the_very_end(tmp_path, monkeypatch):
    """The manifest of many small samples is larger than any of their shards."""
    for i in range(60):
        put(tmp_path / "in" / "authentic" / f"a_rather_long_name_of_number_{i:04d}.png", encoded(photo(i, 2, 2), "PNG"))
    told, run = interrupt("full", tmp_path / "in", tmp_path / "work", 12_000)
    assert "Could not write" in told["message"]
    assert len(run["kept"]) == len(run["shards"]) == 20
    assert (run["again"], run["left"], run["status"]) == ([], ["out"], 0)


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path, truths):
    put(tmp_path / "file", b"")
    with pytest.raises(ForgeBenchError, match=r"Could not write .*\.out\.partial: "):
        forgebench.build("folder", truths[0], tmp_path / "file" / "out", workers=1)


def test_shards_of_an_earlier_plan_are_not_taken_over(tmp_path):
    """What a killed build has left of other samples is remade or removed, whatever its names."""
    root = tmp_path / "in"
    lookalikes.folder(root, n=6)
    for spare in ("test-00000-of-00009.parquet", "test-00007-of-00009.json", "train-00000-of-00001.parquet.tmp"):
        put(tmp_path / ".out.partial" / "data" / spare, b"left over")
    put(tmp_path / ".out.partial" / "data" / "test-00000-of-00004.parquet", b"left over")
    made = forgebench.build("folder", root, tmp_path / "out", workers=1)
    assert [file.name for file in sorted((made.path / "data").iterdir())] == ["test-00000-of-00001.parquet"]
    assert verify_benchmark(made, workers=1) == []


def test_a_changed_file_makes_its_shard_again(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_ROWS", 3)
    root = tmp_path / "in"
    lookalikes.folder(root, n=6)
    put(root / "tampered" / "p5.jpg", b"")
    with monkeypatch.context() as patch:
        patch.setattr("forgebench.benchmark.assemble.discard", lambda out: None)
        with pytest.raises(forgebench.ProblemsError):
            forgebench.build("folder", root, tmp_path / "out", workers=1)
    lookalikes.folder(root, n=6)
    made = forgebench.build("folder", root, tmp_path / "out", workers=1)
    assert made.manifest.total.samples == 12
    assert verify_benchmark(made, workers=1) == []


def test_a_killed_build_with_two_workers_is_continued(tmp_path, monkeypatch):
    root = tmp_path / "in"
    lookalikes.folder(root, n=20)
    command = [sys.executable, SCRIPT, "pool", root, tmp_path, "10"]
    killed = subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL
    data = tmp_path / ".out.partial" / "data"
    kept = {file.stem: file.with_suffix(".parquet").stat().st_ino for file in data.glob("*.json")}
    assert len(kept) == 2
    monkeypatch.setattr(write, "SHARD_ROWS", 3)
    made = forgebench.build("folder", root, tmp_path / "out", workers=1)
    inodes = {file.stem: file.stat().st_ino for file in made.shards("test")}
    assert inodes | kept == inodes
    assert verify_benchmark(made, workers=1) == []
    assert made.content_hash == forgebench.build("folder", root, tmp_path / "whole", workers=1).content_hash
