"""What reaches a method: its own level alone, labels as they are written, pictures and truth in step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import forgebench
from baselines.common import data as data_module
from baselines.common.augment import augment
from baselines.common.config import Data, Training
from baselines.common.data import AUTHENTIC, SYNTHETIC, TAMPERED, Batches, Samples, held_out, load_level
from baselines.common.forging import forge
from forgebench.errors import InputError
from forgebench.schema import LEVELS

SIZE = 32
PLAIN = Data(size=SIZE, flip=0.0)


@pytest.mark.parametrize("level", ["image", "box", "scribble", "pixel"])
def test_a_level_sees_its_own_columns_and_no_other(bench, level):
    rows = load_level(bench, level, "test")
    assert tuple(rows.column_names) == tuple(name for name in rows.column_names if name in LEVELS[level])
    samples = Samples(bench, level, PLAIN, split="test")
    row, seen = samples[0]
    batch = samples.collate([samples[0], samples[1]])
    if level != "pixel":
        assert "mask" not in row
        assert "mask" not in seen.maps
        assert batch.masks is None
        assert batch.manipulations is None
        assert batch.explanations is None
    assert (batch.boxes is None) == (level in ("image", "scribble"))
    assert (batch.scribbles is None) == (level in ("image", "box"))


def test_the_image_level_does_not_even_have_masks_to_read(bench, monkeypatch):
    """A planted leak: were the loader to ask for a mask, it would not get one."""
    rows = load_level(bench, "image", "test")
    assert not {"mask", "boxes", "scribble", "manipulation", "provenance", "explanation"} & set(rows.features)
    with pytest.raises(KeyError):
        rows[0]["mask"]


def test_a_crop_that_loses_the_forgery_keeps_its_label(bench):
    samples = Samples(bench, "pixel", Data(size=SIZE, crop_area=0.002, flip=0.0), split="test", seed=3)
    tampered = np.flatnonzero(samples.labels)
    batches = [samples.collate([samples[(epoch, int(i))] for i in tampered]) for epoch in range(4)]
    assert any(not bool(mask.any()) for batch in batches for mask in batch.masks)
    assert all(bool((batch.labels == 1).all()) for batch in batches)


def test_labels_are_those_that_are_written(bench):
    benchmark = forgebench.open_benchmark(bench)
    written = {row["sample_id"]: row["label"] for row in benchmark.rows("test", ["sample_id", "label"])}
    samples = Samples(bench, "image", PLAIN, split="test")
    batch = samples.collate([samples[i] for i in range(len(samples))])
    names = samples.rows.features["label"].names
    assert {s: names[written[s]] == "tampered" for s in batch.sample_ids} == dict(
        zip(batch.sample_ids, (batch.labels > 0).tolist(), strict=True)
    )


def picture(height: int = 40, width: int = 60):
    """A white box on black: image, mask, scribble and box say the same."""
    mask = np.zeros((height, width), np.uint8)
    mask[10:30, 20:50] = 255
    maps = {"mask": mask, "scribble": (mask > 0).astype(np.uint8)}
    return np.repeat(mask[..., None], 3, axis=2), maps, [[20, 10, 30, 20]]


AUGMENTED = Data(size=64, flip=0.5, vertical_flip=0.5, rotate90=0.5, crop_area=0.6)


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("seed", range(6))
def test_all_levels_are_augmented_in_step(fit, seed):
    seen = augment(*picture(), replace(AUGMENTED, fit=fit), np.random.default_rng(seed))
    white = seen.image.mean(axis=2) > 127
    mask = seen.maps["mask"] > 127
    assert (white != mask).mean() < 0.06  # nearest against bilinear, at edges
    assert set(np.unique(seen.maps["mask"])) <= {0, 255}
    assert set(np.unique(seen.maps["scribble"])) <= {0, 1}
    assert ((seen.maps["scribble"] == 1) == mask).all()
    if seen.boxes:
        ys, xs = np.nonzero(mask)
        tight = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert np.abs(np.array(seen.boxes[0]) - tight).max() < 2.5


def test_padding_is_known_and_at_the_end():
    seen = augment(*picture(20, 40), Data(size=32, fit="pad"), None)
    assert seen.maps["valid"][:16].all()
    assert not seen.maps["valid"][16:].any()


def test_the_same_seed_epoch_and_sample_give_the_same_picture(bench):
    data = Data(size=SIZE, crop_area=0.5, brightness=0.3, jpeg_quality=(50, 90))
    a, b = (Samples(bench, "image", data, split="test", seed=5) for _ in range(2))
    assert np.array_equal(a[(1, 3)][1].image, b[(1, 3)][1].image)
    assert not np.array_equal(a[(1, 3)][1].image, a[(2, 3)][1].image)
    _ = a[(7, 9)]
    assert np.array_equal(a[(1, 3)][1].image, b[(1, 3)][1].image)


def test_validation_holds_out_whole_groups():
    groups = [f"g{i // 3}" for i in range(60)]
    out = held_out(groups, 0.25, seed=0)
    assert out.sum() == 15
    assert all(len({bool(out[i]) for i in range(60) if groups[i] == g}) == 1 for g in set(groups))
    assert (out == held_out(groups, 0.25, seed=0)).all()
    assert (out != held_out(groups, 0.25, seed=1)).any()
    assert not held_out(groups, 0, seed=0).any()
    with pytest.raises(InputError, match="two groups"):
        held_out(["one"] * 5, 0.1, seed=0)


def _training(**changes):
    return Training(epochs=1, batch_size=4, learning_rate=0.1, **changes)


def test_balanced_batches_have_as_many_of_each_class():
    labels = np.array([True] * 5 + [False] * 15)
    batches = Batches(np.arange(20), labels, _training())
    for batch in batches:
        assert sum(labels[index] for _, index in batch) == 2
    seen = {index for batch in batches for _, index in batch}
    assert {i for i in seen if labels[i]} == set(range(5))


def test_batches_of_one_class_and_mixed_ones_see_every_sample():
    labels = np.array([True] * 8 + [False] * 12)
    for kind in ("one-class", "mixed"):
        batches = list(Batches(np.arange(20), labels, _training(batches=kind)))
        assert sorted(index for batch in batches for _, index in batch) == list(range(20))
    pure = Batches(np.arange(20), labels, _training(batches="one-class"))
    assert all(len({labels[i] for _, i in batch}) == 1 for batch in pure)


def test_batches_of_one_class_are_of_three_where_images_are_wholly_synthetic():
    kinds = np.array([TAMPERED] * 8 + [AUTHENTIC] * 12 + [SYNTHETIC] * 4)
    batches = list(Batches(np.arange(24), kinds, _training(batches="one-class")))
    seen = [{int(kinds[index]) for _, index in batch} for batch in batches]
    assert sorted(kind for one in seen for kind in one) == [AUTHENTIC] * 3 + [TAMPERED] * 2 + [SYNTHETIC]
    balanced = list(Batches(np.arange(24), kinds, _training()))
    assert all(sum(kinds[index] != AUTHENTIC for _, index in batch) == 2 for batch in balanced)
    assert SYNTHETIC in {int(kinds[index]) for batch in balanced for _, index in batch}


def test_the_kinds_of_samples_are_told_where_the_level_has_them(bench, monkeypatch):
    samples = Samples(bench, "pixel", PLAIN, split="test")
    assert (samples.kinds == np.where(samples.labels, TAMPERED, AUTHENTIC)).all()
    rows = load_level(bench, "pixel", "test")
    told = ["full_synthetic" if index % 2 else "splice" for index in range(len(rows))]
    changed = rows.remove_columns("manipulation").add_column("manipulation", told)
    monkeypatch.setattr(data_module, "load_level", lambda *_: changed)
    kinds = Samples(bench, "pixel", PLAIN, split="test").kinds
    wanted = np.where(samples.labels, np.where(np.arange(len(rows)) % 2, SYNTHETIC, TAMPERED), AUTHENTIC)
    assert (kinds == wanted).all()
    assert {AUTHENTIC, TAMPERED, SYNTHETIC} == set(kinds.tolist())


@pytest.mark.parametrize("processes", [1, 2])
def test_an_epoch_of_so_many_steps_goes_on_where_the_last_one_ended(processes):
    kinds = np.arange(24) % 2
    made = _training(batches="one-class", steps_per_epoch=2, accumulate=2)
    each = [Batches(np.arange(24), kinds, made, rank, processes) for rank in range(processes)]
    assert [len(one) for one in each] == [4] * processes
    epochs, seen = 3, []
    for epoch in range(epochs):
        for one in each:
            one.epoch = epoch
        shares = [list(one) for one in each]
        assert all(key[0] == epoch for share in shares for batch in share for key in batch)
        seen += [[index for _, index in batch] for together in zip(*shares, strict=True) for batch in together]
    assert len(seen) == epochs * 4 * processes
    whole = Batches(np.arange(24), kinds, _training(batches="one-class"))
    passes = []
    for whole.epoch in range(len(seen) // 6):
        passes += [[index for _, index in batch] for batch in whole]
    assert seen[: len(passes)] == passes


def test_processes_share_an_epoch_and_a_resumed_one_goes_on_where_it_was():
    labels = np.arange(24) % 2 == 0
    whole = list(Batches(np.arange(24), labels, _training()))
    shares = [list(Batches(np.arange(24), labels, _training(), rank, 2)) for rank in range(2)]
    assert [batch for pair in zip(*shares, strict=True) for batch in pair] == whole
    resumed = Batches(np.arange(24), labels, _training())
    resumed.skip = 2
    assert list(resumed) == whole[2:]


def test_a_class_without_samples_is_told():
    with pytest.raises(InputError, match="tampered and authentic"):
        Batches(np.arange(4), np.ones(4, bool), _training())


def test_more_processes_than_batches_are_refused_and_not_waited_for():
    labels = np.arange(8) % 2 == 0
    assert [len(list(Batches(np.arange(8), labels, _training(), rank, 2))) for rank in range(2)] == [1, 1]
    with pytest.raises(InputError, match="2 batches an epoch cannot be shared by 3 processes"):
        Batches(np.arange(8), labels, _training(), 2, 3)


def test_what_is_no_benchmark_is_told(tmp_path):
    with pytest.raises(InputError, match="Expected a benchmark"):
        load_level(tmp_path / "nothing", "image", "train")


def test_a_split_that_is_not_there_is_told(bench):
    with pytest.raises(InputError, match="elsewhere"):
        load_level(bench, "image", "elsewhere")


def test_a_batch_moves_whole(bench):
    samples = Samples(bench, "pixel", PLAIN, split="test")
    batch = samples.collate([samples[0], samples[1]])
    moved = batch.to("cpu")
    assert torch.equal(moved.images, batch.images)
    assert len(moved) == 2
    assert moved.manipulations == batch.manipulations


def test_windows_are_forged_in_tampered_images_alone_and_marked(bench):
    forging = replace(PLAIN, copy_move_chance=1.0, inpaint_chance=1.0)
    plain, forged = (Samples(bench, "pixel", data, split="test") for data in (PLAIN, forging))
    before, after = (one.collate([one[i] for i in range(len(one))]) for one in (plain, forged))
    assert torch.equal(before.labels, after.labels)
    authentic, tampered = before.labels == 0, before.labels == 1
    assert torch.equal(before.images[authentic], after.images[authentic])
    assert torch.equal(before.masks[authentic], after.masks[authentic])
    changed = (before.images != after.images).any(dim=1, keepdim=True)
    assert bool((changed <= after.masks.bool())[tampered].float().mean() > 0.95)  # but for resampling at edges
    assert bool((after.masks >= before.masks)[tampered].all())
    assert float(after.masks[tampered].sum()) > 1.3 * float(before.masks[tampered].sum())
    assert torch.equal(forged.collate([forged[(3, 0)]]).images, forged.collate([forged[(3, 0)]]).images)
    unseen = Samples(bench, "pixel", forging, split="test", training=False)
    assert torch.equal(unseen.collate([unseen[0]]).images, plain.collate([plain[0]]).images)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_copied_is_elsewhere_in_the_image_and_boxes_tell_where(seed):
    image, maps, _ = picture()
    image = np.random.default_rng(9).integers(0, 256, image.shape, dtype=np.uint8)  # every window is another
    made, marked, ((left, top, width, height),) = forge(
        image, maps, replace(PLAIN, copy_move_chance=1.0), np.random.default_rng(seed)
    )
    window = slice(int(top), int(top + height)), slice(int(left), int(left + width))
    found = [
        (y, x) for y in range(40 - int(height) + 1) for x in range(60 - int(width) + 1)
        if np.array_equal(made[window], image[y : y + int(height), x : x + int(width)])
    ]  # fmt: skip
    assert len(found) == 1
    assert (marked["mask"][window] == 255).all()
    assert (marked["scribble"][window] == 0).all()
    outside = np.ones(image.shape[:2], bool)
    outside[window] = False
    assert np.array_equal(made[outside], image[outside])
    assert all(np.array_equal(marked[name][outside], maps[name][outside]) for name in maps)
