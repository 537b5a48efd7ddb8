"""Verifying the per-image table: edited, swapped, of another kind, impossible or gone."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small

import forgebench
from forgebench import InputError
from forgebench.scoring.per_image import open_table

from .edits import seal, write


def _codes(folder):
    return {problem.code for problem in forgebench.verify(folder)}


def test_no_table(quick_score, tmp_path):
    shutil.copy(quick_score / "record.json", tmp_path)
    (problem,) = forgebench.verify(tmp_path)
    assert problem.code == "per_image"
    assert "found none" in problem.got


def test_the_table_of_another_score(scene, quick_score, tmp_path):
    files = small.files(scene, small.predictions(scene, seed=3))
    forgebench.score(small.write_zip(tmp_path / "s.zip", files), scene.benchmark, tmp_path / "other")
    shutil.copytree(quick_score, tmp_path / "out")
    shutil.copy(tmp_path / "other" / "per_image.parquet", tmp_path / "out")
    (problem,) = forgebench.verify(tmp_path / "out")
    assert problem.code == "per_image"
    with pytest.raises(InputError, match="is not the table that the record names"):
        forgebench.rescore(tmp_path / "out")


def _rewritten(quick_score, folder, change, *, rehash=True, schema=None):
    """The score with its table changed, and the record told of it as far as an editor can."""
    table = pq.read_table(quick_score / "per_image.parquet")
    rows = table.to_pylist()
    change(rows)
    changed = pa.Table.from_pylist(rows, schema=schema or table.schema)
    fields = json.loads((quick_score / "record.json").read_text(encoding="utf-8"))
    folder.mkdir()
    pq.write_table(changed, folder / "changed.parquet")
    if rehash:
        fields["per_image"]["sha256"] = open_table(folder / "changed.parquet").sha256()
    return write(folder, seal(fields), folder / "changed.parquet")


def _row(rows, sample_id):
    return next(row for row in rows if row["sample_id"] == sample_id)


def _better_score(rows):
    _row(rows, "tampered-b")["score"] = 1.0


def _better_counts(rows):
    histogram = _row(rows, "tampered-a")["hist_tampered"]
    histogram[255] += histogram[0] + histogram[100] + histogram[90]
    histogram[0] = histogram[100] = histogram[90] = 0


def _valid_after_all(rows):
    _row(rows, "tampered-f").update(status="ok", score=1.0, hist_tampered=[0] * 256, hist_authentic=[0] * 256)


def _another_label(rows):
    _row(rows, "authentic-i")["label"] = "tampered"


def _another_group(rows):
    _row(rows, "authentic-i")["group"] = "a"


def _one_less(rows):
    del rows[2]


TABLES = [_better_score, _better_counts, _valid_after_all, _another_label, _another_group, _one_less]


@pytest.mark.parametrize("change", TABLES)
def test_an_edited_table(quick_score, tmp_path, change):
    assert _codes(_rewritten(quick_score, tmp_path / "a", change, rehash=False)) == {"per_image"}
    assert _codes(_rewritten(quick_score, tmp_path / "b", change)) & {"number", "per_image"}


IMPOSSIBLE = {
    "score above 1": {"score": 7.0},
    "score below 0": {"score": -0.5},
    "no score": {"score": None},
    "more pixels than there are": {"hist_tampered": [10**6] * 256},
    "a negative count": {"hist_tampered": [-1, 1] + [0] * 254},
    "fewer pixels in all": {"tampered_px": 0},
    "negative pixels": {"tampered_px": -3},
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_table_that_no_prediction_gives(quick_score, tmp_path, name):
    folder = _rewritten(quick_score, tmp_path / "out", lambda rows: _row(rows, "tampered-a").update(IMPOSSIBLE[name]))
    (problem,) = forgebench.verify(folder)
    assert (problem.code, problem.sample_id) == ("per_image", "tampered-a")


def test_an_empty_table(quick_score, tmp_path):
    (problem,) = forgebench.verify(_rewritten(quick_score, tmp_path / "out", lambda rows: rows.clear()))
    assert (problem.code, problem.got) == ("per_image", "none")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop_columns(["group"]),
        lambda t: t.append_column("note", pa.array(["x"] * len(t))),
        lambda t: t.set_column(4, "tampered_px", t["tampered_px"].cast(pa.int32())),
        lambda t: t.set_column(6, "score", pa.array(["1"] * len(t))),
        lambda t: t.set_column(0, "sample_id", pa.array([None] * len(t), pa.string())),
        lambda t: t.set_column(8, "hist_tampered", pa.array([[1, None] * 128] * len(t), pa.list_(pa.int32(), 256))),
        lambda t: t.set_column(8, "hist_tampered", pa.array([[1]] * len(t), pa.list_(pa.int32()))),
    ],
)
def test_a_table_of_another_kind(quick_score, tmp_path, change):
    shutil.copytree(quick_score, tmp_path / "out")
    table = change(pq.read_table(quick_score / "per_image.parquet"))
    pq.write_table(table, tmp_path / "out" / "per_image.parquet")
    (problem,) = forgebench.verify(tmp_path / "out")
    assert problem.code == "per_image"
    assert "other columns" in problem.got


@pytest.mark.parametrize("keep", [0, 100, -9])
def test_a_table_that_is_cut_short(quick_score, tmp_path, keep):
    shutil.copytree(quick_score, tmp_path / "out")
    file = tmp_path / "out" / "per_image.parquet"
    file.write_bytes(file.read_bytes()[:keep])
    assert _codes(tmp_path / "out") == {"per_image"}


def test_the_tables_order_and_packing_say_nothing(quick_score, tmp_path):
    table = pq.read_table(quick_score / "per_image.parquet")
    turned = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    shutil.copytree(quick_score, tmp_path / "out")
    pq.write_table(turned, tmp_path / "out" / "per_image.parquet", compression="gzip", row_group_size=3)
    assert forgebench.verify(tmp_path / "out") == []
