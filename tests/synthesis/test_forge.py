"""Forgeries: exact masks, matched authentic images, the same bytes for one seed."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench.benchmark import write
from forgebench.demo import PHOTOS
from forgebench.errors import ForgeBenchError, InputError, Problem, ProblemsError
from forgebench.schema import Item
from forgebench.synthesis import forge, list_photos, load_recipe
from forgebench.synthesis.ground import prepare
from forgebench.synthesis.orders import Orders
from forgebench.synthesis.photos import open_photo
from forgebench.synthesis.recipe import shipped_recipes
from forgebench.synthesis.search import piece
from forgebench.synthesis.shapes import candidates, full_mask
from synthesis.making import forgeries, grounds_of, photos, pixels, plan_of, recipe, rendered

_forging = import_module("forgebench.synthesis.forge")
BLENDS = ("hard", "feathered", "laplacian", "poisson")
FILLS = ("telea", "navier_stokes", "biharmonic", "patch")
MOVED = {"scale": [0.8, 1.2], "rotation": [-20, 20], "flip": 0.5, "perspective": [0.02, 0.1]}


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return [forge(photos(), load_recipe("demo"), seed=3, index=index) for index in range(16)]


def test_samples_come_in_matched_pairs(items: list[Item]) -> None:
    for first, second in zip(items[::2], items[1::2], strict=True):
        assert {first.label, second.label} == {"authentic", "tampered"}
        one, other = (json.loads(item.provenance or "") for item in (first, second))
        assert [one[key] for key in ("host", "saving")] == [other[key] for key in ("host", "saving")]
        assert (first.group, first.size, first.split) == (second.group, second.size, second.split)


@pytest.mark.parametrize("name", shipped_recipes())
def test_the_two_of_a_pair_share_size_encoder_and_tables(name: str) -> None:
    for pair in range(6):
        one, other = (forge(photos(), load_recipe(name), 5, 2 * pair + i) for i in (0, 1))
        with Image.open(BytesIO(one.image)) as a, Image.open(BytesIO(other.image)) as b:
            assert (a.format, a.size, a.mode) == (b.format, b.size, b.mode)
            assert sorted(a.info.keys() - {"exif"}) == sorted(b.info.keys() - {"exif"})
            assert getattr(a, "quantization", None) == getattr(b, "quantization", None)
            assert getattr(a, "layer", None) == getattr(b, "layer", None)
        assert one.image != other.image


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("kind", ["splice", "copy_move"])
def test_nothing_changes_outside_the_mask(kind: str, blend: str) -> None:
    seam = {"blend": {blend: 1}, "harmonize": {"reinhard": 1, "histogram": 1, "none": 1}, "smooth": 0.5}
    for item in forgeries(recipe(kind, seam=seam, geometry=MOVED), 6):
        host, forged = rendered(item)
        change = np.abs(forged.image.astype(int) - host.image).max(axis=2)
        assert item.mask is not None
        assert np.array_equal(item.mask, forged.mask)
        assert change[~item.mask].max() == 0
        assert change[item.mask].mean() > 4


@pytest.mark.parametrize("fill", FILLS)
def test_a_removal_changes_its_mask_alone(fill: str) -> None:
    made = recipe("removal", removal={"fill": {fill: 1}}, region={"area": [0.01, 0.04], "min_visibility": 6})
    for item in forgeries(made, 4):
        host, forged = rendered(item)
        change = np.abs(forged.image.astype(int) - host.image).max(axis=2)
        assert item.mask is not None
        assert plan_of(item).steps[0].fill == fill
        assert change[~item.mask].max() == 0
        assert change[item.mask].mean() > 3
        assert item.source_mask is None


def test_after_saving_a_change_stays_in_its_blocks(items: list[Item]) -> None:
    for first, second in zip(items[::2], items[1::2], strict=True):
        forged, match = (first, second) if first.label == "tampered" else (second, first)
        change = np.abs(pixels(forged.image) - pixels(match.image)).max(axis=2)
        assert forged.mask is not None
        blocks = np.zeros(forged.size, bool)
        for y, x in np.argwhere(forged.mask):
            blocks[y - y % 8 : y - y % 8 + 8, x - x % 8 : x - x % 8 + 8] = True
        assert change[~blocks].max() == 0
        assert change[forged.mask].mean() > 5


def test_a_hard_copy_is_its_source_pixel_by_pixel() -> None:
    made = recipe("copy_move", seam={"blend": {"hard": 1}}, copies=[1, 3], save={"format": {"png": 1}})
    for item in forgeries(made, 8):
        image = pixels(item.image)
        assert item.mask is not None
        assert item.source_mask is not None
        assert not (item.mask & item.source_mask).any()
        copied = np.zeros(item.size, bool)
        for step in plan_of(item).steps:
            (dx, dy), ys, xs = step.offset, *np.nonzero(item.source_mask)
            assert np.array_equal(image[ys, xs], image[ys + dy, xs + dx])
            assert not copied[ys + dy, xs + dx].any(), "copies lie apart"
            copied[ys + dy, xs + dx] = True
        assert np.array_equal(copied, item.mask)


def test_several_copies_are_made() -> None:
    made = recipe("copy_move", copies=[1, 3], region={"area": [0.01, 0.03]})
    counts = {len(plan_of(item).steps) for item in forgeries(made, 16)}
    assert counts == {1, 2, 3}


def test_a_hard_splice_is_the_donor_pixel_by_pixel() -> None:
    for item in forgeries(recipe("splice", seam={"blend": {"hard": 1}}), 4):
        host, forged = rendered(item)
        (step,) = plan_of(item).steps
        assert step.donor is not None
        assert step.donor.sha256 != host.source.sha256
        photo = next(one for one in photos() if one.sha256 == step.donor.sha256)
        donor = np.asarray(Image.open(photo.path).convert("RGB").resize(step.donor.size, Image.Resampling.LANCZOS))
        ys, xs = np.nonzero(forged.mask)
        difference = np.abs(forged.image[ys, xs].astype(int) - donor[ys - step.offset[1], xs - step.offset[0]])
        assert difference.max() <= 16, "decoding at half size and resizing are not quite the same"
        assert difference.mean() < 2


def test_a_composition_lists_its_steps() -> None:
    for item in forgeries(recipe("mixed", steps=[2, 3], region={"area": [0.01, 0.05]}), 6):
        plan = plan_of(item)
        assert item.manipulation == "mixed"
        assert 2 <= len(plan.steps) <= 3
        assert len({step.kind for step in plan.steps}) == len(plan.steps)
        if item.source_mask is not None:
            assert not (item.mask & item.source_mask).any(), "what was copied is still to be seen"
        host, forged = rendered(item)
        assert not (np.abs(forged.image.astype(int) - host.image).max(axis=2)[~forged.mask]).any()


def test_regions_keep_to_the_gates() -> None:
    gates = {"area": [0.02, 0.08], "min_side": 20, "min_texture": 10, "min_visibility": 15, "min_contrast": 8}
    for item in forgeries(recipe("splice", "copy_move", region=gates), 10):
        assert item.mask is not None
        assert 0.8 * 0.02 / 2 <= item.mask.mean() <= 1.2 * 0.08 * 2
        for step in plan_of(item).steps:
            assert step.texture >= 10
            assert step.visibility >= 15
            assert step.contrast >= 8
        ys, xs = np.nonzero(item.mask)
        assert min(np.ptp(ys), np.ptp(xs)) >= 15
        host, forged = rendered(item)
        weights = np.array([0.299, 0.587, 0.114])
        change = np.abs((forged.image.astype(float) - host.image) @ weights)[item.mask].mean()
        assert abs(change - plan_of(item).steps[0].visibility) < 12, "the thumbnail is near the image"


def test_the_smallest_regions_are_made_or_refused() -> None:
    """Regions of a few thumbnail pixels neither vanish nor break anything."""
    tiny = {"area": [0.0002, 0.001], "min_side": 4, "min_texture": 0, "min_visibility": 2, "min_contrast": 0}
    for kind in ("splice", "copy_move", "removal"):
        made = recipe(kind, photo={"max_side": 640}, region=tiny)
        items = [_forging.forge_order(made, 0, Orders(photos(), 0).order(index)) for index in range(12)]
        for item in items:
            assert isinstance(item, Problem) or item.label == "authentic" or (item.mask is not None and item.mask.any())


def test_flat_sky_is_refused(tmp_path: Path) -> None:
    """Two photographs of nothing but a gradient: every region of them would vanish in its new ground."""
    for i in range(2):
        sky = np.linspace(150 + i, 200, 300)[:, None, None] * np.array([0.7, 0.85, 1.0])
        Image.fromarray(np.broadcast_to(sky, (300, 400, 3)).astype(np.uint8)).save(tmp_path / f"{i}.png")
    with pytest.raises(ProblemsError) as caught:
        forgebench.synthesize(tmp_path, tmp_path / "out", n=4, recipe="copy-move", workers=1)
    assert {problem.code for problem in caught.value.problems} == {"no_region"}
    assert [problem.sample_id for problem in caught.value.problems] == [f"s0-{i:06d}" for i in range(4)]


def test_a_pair_without_a_region_is_left_out_whole(tmp_path: Path) -> None:
    flat = np.full((300, 400, 3), 128, np.uint8)
    for i in range(2):
        flat[0, 0] = i
        Image.fromarray(flat).save(tmp_path / f"flat{i}.png")
    for photo in photos()[:2]:
        (tmp_path / photo.name).write_bytes(Path(photo.path).read_bytes())
    splits = {"train": 0.5, "test": 0.5}
    seed = next(s for s in range(50) if _flat_together(tmp_path, s, splits))
    made = forgebench.synthesize(
        tmp_path, tmp_path / "out", n=8, recipe="copy-move", seed=seed, splits=splits, workers=1,
        allow_issues=["no_region"],
    )  # fmt: skip
    total = made.manifest.total
    assert (total.authentic, total.tampered) == (2, 2)
    assert {problem.code for problem in made.manifest.skipped} == {"no_region"}


def _flat_together(folder: Path, seed: int, splits: dict[str, float]) -> bool:
    """Whether both flat photographs fall into one split."""
    orders = Orders(list_photos(folder), seed, splits)
    pairs = [orders.order(2 * i).pair for i in range(4)]
    return len({pair.split for pair in pairs if pair.hosts[0].name.startswith("flat")}) == 1


def test_pictures_may_be_published_where_a_free_licence_is_named(tmp_path: Path) -> None:
    silent = forgebench.synthesize(PHOTOS, tmp_path / "a", n=2, workers=1)
    named = forgebench.synthesize(PHOTOS, tmp_path / "b", n=2, workers=1, licence="CC0 1.0 (us)")
    assert (silent.manifest.facts.redistributable, named.manifest.facts.redistributable) == (False, True)
    assert "CC0 1.0 (us)" in (tmp_path / "b" / "README.md").read_text()
    assert "Do not publish" in (tmp_path / "a" / "README.md").read_text()
    assert silent.content_hash == named.content_hash


def test_the_order_within_a_pair_does_not_tell_the_label() -> None:
    made = recipe("splice")
    first = [forge(photos(), made, 0, 2 * pair).label for pair in range(12)]
    assert 0 < first.count("tampered") < 12


@pytest.mark.parametrize("name", ["demo", "mixed"])
def test_one_seed_gives_the_same_bytes_whatever_n_and_workers(tmp_path: Path, name: str) -> None:
    small = forgebench.synthesize(PHOTOS, tmp_path / "a", n=18, recipe=name, seed=5, workers=1)
    large = forgebench.synthesize(PHOTOS, tmp_path / "b", n=40, recipe=name, seed=5, workers=2)
    other = forgebench.synthesize(PHOTOS, tmp_path / "c", n=6, recipe=name, seed=6, workers=1)
    assert large.manifest.rows.items() >= small.manifest.rows.items()
    assert other.content_hash != small.content_hash
    assert forgebench.verify(tmp_path / "b") == []


@pytest.mark.parametrize("name", shipped_recipes())
def test_order_and_caches_do_not_change_a_sample(name: str) -> None:
    made, order = load_recipe(name), [5, 0, 3, 4, 1, 2]
    forwards = [forge(photos(), made, 1, index) for index in range(6)]
    shuffled = {index: forge(photos(), made, 1, index) for index in order}
    for index, item in enumerate(forwards):
        assert shuffled[index].sha256 == item.sha256
        assert shuffled[index].provenance == item.provenance
        assert shuffled[index].explanation == item.explanation
        assert np.array_equal(shuffled[index].mask, item.mask)


def test_threads_do_not_change_a_sample() -> None:
    made, threads = load_recipe("mixed"), cv2.getNumThreads()
    try:
        found = []
        for number in (1, 4):
            cv2.setNumThreads(number)
            for cached in (_forging._planned, prepare, open_photo, full_mask, piece, candidates):
                cached.cache_clear()
            found.append([forge(photos(), made, 9, index).sha256 for index in range(8)])
    finally:
        cv2.setNumThreads(threads)
    assert found[0] == found[1]


def test_a_photograph_that_is_gone_meanwhile_is_told() -> None:
    """Its pairs are problems; the others are made."""
    lost = [replace(photo, path=photo.path + ".gone") for photo in photos()[:2]]
    made = _forging.forge_order(recipe("splice"), 0, Orders(lost, 0).order(0))
    assert isinstance(made, Problem)
    assert (made.code, made.sample_id) == ("unreadable", "s0-000000")
    assert "No such file" in made.got


def test_a_killed_run_is_continued_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "SHARD_ROWS", 4)
    whole = forgebench.synthesize(PHOTOS, tmp_path / "whole", n=12, seed=2, workers=1)
    done, write_shard = [], write._write_shard

    def dies(*args):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(args[1])
        return write_shard(*args)

    monkeypatch.setattr(write, "_write_shard", dies)
    with pytest.raises(KeyboardInterrupt):
        forgebench.synthesize(PHOTOS, tmp_path / "out", n=12, seed=2, workers=1)
    monkeypatch.setattr(write, "_write_shard", write_shard)
    kept = {file.name: file.stat().st_ino for file in (tmp_path / ".out.partial/data").glob("*.parquet")}
    resumed = forgebench.synthesize(PHOTOS, tmp_path / "out", n=12, seed=2, workers=1)
    assert len(kept) == 2
    assert {file.name: file.stat().st_ino for file in resumed.shards("test")}.items() >= kept.items()
    for one, other in zip(whole.shards("test"), resumed.shards("test"), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_another_recipe_is_not_taken_for_the_one_that_was_cut_off(tmp_path: Path, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("forgebench.benchmark.assemble.finish", lambda *_: (_ for _ in ()).throw(ForgeBenchError("full")))
        with pytest.raises(ForgeBenchError, match="full"):
            forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, recipe="demo", workers=1)
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, recipe="casia-like", workers=1)
    assert made.content_hash == forgebench.synthesize(
        PHOTOS, tmp_path / "again", n=2, recipe="casia-like", workers=1
    ).content_hash  # fmt: skip


def test_sample_names_do_not_tell_the_label(tmp_path: Path) -> None:
    frame = forgebench.synthesize(PHOTOS, tmp_path / "a", n=8, workers=1).to_frame()
    assert frame["sample_id"].tolist() == [f"s0-{i:06d}" for i in range(8)]


def test_no_photograph_is_in_two_splits(tmp_path: Path) -> None:
    made = forgebench.synthesize(
        PHOTOS, tmp_path / "a", n=60, recipe="casia-like", splits={"train": 0.6, "test": 0.4}, workers=1
    )
    used: dict[str, set[str]] = {}
    for split in ("train", "test"):
        rows = [json.loads(row["provenance"]) for row in made.rows(split, ("provenance",))]
        donors = {step["donor"]["sha256"] for row in rows for step in row["steps"] if step["donor"]}
        used[split] = {row["host"]["sha256"] for row in rows} | donors
        groups = {row["group"] for row in made.rows(split, ("group",))}
        assert groups == {photo.group for photo in photos() if photo.sha256 in {r["host"]["sha256"] for r in rows}}
    assert not used["train"] & used["test"]
    assert 0.5 < made.manifest.splits["train"].samples / 60 < 0.7
    counts = made.manifest.splits["test"]
    assert counts.authentic == counts.tampered


def test_wrong_input_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one sample"):
        forgebench.synthesize(PHOTOS, tmp_path / "out", n=0)
    for splits in ({"train": 0.9, "test": 0.2}, {"a b": 1.0}, {"train": 1.0, "test": 0.0}):
        with pytest.raises(InputError, match="shares that add up to 1"):
            forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, splits=splits)
    with pytest.raises(InputError, match=r"less than two for test"):
        forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, splits={"train": 0.95, "test": 0.05})


def test_what_is_pasted_is_as_large_as_its_mask() -> None:
    for item in forgeries(recipe("splice", geometry=MOVED), 6):
        plan = plan_of(item)
        _, (donor,) = grounds_of(plan)
        patch, alpha, _ = piece(donor, plan.steps[0])
        assert patch.shape[:2] == alpha.shape
        assert alpha.any(axis=0).all() or alpha.any(axis=1).any()
        assert item.mask is not None
        assert alpha.sum() == item.mask.sum()
