"""A changed benchmark is found out, and the sample named."""

from __future__ import annotations

import json
from copy import deepcopy
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counts import count
from datasets import Features
from lookalikes import encoded, photo
from PIL import Image

import forgebench
from benchmark.tampering import rewrite, shard
from forgebench.benchmark import open_benchmark, verify_benchmark
from forgebench.benchmark.hashing import row_digest
from forgebench.sources.files import sha256

NAME = "tampered-p2"


def problems(benchmark):
    return verify_benchmark(open_benchmark(benchmark.path), workers=1)


def findings(benchmark):
    return {(problem.code, problem.sample_id) for problem in problems(benchmark)}


def test_sound_benchmarks_have_no_problem(built, cover):
    for benchmark in (built, cover):
        assert problems(benchmark) == []
        assert forgebench.verify(benchmark.path, workers=2) == []


def test_a_rewrite_that_changes_nothing_is_sound(copied):
    rewrite(copied, lambda rows: rows)
    assert problems(copied) == []


def flipped(data, rng):
    changed = bytearray(data)
    changed[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


@pytest.mark.filterwarnings("ignore:Image size:PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("column", ["image", "mask", "scribble"])
@pytest.mark.parametrize("seed", range(12))
def test_one_flipped_bit_in_a_file_is_found(copied, column, seed):
    rng = np.random.default_rng(seed)

    def change(rows):
        row = rows[int(rng.integers(len(rows)))]
        row[column]["bytes"] = flipped(row[column]["bytes"], rng)
        names.append(row["sample_id"])
        return rows

    names = []
    rewrite(copied, change)
    assert findings(copied) == {("changed", names[0])}


VALUES = {
    "label": 0, "manipulation": "splice", "boxes": [[1.0, 2.0, 3.0, 4.0]], "scribble": None, "mask": None,
    "source_mask": {"bytes": encoded(np.zeros((56, 40), np.uint8), "PNG"), "path": "x.png"}, "mask_scope": "",
    "width": 41, "height": -56, "group": "p3", "provenance": "", "sha256": "0" * 64, "image": None,
    "explanation": {"type": "", "area": "", "content": "", "evidence": ""},
}  # fmt: skip


@pytest.mark.parametrize("column", VALUES)
def test_any_other_value_is_found(copied, column):
    def change(rows):
        (row,) = [row for row in rows if row["sample_id"] == NAME]
        assert row[column] != VALUES[column]
        row[column] = VALUES[column]
        return rows

    rewrite(copied, change)
    assert findings(copied) == {("changed", NAME)}


def edit(rows, **values):
    return [row | values if row["sample_id"] == NAME else row for row in rows]


def test_a_box_moved_by_a_hair_is_found(copied):
    def change(rows):
        for row in rows:
            if row["sample_id"] == NAME:
                row["boxes"][0][0] = float(np.nextafter(np.float32(row["boxes"][0][0]), np.float32(99)))
        return rows

    rewrite(copied, change)
    assert findings(copied) == {("changed", NAME)}


def test_an_image_exchanged_together_with_its_hash_is_found(copied):
    data = encoded(photo(77), "PNG")
    rewrite(copied, lambda rows: edit(rows, image={"bytes": data, "path": "p2.tif"}, sha256=sha256(data)))
    assert findings(copied) == {("changed", NAME)}


def test_two_exchanged_masks_are_both_found(copied):
    def change(rows):
        by_id = {row["sample_id"]: row for row in rows}
        a, b = by_id["tampered-p0"], by_id["tampered-p2"]
        a["mask"], b["mask"] = b["mask"], a["mask"]
        return rows

    rewrite(copied, change)
    assert findings(copied) == {("changed", "tampered-p0"), ("changed", "tampered-p2")}


def test_a_removed_row_is_missing(copied):
    rewrite(copied, lambda rows: [row for row in rows if row["sample_id"] != NAME])
    assert findings(copied) == {("missing", NAME)}


def test_an_added_row_is_unknown(copied):
    rewrite(copied, lambda rows: [*rows, deepcopy(rows[0]) | {"sample_id": "new"}])
    assert findings(copied) == {("unknown", "new")}


def test_a_doubled_row_is_a_duplicate(copied):
    rewrite(copied, lambda rows: [*rows, *[row for row in rows if row["sample_id"] == NAME]])
    assert findings(copied) == {("duplicate", NAME)}


def test_a_renamed_row_is_both_unknown_and_missing(copied):
    rewrite(copied, lambda rows: edit(rows, sample_id="other"))
    assert findings(copied) == {("unknown", "other"), ("missing", NAME)}


def test_several_changes_are_all_found(copied):
    rewrite(copied, lambda rows: edit(rows, group="x")[1:])
    (gone,) = set(copied.manifest.rows) - {row["sample_id"] for row in copied.rows("test", ["sample_id"])}
    assert findings(copied) == {("changed", NAME), ("missing", gone)}


def test_a_shard_that_is_gone_or_added_is_found(copied):
    file = shard(copied)
    file.with_name("train-00000-of-00001.parquet").write_bytes(file.read_bytes())
    assert ("unknown", "") in findings(copied)
    file.with_name("train-00000-of-00001.parquet").rename(file.with_name("test-more.parquet"))
    assert findings(copied) == {("duplicate", name) for name in copied.manifest.rows}
    for each in file.parent.iterdir():
        each.unlink()
    assert findings(copied) == {("missing", name) for name in copied.manifest.rows}


def edited(benchmark, change):
    path = benchmark.path / "forgebench.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("name", ["content_hash", "annotation_hash"])
def test_an_edited_hash_is_found(copied, name):
    edited(copied, lambda manifest: manifest.update({name: "0" * 64}))
    (problem,) = problems(copied)
    assert (problem.code, problem.got) == ("manifest", "0" * 64)
    assert problem.expected.startswith(name.replace("_", " "))


@pytest.mark.parametrize("name", ["samples", "authentic", "tampered"])
def test_an_edited_count_is_found(copied, name):
    edited(copied, lambda manifest: manifest["splits"]["test"].update({name: 99}))
    (problem,) = problems(copied)
    assert problem.code == "manifest"
    assert f"{name}=99" in problem.got


def test_an_invented_split_is_found(copied):
    edited(copied, lambda manifest: manifest["splits"].update({"train": {"samples": 5}}))
    assert findings(copied) == {("manifest", "")}


def test_counts_moved_from_one_split_to_another_are_found(copied):
    def change(manifest):
        manifest["splits"]["test"]["authentic"] -= 1
        manifest["splits"]["test"]["samples"] -= 1
        manifest["splits"]["train"] = {"samples": 1, "authentic": 1}

    edited(copied, change)
    assert len(problems(copied)) == 2


def test_a_sample_struck_from_the_manifest_is_unknown(copied):
    edited(copied, lambda manifest: manifest["rows"].pop(NAME))
    assert findings(copied) == {("unknown", NAME)}


def test_a_change_with_a_new_row_digest_is_found_by_the_content_hash(copied):
    rewrite(copied, lambda rows: edit(rows, label=0))
    digests = {row["sample_id"]: row_digest(row) for row in copied.rows("test")}
    edited(copied, lambda manifest: manifest.update(rows=digests))
    found = problems(copied)
    assert {problem.code for problem in found} == {"manifest"}
    assert any("content hash" in problem.expected for problem in found)
    assert any("counts of test" in problem.expected for problem in found)


def seen_by_readers(file, original):
    """Whether readers through Arrow and `datasets` get what they got before."""
    table = pq.read_table(file)
    same_columns = Features.from_arrow_schema(table.schema) == Features.from_arrow_schema(original.schema)
    return table.schema.equals(original.schema) and same_columns and table.equals(original)


@pytest.mark.filterwarnings("ignore:Image size:PIL.Image.DecompressionBombWarning")
@pytest.mark.soak
@pytest.mark.parametrize("seed", range(count(5, 100)))
def test_no_flipped_bit_of_a_shard_goes_unnoticed(tmp_path, seed, truths):
    """Every raw flip is found, but for bits that no reader heeds (statistics, padding, copies of the schema)."""
    forgebench.build("folder", truths[0], tmp_path / "b", workers=1)
    benchmark = open_benchmark(tmp_path / "b")
    file = shard(benchmark)
    whole, original = file.read_bytes(), pq.read_table(file)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    rng = np.random.default_rng(seed)
    # As many in the page headers, the small columns and the footer as in the files' bytes.
    places = [*rng.integers(0, len(whole), 30), *rng.integers(footer - 4000, len(whole), 30)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(changed)
        found = verify_benchmark(benchmark, workers=1)
        assert all(problem.sample_id or file.name in f"{problem.expected} {problem.got}" for problem in found)
        assert found or seen_by_readers(file, original), place


@pytest.mark.parametrize("cut", [0, 4, 100, -1, -9])
def test_a_truncated_shard_is_named(copied, cut):
    file = shard(copied)
    file.write_bytes(file.read_bytes()[:cut])
    (problem,) = problems(copied)
    assert problem.code == "unreadable"
    assert file.name in problem.expected


@pytest.mark.parametrize("change", ["drop a column", "another type", "no names of labels"])
def test_other_columns_are_found(copied, change):
    file = shard(copied)
    table = pq.read_table(file)
    if change == "drop a column":
        table = table.drop_columns(["mask"])
    elif change == "another type":
        table = table.set_column(table.column_names.index("width"), "width", table["width"].cast(pa.int64()))
        table = table.replace_schema_metadata(None)
    else:
        table = table.replace_schema_metadata(None)
    pq.write_table(table, file)
    (problem,) = problems(copied)
    assert (problem.code, problem.got) == ("unreadable", "others")
    assert file.name in problem.expected


def test_reading_a_damaged_shard_is_an_error_with_advice(copied):
    file = shard(copied)
    data = bytearray(file.read_bytes())
    data[4:40] = bytes(36)
    file.write_bytes(data)
    with pytest.raises(forgebench.InputError, match=rf"Run: forgebench verify {copied.path}"):
        list(copied.rows("test"))


def test_masks_are_compared_by_their_pixels_in_the_content_hash(copied):
    """Another PNG of the same mask is a change of the row, not of the content."""

    def change(rows):
        for row in rows:
            with_other_coding = BytesIO()
            Image.open(BytesIO(row["mask"]["bytes"])).save(with_other_coding, "PNG", compress_level=9)
            row["mask"]["bytes"] = with_other_coding.getvalue()
        return rows

    rewrite(copied, change)
    assert findings(copied) == {("changed", name) for name in copied.manifest.rows}
    digests = {row["sample_id"]: row_digest(row) for row in copied.rows("test")}
    edited(copied, lambda manifest: manifest.update(rows=digests))
    assert problems(copied) == []
