"""What reaches a method: its own level alone, labels as they are written, pictures and truth in step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import forgebench
from baselines.common.augment import augment
from baselines.common.config import Data, Training
from baselines.common.data import Batches, Samples, held_out, load_level
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
