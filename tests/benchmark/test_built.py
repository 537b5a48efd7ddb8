"""What lies in a built benchmark, as `datasets` and other readers see it."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

import datasets
import lookalikes
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from lookalikes import encoded, photo, put, region
from PIL import Image

import forgebench
from forgebench.benchmark import Manifest, open_benchmark, verify_benchmark, write
from forgebench.benchmark.assemble import assemble
from forgebench.benchmark.rows import row_of
from forgebench.benchmark.write import Job
from forgebench.errors import InputError, NotFoundError
from forgebench.schema import COLUMNS, LEVELS, Explanation, Item, features
from forgebench.sources.files import sha256

SHOWN = {"sample_id", "image", "label", "width", "height", "group", "sha256"}


def test_no_level_but_pixel_shows_more_than_its_own_truth():
    assert {level: set(columns) - SHOWN for level, columns in LEVELS.items() if level != "pixel"} == {
        "image": set(),
        "box": {"boxes"},
        "scribble": {"scribble"},
    }
    assert LEVELS["pixel"] == COLUMNS


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_sees_its_own_columns_alone(built, level):
    loaded = datasets.load_dataset(str(built.path), level, split="test")
    assert set(loaded.column_names) == set(LEVELS[level])
    assert set(built.load(level)[0]) == set(LEVELS[level])
    streamed = datasets.load_dataset(str(built.path), level, split="test", streaming=True)
    first = next(iter(streamed))
    assert set(first) == set(LEVELS[level])
    assert set(streamed.column_names) == set(LEVELS[level])
    assert first["sample_id"] == loaded[0]["sample_id"]
    assert loaded.features == datasets.Features({name: features()[name] for name in loaded.column_names})


def test_the_default_level_is_pixel(built):
    assert datasets.load_dataset(str(built.path), split="test").column_names == list(COLUMNS)
    assert datasets.get_dataset_config_names(str(built.path)) == list(LEVELS)
    assert datasets.get_dataset_split_names(str(built.path), "box") == ["test"]


def test_an_unknown_level_or_split_is_refused(built):
    with pytest.raises(InputError, match=r"No level is called 'masks'. There are: image, box, scribble, pixel"):
        built.load("masks")
    with pytest.raises(InputError, match=r"mine has no split 'train'. It has: test"):
        built.load("box", "train")


def test_image_bytes_are_those_of_the_files(built, truths):
    loaded = built.load("image").cast_column("image", datasets.Image(decode=False))
    assert len(loaded) == len(truths[1])
    kinds = set()
    for row in loaded:
        assert row["image"]["bytes"] == truths[1][row["sample_id"]].image
        assert row["sha256"] == sha256(row["image"]["bytes"])
        assert row["image"]["path"].rpartition(".")[0] in row["sample_id"]
        kinds.add(Image.open(BytesIO(row["image"]["bytes"])).format)
    assert kinds == {"JPEG", "PNG", "TIFF", "BMP", "WEBP"}


@pytest.mark.parametrize("which", ["built", "cover"])
def test_truth_is_stored_as_displayed(which, request, truths, tmp_path):
    expected = truths[1] if which == "built" else lookalikes.coverage(tmp_path)
    loaded = request.getfixturevalue(which).load("pixel")
    assert sorted(loaded["sample_id"]) == sorted(expected)
    for row in loaded:
        truth = expected[row["sample_id"]]
        assert row["image"].size == (row["width"], row["height"]) == row["mask"].size
        assert (row["mask"].mode, row["scribble"].mode) == ("L", "L")
        np.testing.assert_array_equal(np.asarray(row["mask"]), np.where(truth.mask, 255, 0))
        assert set(np.unique(row["scribble"])) <= {0, 1, 2}
        assert (1 in np.asarray(row["scribble"])) == truth.mask.any()
        assert row["label"] == (truth.label == "tampered") == bool(row["boxes"])
        assert (row["group"], row["manipulation"]) == (truth.group, truth.manipulation)
        if truth.source_mask is None:
            assert row["source_mask"] is None
        else:
            np.testing.assert_array_equal(np.asarray(row["source_mask"]), np.where(truth.source_mask, 255, 0))


def test_a_turned_image_is_described_as_displayed(built):
    rows = {row["sample_id"]: row for row in built.rows("test")}
    for name in ("tampered-displayed", "tampered-stored"):
        assert (rows[name]["width"], rows[name]["height"]) == (32, 48)
    (fix,) = built.manifest.known_issues
    assert fix.sample_id == "tampered-stored"


FACTS = {
    "name": "t", "title": "T", "source": "s", "licence": "l", "redistributable": False, "homepage": "https://x.org",
    "citation": "", "prose": "Prose.", "year": 2020, "expected": {}, "derived": {"boxes": "drawn"},
}  # fmt: skip


def item(sample_id="a", **changes):
    data = encoded(photo(1), "PNG")
    whole = Item(sample_id, "tampered", data, "a.png", sha256=sha256(data), size=(32, 48), group="g", mask=region(1))
    return replace(whole, **changes)


def assembled(out, items, **options):
    facts = forgebench.benchmark.Facts(**FACTS)
    jobs = [Job(one.sample_id, one.split, len(one.image), one) for one in items]
    return assemble(out, facts, jobs, row_of, what="testing", workers=1, **options)


def test_a_tampered_image_without_truth(tmp_path):
    made = assembled(tmp_path / "out", [item("a", mask=None), item("b")])
    without, whole = made.load("pixel")
    assert (without["mask"], without["scribble"], without["boxes"]) == (None, None, [])
    assert whole["mask"] is not None
    assert made.manifest.total.tampered == 2
    assert verify_benchmark(made, workers=1) == []


def test_explanation_provenance_and_several_splits(tmp_path):
    explanation = Explanation(type="splice", area="left", content="a cat – naïve", evidence="no shadow")
    items = [item("a", explanation=explanation, provenance='{"seed": 1}'), item("b", split="train")]
    made = assembled(tmp_path / "out", items)
    assert made.splits == ["test", "train"]
    (row,) = made.load("pixel", "test")
    assert (row["explanation"], row["provenance"]) == (explanation, '{"seed": 1}')
    assert made.load("box", "train")["sample_id"] == ["b"]
    assert verify_benchmark(made, workers=1) == []


def test_benchmarks_in_folders_of_one_name_are_not_taken_for_each_other(tmp_path):
    """`datasets` looks neither at a folder's path nor at the age of its files when it finds its cache."""
    said = Explanation(type="splice", area="left", content="a cat", evidence="no shadow")
    versions = [item(), item(explanation=said), item(mask=region(2))]
    made = [assembled(tmp_path / str(index) / "out", [one]) for index, one in enumerate(versions)]
    first, explained, other = (one.load("pixel")[0] for one in made)
    assert (first["explanation"], explained["explanation"]) == (None, said)
    assert first["mask"] != other["mask"]
    for one in (other, first, explained):
        assert one["image"] == first["image"]


def test_row_groups_hold_at_most_a_hundred_rows(tmp_path):
    data = encoded(photo(1, 8, 8), "PNG")
    blank = np.zeros((8, 8), bool)
    one = item(image=data, sha256=sha256(data), size=(8, 8), label="authentic", mask=blank)
    made = assembled(tmp_path / "out", [replace(one, sample_id=str(i)) for i in range(230)])
    assert [group.rows for group in made.row_groups("test")] == [100, 100, 30]
    assert [row["sample_id"] for row in made.rows("test", ["sample_id"])] == [str(i) for i in range(230)]


def test_row_groups_and_shards_end_at_their_bytes_too(tmp_path, monkeypatch):
    items = [item(str(i)) for i in range(10)]
    monkeypatch.setattr(write, "GROUP_BYTES", 2 * len(items[0].image))
    monkeypatch.setattr(write, "SHARD_BYTES", 5 * len(items[0].image))
    made = assembled(tmp_path / "out", items)
    assert [file.name for file in made.shards("test")] == ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"]
    assert [group.rows for group in made.row_groups("test")] == [2, 2, 1, 2, 2, 1]
    assert made.load("image")["sample_id"] == [str(i) for i in range(10)]


def test_a_shard_whose_samples_are_all_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_ROWS", 1)
    put(tmp_path / "in" / "authentic" / "a.jpg", b"broken")
    put(tmp_path / "in" / "authentic" / "b.jpg", encoded(photo(1), "JPEG"))
    made = forgebench.build("folder", tmp_path / "in", tmp_path / "out", allow_issues="all", workers=1)
    assert len(made.shards("test")) == 2
    assert made.load("pixel")["sample_id"] == ["authentic-b"]
    assert [row["sample_id"] for row in made.load("box", streaming=True)] == ["authentic-b"]
    assert verify_benchmark(made, workers=1) == []


def test_the_files_of_a_benchmark_are_these_alone(built):
    files = sorted(path.relative_to(built.path).as_posix() for path in built.path.rglob("*") if path.is_file())
    assert files == ["README.md", "croissant.json", "data/test-00000-of-00001.parquet", "forgebench.json"]
    assert not [path for path in built.path.parent.iterdir() if path.name.startswith(".")]


def test_the_card_declares_four_views_of_the_same_files(built):
    _, head, prose = (built.path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    card = yaml.safe_load(head)
    assert {config["config_name"]: tuple(config["columns"]) for config in card["configs"]} == LEVELS
    assert [config["config_name"] for config in card["configs"] if config.get("default")] == ["pixel"]
    files = [{"split": "test", "path": "data/test-*.parquet"}]
    assert all(config["data_files"] == files for config in card["configs"])
    assert built.content_hash in prose
    assert "| test | 14 | 6 | 8 |" in prose
    assert "Do not publish these images." in prose


def test_the_card_tells_of_gaps_and_mended_defects(cover):
    prose = (cover.path / "README.md").read_text(encoding="utf-8")
    assert "- 9 of 100 authentic samples" in prose
    assert "- `61t`: mask/61forged.tif is 298x32, the image 48x32; cropped at x 150, y 0" in prose


def test_the_manifest_survives_the_way_to_disk_and_back(built, cover):
    for benchmark in (built, cover):
        text = (benchmark.path / "forgebench.json").read_text(encoding="utf-8")
        assert Manifest.model_validate_json(text) == benchmark.manifest == open_benchmark(benchmark.path).manifest
        assert Manifest.model_validate(json.loads(text)).model_dump_json(indent=1) + "\n" == text


def test_the_manifest_holds_every_source_file_and_row(built, truths):
    root, expected = truths
    assert set(built.manifest.rows) == set(expected)
    files = {path: sha256((root / path).read_bytes()) for path in built.manifest.files}
    assert built.manifest.files == files
    assert len(files) == len(expected) + sum(truth.label == "tampered" for truth in expected.values())


def test_croissant_describes_the_columns(built):
    description = json.loads((built.path / "croissant.json").read_text(encoding="utf-8"))
    assert description["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert description["name"] == "mine"
    fields = {field["name"] for record in description["recordSet"] for field in record["field"]}
    assert fields == set(COLUMNS) - {"explanation"}


def test_to_frame_has_one_row_a_sample_and_no_pixels(built):
    frame = built.to_frame()
    assert set(frame.columns) == set(COLUMNS) - {"image", "mask", "scribble", "source_mask"}
    assert sorted(frame["sample_id"]) == sorted(built.manifest.rows)
    assert frame["label"].sum() == built.manifest.total.tampered


def test_parquet_is_readable_without_datasets(built):
    table = pq.read_table(built.path / "data", columns=["sample_id", "sha256"])
    assert table.num_rows == 14


def test_opening_what_is_no_benchmark(tmp_path, copied):
    with pytest.raises(NotFoundError, match=r"found no forgebench.json. Make one with: forgebench build"):
        open_benchmark(tmp_path / "none")
    manifest = copied.path / "forgebench.json"
    for content in (b"", b"{", b"[]", b"{}", b"\xff\xfe", manifest.read_bytes().replace(b"splits", b"spoils")):
        manifest.write_bytes(content)
        with pytest.raises(InputError, match=r"is not a benchmark's manifest"):
            open_benchmark(copied.path)
