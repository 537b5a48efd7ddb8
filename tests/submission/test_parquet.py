"""Submissions in one Parquet file: other columns, nulls, packing and damage."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small

import forgebench

PLAIN = {"compression": "none", "use_dictionary": False}


def _changed(tmp_path, scene, change, **options):
    """A sound file read, changed and written again."""
    path = small.write_parquet(tmp_path / "s.parquet", small.files(scene))
    pq.write_table(change(pq.read_table(path)), path, **(PLAIN | options))
    return forgebench.validate(path, scene.benchmark)


def _column(name, values):
    return lambda table: table.set_column(table.column_names.index(name), name, values(table))


COLUMNS = {
    "no score": lambda t: t.drop_columns(["score"]),
    "no ids": lambda t: t.drop_columns(["sample_id"]),
    "one more": lambda t: t.append_column("label", pa.array(["x"] * len(t))),
    "another order": lambda t: t.select(["score", "sample_id", "mask"]),
    "a column twice": lambda t: t.append_column("score", t["score"]),
    "scores as text": _column("score", lambda t: pa.array(["0.5"] * len(t))),
    "scores as floats of 32 bits": _column("score", lambda t: t["score"].cast(pa.float32())),
    "ids as numbers": _column("sample_id", lambda t: pa.array(range(len(t)))),
    "masks as text": _column("mask", lambda t: pa.array(["x"] * len(t))),
    "masks as lists": _column("mask", lambda t: pa.array([[1]] * len(t))),
    "names with escapes": lambda t: t.rename_columns(["sample_id", "score", "<b>\x1b[31m"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_other_columns_are_refused(tmp_path, scene, name):
    (problem,) = _changed(tmp_path, scene, COLUMNS[name])
    assert problem.code == "unreadable_archive"
    assert "columns" in problem.expected
    assert problem.got.isprintable()
    assert "<" not in problem.got


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"compression": "snappy"}, "SNAPPY"),
        ({"compression": "zstd"}, "ZSTD"),
        ({"compression": "gzip"}, "GZIP"),
        ({"use_dictionary": True}, "RLE_DICTIONARY"),
        ({"use_dictionary": ["mask"]}, "RLE_DICTIONARY"),
        ({"column_encoding": {"mask": "DELTA_BYTE_ARRAY"}}, "DELTA_BYTE_ARRAY"),
    ],
)
def test_a_packed_file_could_be_a_bomb_and_is_refused(tmp_path, scene, options, words):
    (problem,) = _changed(tmp_path, scene, lambda table: table, **options)
    assert problem.code == "unsafe_archive"
    assert words in problem.got


def test_a_bomb_of_a_dictionary_is_refused_small(tmp_path, scene):
    """A hundred thousand rows of one 1 MiB mask: 1 MiB of file, 100 GB unpacked."""
    mask = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), pa.array([bytes(2**20)]))
    ids = pa.array([f"x{i}" for i in range(len(mask))])
    table = pa.table({"sample_id": ids, "score": pa.array(np.zeros(len(mask))), "mask": mask})
    pq.write_table(table, tmp_path / "s.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "s.parquet").stat().st_size < 4 * 2**20
    (problem,) = forgebench.validate(tmp_path / "s.parquet", scene.benchmark)
    assert problem.code == "unsafe_archive"


def test_nulls(tmp_path, scene):
    ids = sorted(scene.truth)

    def spoil(table):
        rows = sorted(table.to_pylist(), key=lambda row: row["sample_id"])
        rows[1]["score"] = None
        rows[2]["mask"] = None
        return pa.Table.from_pylist(rows, schema=table.schema)

    problems = _changed(tmp_path, scene, spoil)
    assert [(one.code, one.sample_id) for one in problems] == [("missing_mask", ids[2]), ("not_finite", ids[1])]


def test_an_id_that_is_null(tmp_path, scene):
    def spoil(table):
        return _column("sample_id", lambda t: pa.array([None, *t["sample_id"].to_pylist()[1:]]))(table)

    assert "unknown_id" in {one.code for one in _changed(tmp_path, scene, spoil)}


def test_scores_out_of_range(tmp_path, scene):
    values = [float("nan"), float("inf"), -0.1, 1.1]

    def spoil(table):
        return _column("score", lambda t: pa.array([*values, *t["score"].to_pylist()[len(values) :]]))(table)

    codes = [one.code for one in _changed(tmp_path, scene, spoil)]
    assert codes == ["not_finite", "not_finite", "out_of_range", "out_of_range"]


def test_an_id_twice(tmp_path, scene):
    problems = _changed(tmp_path, scene, lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    assert [one.code for one in problems] == ["duplicate_id"]


def test_an_id_that_is_no_text(tmp_path, scene):
    path = small.write_parquet(tmp_path / "s.parquet", small.files(scene))
    data = path.read_bytes()
    assert data.count(b"tampered-whole") >= 1
    path.write_bytes(data.replace(b"tampered-whole", b"tampered-\xff\xfe\x1b\0e"))
    problems = forgebench.validate(path, scene.benchmark)
    assert {one.code for one in problems} == {"manifest"}
    assert all(str(one).isprintable() for one in problems)


def test_many_row_groups(tmp_path, scene):
    assert _changed(tmp_path, scene, lambda table: table, row_group_size=2) == []


def test_no_manifest(tmp_path, scene):
    (problem,) = _changed(tmp_path, scene, lambda table: table.replace_schema_metadata({}))
    assert (problem.code, problem.got) == ("manifest", "none")


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -8, -3000])
def test_a_file_that_is_cut_short(tmp_path, scene, keep):
    path = small.write_parquet(tmp_path / "s.parquet", small.files(scene))
    path.write_bytes(path.read_bytes()[:keep])
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "unreadable_archive"
    with pytest.raises(forgebench.ProblemsError):
        forgebench.score(path, scene.benchmark)


def test_a_mask_too_large_for_its_image_is_not_taken(tmp_path, scene):
    files = small.files(scene) | {"masks/tampered-a.png": bytes(2**21)}
    (problem,) = forgebench.validate(small.write_parquet(tmp_path / "s.parquet", files), scene.benchmark)
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")
    assert "more than" in problem.got


def test_masks_without_any_pixels_are_no_masks(tmp_path, scene):
    """A column of nulls, where a score alone was announced, is not an unexpected one."""
    files = {name: data for name, data in small.files(scene, outputs=["score"]).items() if "masks/" not in name}
    assert forgebench.validate(small.write_parquet(tmp_path / "s.parquet", files), scene.benchmark) == []
