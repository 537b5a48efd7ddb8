"""Every command and every line of Python of the first hour runs, in its order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-hour.md"


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block."""
    return re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_every_block_is_of_a_kind_that_is_run():
    assert len(blocks()) == PAGE.read_text(encoding="utf-8").count("```") // 2 > 10


def test_the_whole_page(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    for name, what in (("forgebench", "-m forgebench"), ("python", "")):
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {what} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    work = tmp_path / "empty"
    work.mkdir()
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "HF_HOME": str(tmp_path / "hf"),
    }  # fmt: skip
    told = []
    for language, text in blocks():
        command = ["sh", "-ec", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        told.append(done.stdout)
    assert "verified" in "".join(told)
    assert (work / "scores" / "report.html").is_file()
    assert (work / "audit" / "audit.html").is_file()
    assert any("'record_hash'" in text and "'number'" in text for text in told), "an edited record was not found"


if os.name == "nt":
    pytest.skip("the page's commands are for a POSIX shell", allow_module_level=True)
