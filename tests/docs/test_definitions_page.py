"""The page of definitions is what the code says."""

from __future__ import annotations

from docs.generate import definitions as writer
from forgebench.metrics import DEFINITIONS


def test_it_is_current():
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(), "run make pages"


def test_every_definition_and_every_defect_is_on_it():
    page = writer.page()
    assert set(writer.RULES) == set(DEFINITIONS)
    for definition in DEFINITIONS.values():
        assert definition.source in page
        assert all(f"- {trap}" in page for trap in definition.traps)
        assert all(f"| `{metric.id}` |" in page for metric in definition.metrics)


def test_no_cell_of_a_table_breaks_it():
    rows = [line for line in writer.page().splitlines() if line.startswith("|")]
    widths = [row.count(" | ") for row in rows]
    starts = [i for i, row in enumerate(rows) if row.startswith("| ---")]
    for start, end in zip(starts, [*(i - 1 for i in starts[1:]), len(rows)], strict=True):
        assert len(set(widths[start - 1 : end])) == 1


def test_the_worked_example_by_hand():
    """Good: 36 x 36 of 40 x 40, so F1 2 * 1296 / (1296 + 1600); black: 1600 of 9216 marked for nothing."""
    rows = {tuple(row[:2]): [cell.strip() for cell in row[2:]] for row in writer._values()}
    f1, everything = f"{2 * 1296 / (1296 + 1600):.3f}", f"{2 * 1600 / (1600 + 9216):.3f}"
    assert rows["forgebench", "`pixel_f1`"] == [f1, "0.000", "0.000", "0.000", "-"]
    assert rows["mvss", "`pixel_f1`"] == [f1, "0.000", "0.000", "0.000", "-"]
    assert rows["imdl-benco", "`pixel_f1_double`"] == [f1, everything, "1.000", everything, "0.000"]
    assert rows["scaf", "`pixel_f1`"] == [f1, "1.000", "0.000", "0.000", "-"]
    assert rows["trufor", "`pixel_f1_fixed`"][0] == "1.000"
    assert rows["trufor", "`pixel_f1_best`"][2] == "1.000"
    assert rows["cat-net", "`pixel_miou`"][4] == "0.500"
    assert rows["photoholmes", "`pixel_mcc_weighted_v1`"][2:] == ["-2.000", "0.000", "1.000"]
