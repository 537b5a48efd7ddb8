"""The published table of data sets is that of the cards."""

from __future__ import annotations

from docs.generate.dataset_table import FILE, datasets_text
from forgebench.sources import SOURCES


def test_the_table_of_data_sets_is_current():
    assert FILE.read_text(encoding="utf-8") == datasets_text(), "run make pages"


def test_the_table_has_a_row_and_a_layout_for_every_data_set():
    lines = FILE.read_text(encoding="utf-8").splitlines()
    for name in SOURCES:
        (row,) = [line for line in lines if line.startswith(f"| `{name}` |")]
        assert row.replace(r"\|", "").count("|") == 9
        assert lines.count(f"## {name}") == 1
