"""The check of the dependencies says what it could not check."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests import dependencies

FOUND = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}
SOUND = {"name": "b", "version": "1", "vulns": []}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}
OURS = {"name": "forgebench", "skip_reason": "distribution marked as editable"}


def _document(*listed: dict[str, object]) -> str:
    return json.dumps({"dependencies": listed})


def test_what_the_service_does_not_know_was_not_checked() -> None:
    known, silent = dependencies.told(_document(FOUND, SOUND, UNKNOWN, OURS), "")
    assert known == ["a 1: CVE-1"]
    assert silent == [f"c: {UNKNOWN['skip_reason']}"]
    assert dependencies.told("", "noise\nConnectionError: refused\n")[1] == ["all packages: ConnectionError: refused"]


@pytest.mark.parametrize(("demand", "code"), [("", 0), ("1", 1)])
def test_a_service_out_of_reach_is_no_clean_bill(demand: str, code: int) -> None:
    """The real check, its way to the service leading nowhere."""
    pytest.importorskip("pip_audit")
    nowhere = "http://127.0.0.1:9"
    closed = {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "NO_PROXY": "", dependencies.DEMAND: demand}
    closed |= {name.lower(): value for name, value in closed.items()}
    command = [sys.executable, "-m", "tests.dependencies"]
    done = subprocess.run(command, env={**os.environ, **closed}, capture_output=True, text=True, check=False)
    assert "NOT CHECKED for vulnerabilities" in done.stdout
    assert done.returncode == code, done.stdout
