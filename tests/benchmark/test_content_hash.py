"""What the two hashes depend on, and on what they do not."""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from dataclasses import replace
from io import BytesIO

import lookalikes
import numpy as np
import pyarrow.parquet as pq
import pytest
from lookalikes import encoded, photo, region
from PIL import Image

import forgebench
from benchmark.tampering import rewrite, shard
from forgebench.benchmark import open_benchmark, verify_benchmark, write
from forgebench.benchmark.hashing import annotation_line, content_line, frame, hash_of_lines, row_digest
from forgebench.benchmark.rows import row_of
from forgebench.schema import COLUMNS, Explanation, Item
from forgebench.sources.files import sha256


def independent_content_hash(benchmark):
    """Written from the description in `forgebench.benchmark.hashing` alone."""
    lines = []
    for split in benchmark.splits:
        for row in benchmark.rows(split):
            cells = row["mask"], row["source_mask"]
            masks = [cell and np.asarray(Image.open(BytesIO(cell["bytes"]))) for cell in cells]
            size = row["height"].to_bytes(4, "big") + row["width"].to_bytes(4, "big")
            fields = [row["sample_id"], split, f"{row['label']}", row["manipulation"], row["group"], row["mask_scope"]]
            lines.append(b"".join(map(framed, [*fields, row["sha256"], size, *map(mask_hash, masks)])))
    return hashlib.sha256(b"".join(map(framed, sorted(lines)))).hexdigest()


def framed(field):
    if field is None:
        return (2**64 - 1).to_bytes(8, "big")
    data = field.encode() if isinstance(field, str) else field
    return len(data).to_bytes(8, "big") + data


def mask_hash(pixels):
    if pixels is None:
        return None
    bits = "".join("1" if value else "0" for value in pixels.ravel())
    bits += "0" * (-len(bits) % 8)
    sides = b"".join(side.to_bytes(4, "big") for side in pixels.shape)
    return hashlib.sha256(sides + int(bits, 2).to_bytes(len(bits) // 8, "big")).digest()


def test_an_independent_implementation_agrees(built, cover):
    for benchmark in (built, cover):
        assert independent_content_hash(benchmark) == benchmark.content_hash


def hashes(benchmark):
    return benchmark.manifest.content_hash, benchmark.manifest.annotation_hash


def build(name, root, out, **options):
    return forgebench.build(name, root, out, **({"workers": 1} | options))


def test_workers_change_no_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_ROWS", 30)
    lookalikes.folder(tmp_path / "in", n=20)
    one, two = (build("folder", tmp_path / "in", tmp_path / str(w) / "out", workers=w) for w in (1, 2))
    names = [file.name for file in one.shards("test")]
    assert len(names) == 2
    for name in [*(f"data/{name}" for name in names), "forgebench.json", "README.md", "croissant.json"]:
        assert (one.path / name).read_bytes() == (two.path / name).read_bytes()


def test_times_of_files_and_number_of_shards_change_nothing(tmp_path, truths, built, monkeypatch):
    shutil.copytree(truths[0], tmp_path / "mine")
    for file in (tmp_path / "mine").rglob("*"):
        os.utime(file, (1, 1))
    monkeypatch.setattr(write, "SHARD_ROWS", 3)
    again = build("folder", tmp_path / "mine", tmp_path / "out")
    assert len(again.shards("test")) == 5
    assert hashes(again) == hashes(built)
    assert again.manifest.rows == built.manifest.rows


def test_all_layouts_of_casia_are_one_benchmark(tmp_path):
    made = {}
    for layout in ("original", "kaggle", "wscl"):
        truths = lookalikes.casia_v1(tmp_path / layout, layout=layout)
        made[layout] = build("casia-v1", tmp_path / layout, tmp_path / f"{layout}-built")
        assert set(made[layout].manifest.rows) == set(truths)
    assert len({hashes(benchmark) for benchmark in made.values()}) == 1


def test_a_file_more_or_less_changes_the_hash(tmp_path, truths, built):
    shutil.copytree(truths[0], tmp_path / "in")
    (tmp_path / "in" / "authentic" / "p1.png").unlink()
    assert build("folder", tmp_path / "in", tmp_path / "out").content_hash != built.content_hash


@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"row_group_size": 2}, {"data_page_size": 64}])
def test_parquet_settings_and_row_order_change_nothing(copied, options):
    before = shard(copied).read_bytes()
    rewrite(copied, lambda rows: rows[::-1], version="1.0", **options)
    assert shard(copied).read_bytes() != before
    assert independent_content_hash(copied) == copied.content_hash
    assert verify_benchmark(copied, workers=1) == []


def test_shards_may_be_cut_anew(copied):
    file = shard(copied)
    table = pq.read_table(file)
    pq.write_table(table.slice(0, 5), file.with_name("test-00000-of-00002.parquet"))
    pq.write_table(table.slice(5), file.with_name("test-00001-of-00002.parquet"))
    file.unlink()
    assert verify_benchmark(open_benchmark(copied.path), workers=1) == []


DATA = encoded(photo(1), "PNG")
ITEM = Item("a", "tampered", DATA, "a.png", sha256=sha256(DATA), size=(32, 48), group="g", mask=region(1))
OTHER = encoded(photo(2), "PNG")
CONTENT = {
    "sample_id": {"sample_id": "b"},
    "split": {"split": "train"},
    "label": {"label": "authentic"},
    "manipulation": {"manipulation": "splice"},
    "empty manipulation": {"manipulation": ""},
    "group": {"group": "h"},
    "mask_scope": {"mask_scope": "tampered_and_source"},
    "image": {"image": OTHER, "sha256": sha256(OTHER)},
    "size": {"size": (48, 32)},
    "mask": {"mask": region(2)},
    "one pixel": {"mask": region(1) ^ (np.arange(32 * 48).reshape(32, 48) == 700)},
    "no mask": {"mask": None},
    "mask shape": {"mask": region(1).reshape(48, 32)},
    "source_mask": {"source_mask": region(2)},
    "empty source_mask": {"source_mask": np.zeros((32, 48), bool)},
}


def test_every_field_that_scoring_reads_changes_the_content_hash():
    made = {name: row_of(replace(ITEM, **change)).content for name, change in CONTENT.items()}
    assert len({row_of(ITEM).content, *made.values()}) == len(CONTENT) + 1


def test_names_and_derived_values_are_not_content():
    explanation = Explanation(type="t", area="a", content="c", evidence="e")
    for change in ({"image_name": "b.png"}, {"explanation": explanation}, {"provenance": "{}"}):
        assert row_of(replace(ITEM, **change)).content == row_of(ITEM).content


def test_annotations_have_their_own_hash():
    row = row_of(ITEM)
    values, drawn = row.values, np.asarray(Image.open(BytesIO(row.values["scribble"]["bytes"])))
    assert annotation_line(values, drawn) == row.annotation
    explanation = Explanation(type="t", area="a", content="c", evidence="e")
    changes = ({"boxes": [[1.0, 2.0, 3.0, 4.0]]}, {"boxes": []}, {"explanation": explanation}, {"sample_id": "b"})
    lines = [annotation_line(values | change, drawn) for change in changes]
    lines += [annotation_line(values, other) for other in (None, drawn ^ 1, drawn.reshape(-1, 8))]
    assert len({row.annotation, *lines}) == len(changes) + 4
    assert annotation_line(values | {"group": "h"}, drawn) == row.annotation


def test_neither_hash_depends_on_how_png_files_are_packed(tmp_path, monkeypatch):
    """A library packs otherwise on another processor, or in another version."""
    lookalikes.folder(tmp_path / "in", n=6)
    one = build("folder", tmp_path / "in", tmp_path / "one")
    monkeypatch.setattr("forgebench.benchmark.cells.isal_zlib.compress", lambda data, level: zlib.compress(data, 9))
    two = build("folder", tmp_path / "in", tmp_path / "two")
    assert shard(one).read_bytes() != shard(two).read_bytes()
    assert hashes(one) == hashes(two)
    assert [*verify_benchmark(one), *verify_benchmark(two)] == []


def test_every_stored_value_changes_the_digest():
    row = row_of(replace(ITEM, source_mask=region(2)))
    other = row_of(replace(ITEM, sample_id="b", mask=region(3), image=OTHER, sha256=sha256(OTHER))).values | {
        "label": 0, "manipulation": "splice", "source_mask": None, "mask_scope": "x", "width": 1, "height": 1,
        "group": "h", "provenance": "{}", "explanation": {"type": "t", "area": "a", "content": "c", "evidence": "e"},
    }  # fmt: skip
    changed = {name for name, value in other.items() if row_digest(row.values | {name: value}) != row.digest}
    # The image's bytes enter by the hash beside them.
    assert changed == set(COLUMNS) - {"image"}
    renamed = {"image": {"bytes": DATA, "path": "b.png"}}
    assert row_digest(row.values | renamed) != row.digest


def test_fields_cannot_run_into_each_other():
    values = row_of(ITEM).values
    changes = {"group": "gt", "mask_scope": "ampered"}, {"group": "g", "mask_scope": "tampered"}
    assert len({content_line(values | change, "test", None, None) for change in changes}) == 2
    assert frame("ab") + frame("c") != frame("a") + frame("bc")
    assert frame(None) != frame("") != frame("\xff" * 8)
    assert hash_of_lines([b"a", b"b"]) == hash_of_lines([b"b", b"a"]) != hash_of_lines([b"ab"])
    assert hash_of_lines([b"a", b"a"]) != hash_of_lines([b"a"])
