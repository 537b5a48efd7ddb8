"""Degraded benchmarks: every recipe keeps what must be kept, in files that are really of that recipe."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import parents
import pytest
from PIL import Image, ImageOps

import forgebench
from forgebench import engine
from forgebench.annotations import boxes_from_mask, scribble_from_mask
from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.degrade import load_recipe, load_recipes, parent_of, transforms
from forgebench.degrade.steps import Jpeg

Rows = dict[str, dict[str, Any]]

RECIPES = [recipe.name for recipe in load_recipes("grid")]
REACH = {"blur-3": 3, "motion-blur-9": 5, "motion-blur-15": 8, "screenshot": 9, "resize-2": 3}
"""How far from its outline a mask may differ from what shines, pixels; else 2, or 4 where there is noise."""
SIGNATURES = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG", "webp": b"RIFF"}


def rows_of(benchmark: Benchmark) -> Rows:
    return {row["sample_id"]: row | {"split": split} for split in benchmark.splits for row in benchmark.rows(split)}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def check(parent: Rows, made: Rows, name: str) -> None:
    """What holds for every recipe."""
    recipe = load_recipe(name)
    assert set(made) == {f"{sample_id}--{name}" for sample_id in parent}
    for sample_id, row in made.items():
        before = parent[parent_of(sample_id).sample_id]
        check_kept(before, row)
        check_file(before, row, name)
        mask = parents.bits(row["mask"])
        assert mask.any() == (row["label"] == 1)
        if recipe.sizes((before["width"], before["height"]))[-1] == (before["width"], before["height"]):
            assert np.array_equal(mask, parents.bits(before["mask"]))
        if mask.any():
            noisy = recipe.family in ("noise", "poisson")
            pixels = parents.displayed(row["image"]["bytes"])
            parents.check_aligned(pixels, mask, REACH.get(name, 4 if noisy else 2), noisy=noisy)
        assert row["boxes"] == boxes_from_mask(mask)
        assert np.array_equal(
            np.asarray(Image.open(BytesIO(row["scribble"]["bytes"]))), scribble_from_mask(mask, sample_id)
        )
        assert (row["source_mask"] is None) == (before["source_mask"] is None)


def check_kept(before: dict[str, Any], row: dict[str, Any]) -> None:
    for column in ("label", "group", "manipulation", "split", "mask_scope"):
        assert row[column] == before[column]
    told = json.loads(row["provenance"])
    assert told["parent"]["sample_id"] == before["sample_id"]
    assert told["parent"]["sha256"] == before["sha256"]
    assert json.dumps(told["parent"]["provenance"]) == (before["provenance"] or "null")
    assert (row["explanation"] is None) == (before["explanation"] is None)


def check_file(before: dict[str, Any], row: dict[str, Any], name: str) -> None:
    """A file of this recipe's format and size, not the parent's, without EXIF."""
    recipe, data = load_recipe(name), row["image"]["bytes"]
    suffix = recipe.encoder.suffix
    assert row["image"]["path"] == f"{row['sample_id']}.{suffix}"
    assert data.startswith(SIGNATURES[suffix])
    assert data != before["image"]["bytes"]
    assert row["sha256"] == hashlib.sha256(data).hexdigest()
    with Image.open(BytesIO(data)) as image:
        image.load()
        assert image.size == (row["width"], row["height"])
        assert image.size == recipe.sizes((before["width"], before["height"]))[-1]
        assert not image.getexif()
        assert image.mode == ("L" if before["sample_id"].startswith("grey") and suffix != "webp" else "RGB")
        if isinstance(recipe.encoder, Jpeg):
            buffer = BytesIO()
            Image.new(image.mode, (8, 8)).save(buffer, "JPEG", quality=recipe.encoder.quality)
            assert image.quantization == Image.open(buffer).quantization


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_keeps_what_must_be_kept(shapes, grid, name):
    made = open_benchmark(grid[0] / name)
    check(rows_of(shapes), rows_of(made), name)
    assert made.name == f"shapes--{name}"
    assert made.splits == shapes.splits
    origin, recipe = made.manifest.facts.parent, load_recipe(name)
    assert (origin.name, origin.content_hash, origin.parent) == ("shapes", shapes.content_hash, None)
    assert (origin.recipe, origin.family, origin.strength) == (name, recipe.family, recipe.strength)
    card = (made.path / "README.md").read_text(encoding="utf-8")
    assert shapes.content_hash in card
    assert recipe.description in card
    assert made.manifest.facts.licence == "CC0-1.0"


@pytest.mark.parametrize("name", ["crop-0.5", "resize-0.5", "double-jpeg-70", "webp-50", "x"])
def test_degraded_benchmarks_verify_and_load(grid, name):
    assert forgebench.verify(grid[0] / name, workers=1) == []
    loaded = open_benchmark(grid[0] / name).load("pixel", "test")
    assert len(loaded) == 14
    first = loaded[0]
    assert first["image"].size == first["mask"].size == (first["width"], first["height"])


def test_what_chance_decided_is_recorded_and_enough_to_do_it_again(shapes, grid):
    before = rows_of(shapes)
    for sample_id, row in rows_of(open_benchmark(grid[0] / "motion-blur-9")).items():
        (blur, _), seed = (json.loads(row["provenance"])[key] for key in ("steps", "seed"))
        pixels = transforms.decode(before[parent_of(sample_id).sample_id]["image"]["bytes"])
        again = transforms.encode_png(transforms.motion_blur(pixels, blur["length"], blur["angle"]))
        assert again == row["image"]["bytes"]
        assert seed == 0


def test_a_double_jpeg_was_really_saved_twice(shapes, grid):
    """Opened and saved by hand, byte for byte."""
    made = rows_of(open_benchmark(grid[0] / "double-jpeg-60"))
    for sample_id, row in rows_of(shapes).items():
        if sample_id.startswith(("colour", "jpeg", "turned", "webp")):
            picture = ImageOps.exif_transpose(Image.open(BytesIO(row["image"]["bytes"])))
            first = Image.open(BytesIO(parents.saved(picture, "JPEG", quality=60, subsampling=2, exif=b"")))
            twice = parents.saved(Image.fromarray(np.asarray(first)), "JPEG", quality=90, subsampling=2)
            assert made[f"{sample_id}--double-jpeg-60"]["image"]["bytes"] == twice


def test_a_chain_is_recorded(grid, tmp_path):
    parent = open_benchmark(grid[0] / "resize-1.5")
    made = forgebench.degrade(parent, tmp_path / "chain", recipe="telegram", workers=1)
    origin = made.manifest.facts.parent
    assert [origin.recipe, origin.parent.recipe, origin.parent.parent] == ["telegram", "resize-1.5", None]
    assert made.name == "shapes--resize-1.5--telegram"
    check(rows_of(parent), rows_of(made), "telegram")
    told = json.loads(next(made.rows("test"))["provenance"])
    assert told["parent"]["provenance"]["parent"]["provenance"] == {"drawn by": "hand"}
    assert [step["op"] for step in told["parent"]["provenance"]["steps"]] == ["resize", "png"]
    assert forgebench.verify(made.path, workers=1) == []


def test_benchmarks_without_masks(tmp_path):
    mask = parents.region("colour")
    data = parents.file_of("colour", parents.scene(mask, 1))[0]
    items = [parents.item("a-t", data, None, mask.shape), parents.item("b-a", data, np.zeros_like(mask), mask.shape)]
    parent = parents.build(tmp_path / "plain", items)
    for name in ("resize-0.5", "crop-0.75", "noise-5"):
        made = rows_of(forgebench.degrade(parent, tmp_path / name, recipe=name, workers=1))
        assert [row["label"] for row in made.values()] == [1, 0]
        assert made[f"a-t--{name}"]["mask"] is None
        assert made[f"a-t--{name}"]["boxes"] == []
        assert not parents.bits(made[f"b-a--{name}"]["mask"]).any()
        assert forgebench.verify(tmp_path / name, workers=1) == []


# --- the same bytes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["noise-5", "crop-0.5", "motion-blur-5", "poisson-64", "whatsapp"])
def test_the_same_bytes_for_any_number_of_workers(shapes, tmp_path, grid, monkeypatch, name):
    monkeypatch.setitem(engine.run.__kwdefaults__, "chunk", 2)
    forgebench.degrade(shapes, tmp_path / "two", recipe=name, workers=2)
    assert digests(tmp_path / "two") == digests(grid[0] / name)


def test_the_same_images_and_masks_in_any_order(shapes, tmp_path, grid):
    items = parents.samples()
    parent = parents.build(tmp_path / "shapes", [*items[::-1][:9], items[0]])
    for name in ("noise-5", "crop-0.5", "motion-blur-5"):
        whole = rows_of(open_benchmark(grid[0] / name))
        for sample_id, row in rows_of(forgebench.degrade(parent, tmp_path / name, recipe=name, workers=1)).items():
            for column in ("sha256", "mask", "boxes", "scribble"):
                assert row[column] == whole[sample_id][column]


def test_another_seed_draws_otherwise(shapes, tmp_path, grid):
    made = rows_of(forgebench.degrade(shapes, tmp_path / "b", recipe="noise-5", seed=1, workers=1))
    before = rows_of(open_benchmark(grid[0] / "noise-5"))
    assert not {row["sha256"] for row in made.values()} & {row["sha256"] for row in before.values()}
    assert {json.loads(row["provenance"])["seed"] for row in made.values()} == {1}


# --- planted faults ---------------------------------------------------------------------------------------------------


def planted(shapes: Benchmark, folder: Path, name: str) -> tuple[Rows, Rows]:
    return rows_of(shapes), rows_of(forgebench.degrade(shapes, folder / "out", recipe=name, workers=1))


def test_a_mask_that_does_not_follow_is_caught(shapes, tmp_path, monkeypatch):
    def corner(mask, width, height):
        return np.pad(mask, ((0, max(0, height - mask.shape[0])), (0, max(0, width - mask.shape[1]))))[:height, :width]

    monkeypatch.setattr(transforms, "resize_mask", corner)
    with pytest.raises(AssertionError, match="off the outline disagree"):
        check(*planted(shapes, tmp_path, "resize-0.75"), "resize-0.75")


def test_a_mask_that_is_turned_is_caught(shapes, tmp_path, monkeypatch):
    right = transforms.resize_mask
    monkeypatch.setattr(transforms, "resize_mask", lambda mask, w, h: right(mask, w, h)[:, ::-1].copy())
    with pytest.raises(AssertionError, match="off the outline disagree"):
        check(*planted(shapes, tmp_path, "resize-1.5"), "resize-1.5")


def test_noise_that_follows_the_clock_is_caught(shapes, tmp_path, monkeypatch, grid):
    module = import_module("forgebench.benchmark.degrade")
    monkeypatch.setattr(module, "rng_of", lambda name, seed: np.random.default_rng())
    forgebench.degrade(shapes, tmp_path / "noise-5", recipe="noise-5", workers=1)
    assert digests(tmp_path / "noise-5") != digests(grid[0] / "noise-5")


def test_pixels_that_are_degraded_in_memory_alone_are_caught(shapes, tmp_path, monkeypatch):
    """The encoder is asked for quality 50, but a file of quality 95 is written."""
    right = transforms.encode_jpeg
    monkeypatch.setattr(transforms, "encode_jpeg", lambda image, quality, *a, **b: right(image, 95, *a, **b))
    with pytest.raises(AssertionError):
        check(*planted(shapes, tmp_path, "jpeg-50"), "jpeg-50")


# --- grids ------------------------------------------------------------------------------------------------------------


def test_the_index_of_a_grid(shapes, grid):
    out, index = grid
    assert index == forgebench.open_grid(out)
    assert sorted(path.name for path in out.iterdir()) == sorted([*RECIPES, "grid.json"])
    assert [cell.recipe for cell in index.cells] == RECIPES
    assert (index.parent, index.parent_hash, index.seed) == ("shapes", shapes.content_hash, 0)
    for cell in index.cells:
        made = open_benchmark(out / cell.path)
        assert (cell.content_hash, cell.samples) == (made.content_hash, 16)
        assert index.cell(made.content_hash) == cell
    assert len({cell.content_hash for cell in index.cells}) == len(RECIPES)
    with pytest.raises(forgebench.InputError, match="No benchmark of the grid over shapes"):
        index.cell(shapes.content_hash)


def test_a_grid_is_continued_and_added_to(shapes, tmp_path):
    first = forgebench.degrade_grid(shapes, tmp_path / "g", recipes=["crop", "x"], workers=1)
    (tmp_path / "g" / "grid.json").unlink()
    shutil.rmtree(tmp_path / "g" / "crop-0.75")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "g").rglob("*.parquet")}
    again = forgebench.degrade_grid(shapes, tmp_path / "g", recipes=["crop", "x"], workers=1)
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in before} == before
    more = forgebench.degrade_grid(shapes, tmp_path / "g", recipes=["gamma-2"], workers=1)
    assert more.cells[:-1] == first.cells
    assert more.cells[-1].recipe == "gamma-2"


def test_a_grid_is_of_one_benchmark_and_seed(shapes, tmp_path):
    forgebench.degrade_grid(shapes, tmp_path / "g", recipes=["x"], workers=1)
    other = parents.build(tmp_path / "other", parents.samples(("colour",)))
    for benchmark, seed in ((other, 0), (shapes, 1)):
        with pytest.raises(forgebench.InputError, match="is a grid over shapes"):
            forgebench.degrade_grid(benchmark, tmp_path / "g", recipes=["gamma-2"], seed=seed, workers=1)
        (tmp_path / "g" / "grid.json").rename(tmp_path / "kept.json")
        with pytest.raises(forgebench.InputError, match="exists already, and is not"):
            forgebench.degrade_grid(benchmark, tmp_path / "g", recipes=["x"], seed=seed, workers=1)
        (tmp_path / "kept.json").rename(tmp_path / "g" / "grid.json")
    with pytest.raises(forgebench.InputError, match="is a benchmark"):
        forgebench.degrade_grid(shapes, shapes.path, recipes=["x"], workers=1)
    with pytest.raises(forgebench.NotFoundError, match=r"found no grid\.json"):
        forgebench.open_grid(tmp_path)
    (tmp_path / "grid.json").write_text("{}")
    with pytest.raises(forgebench.InputError, match="not a grid's index"):
        forgebench.open_grid(tmp_path)
