"""How the command behaves where nobody thinks of it: mistyped, in pipes, told to be quiet, on another machine."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from importlib import metadata

import pytest
from rich.console import Console

from forgebench import engine
from forgebench.cli.doctor import examine, requirements, versions
from forgebench.demo import PHOTOS


def run(*arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    done = subprocess.run(
        [sys.executable, "-m", "forgebench", *arguments],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_alone_it_says_what_there_is():
    told = run(code=2)
    assert "forgebench demo" in told.stdout + told.stderr
    assert "doctor" in told.stdout + told.stderr


def test_a_mistyped_command_is_guessed():
    assert "Did you mean 'score', 'rescore'?" in run("scroe", code=2).stderr


def test_the_versions_that_matter():
    told = run("--version").stdout
    assert told.startswith("forgebench ")
    assert f"numpy {metadata.version('numpy')}" in told
    assert set(versions()) >= {"datasets", "numpy", "pillow", "pyarrow"}


def test_there_is_completion_for_a_shell():
    told = run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_FORGEBENCH_COMPLETE" in told.stdout


def test_quiet_leaves_out_what_is_next_and_verbose_says_how_long(tmp_path):
    asked = ("synth", "--photos", str(PHOTOS), "-n", "2", "--workers", "1", "--out")
    loud = run("--verbose", *asked, str(tmp_path / "loud"))
    assert "Next: " in loud.stdout
    assert " items in " in loud.stderr
    quiet = run("--quiet", *asked, str(tmp_path / "quiet"))
    assert "Next: " not in quiet.stdout
    assert quiet.stderr == ""


def test_verbose_says_where_an_error_came_from():
    assert "Traceback" not in run("verify", "nothing-here", code=2).stderr
    assert "Traceback" in run("--verbose", "verify", "nothing-here", code=2).stderr


def test_no_colour_where_there_is_no_terminal():
    assert "\x1b[" not in run("sources").stdout + run("verify", "nothing-here", code=2).stderr


def test_a_pipe_gets_lines_instead_of_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(engine, "LINE_SECONDS", 0.0)
    assert list(engine.with_progress(iter("ab"), 2, "counting")) == ["a", "b"]
    assert capsys.readouterr().err.splitlines() == [
        "counting: 1 of 2, about 0 min left", "counting: 2 of 2, about 0 min left",
    ]  # fmt: skip


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=terminal, force_terminal=True, width=80))
    assert list(engine.with_progress(iter("ab"), 2, "counting")) == ["a", "b"]
    assert "counting" in terminal.getvalue()


def test_doctor_finds_what_is_here_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    findings = {finding.what: finding for finding in examine()}
    assert findings["extra torch"].state == "ok"
    assert findings["core packages"].found.count(", ") == len(versions()) - 1
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_what_is_missing_and_the_command_that_adds_it(monkeypatch):
    def absent(name):
        if name in ("torch", "torchmetrics"):
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr("importlib.metadata.version", absent)
    monkeypatch.setenv("PATH", "")
    findings = {finding.what: finding for finding in examine()}
    assert findings["extra torch"] == (
        "extra torch", "missing", "without torch, torchmetrics", "pip install 'forgebench[torch]'",
    )  # fmt: skip
    assert findings["extra ray"].state == "ok"
    assert findings["GPU"].state == "note"


def test_every_extra_that_people_install_is_looked_at():
    asked = set(metadata.metadata("forgebench").get_all("Provides-Extra")) - {"all", "dev"}
    looked = {finding.what.removeprefix("extra ") for finding in examine() if finding.what.startswith("extra ")}
    assert looked == asked
    assert all(requirements(extra) for extra in asked)


def test_doctor_speaks_json():
    document = json.loads(run("doctor", "--json").stdout)
    assert {"what", "state", "found", "fix"} == set(document["findings"][0])


@pytest.mark.parametrize("command", ["build", "score", "doctor"])
def test_every_command_has_help_with_an_end(command):
    assert "Usage" in run(command, "--help").stdout
