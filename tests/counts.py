"""How long the long proofs are: short in every run, in full with `make soak`."""

from __future__ import annotations

import os

SOAK = bool(os.environ.get("FORGEBENCH_SOAK"))


def count(short: int, full: int) -> int:
    """How many cases to run."""
    return full if SOAK else short
