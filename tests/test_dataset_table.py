"""The published table of data sets is that of the cards."""

from __future__ import annotations

import runpy
from pathlib import Path

from forgebench.sources import SOURCES

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_data_sets_is_current():
    written = runpy.run_path(str(DOCS / "dataset_table.py"))["datasets_text"]()
    assert (DOCS / "datasets.md").read_text(encoding="utf-8") == written, "run python docs/dataset_table.py"


def test_the_table_has_a_row_and_a_layout_for_every_data_set():
    lines = (DOCS / "datasets.md").read_text(encoding="utf-8").splitlines()
    for name in SOURCES:
        (row,) = [line for line in lines if line.startswith(f"| `{name}` |")]
        assert row.replace(r"\|", "").count("|") == 9
        assert lines.count(f"## {name}") == 1
