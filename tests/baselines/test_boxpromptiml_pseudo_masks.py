"""Pseudo masks: made of images and boxes alone, kept by content, coarse as asked, measured by hand."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from baselines.boxpromptiml import quality
from baselines.boxpromptiml.config import PRESETS, TeacherConfig
from baselines.boxpromptiml.store import Store, key_of
from baselines.boxpromptiml.targets import PseudoMasks, targets
from baselines.boxpromptiml.teach import teach
from baselines.boxpromptiml.teacher import SURE
from baselines.common.config import Data
from baselines.common.data import Samples, load_level
from forgebench.errors import InputError
from forgebench.schema import LEVELS

TINY = PRESETS["tiny"]
DATA = Data(size=16)


class Counting:
    """A teacher that counts what it is asked, and marks the left half of every box's picture."""

    weights = "w1"

    def __init__(self):
        self.images = 0

    def logits(self, images, boxes):
        self.images += len(images)
        pairs = zip(images, boxes, strict=True)
        made = [np.full((len(own), *image.shape[:2]), -2.0, np.float32) for image, own in pairs]
        for maps in made:
            maps[:, :, : maps.shape[2] // 2] = 1.5
        return made


def row(**changes):
    told = {
        "sample_id": "a", "sha256": "00" * 32, "width": 24, "height": 20, "boxes": [[2.0, 3.0, 8.0, 9.0]],
        "image": np.zeros((20, 24, 3), np.uint8),
    }  # fmt: skip
    return told | changes


def pseudo(folder="", **changes):
    made = PseudoMasks(replace(TINY.teacher, folder=str(folder), **changes), DATA)
    made._teacher = Counting()
    return made


@pytest.mark.parametrize("soft", [False, True])
def test_a_pseudo_mask_is_made_once_for_an_image_and_its_boxes(tmp_path, soft):
    first = pseudo(tmp_path, soft=soft)
    made = first(row())
    again = pseudo(tmp_path, soft=soft)
    assert np.array_equal(again(row()), made) if not soft else np.allclose(again(row()), made, atol=1e-3)
    assert (first.teacher.images, again.teacher.images) == (1, 0)
    again(row(sha256="11" * 32))
    again(row(boxes=[[2.0, 3.0, 8.0, 9.5]]))
    assert again.teacher.images == 2, "another image, or other boxes, are another mask"
    again(row(sample_id="renamed", boxes=[[2.0, 3.0, 8.0, 9.0]]))
    assert again.teacher.images == 3, "another id loosens boxes otherwise"
    tight = pseudo(tmp_path, soft=soft, coarseness=0.0)
    tight(row())
    tight(row(sample_id="renamed"))
    assert tight.teacher.images == 1, "nothing but content counts"


def test_an_image_without_boxes_needs_no_teacher(tmp_path):
    made = pseudo(tmp_path)
    assert not made(row(boxes=[])).any()
    assert not made(row(boxes=None)).any()
    assert made.teacher.images == 0


def test_soft_masks_are_probabilities_and_hard_ones_are_not(tmp_path):
    soft = pseudo(tmp_path / "soft", soft=True, resize="hard")(row())
    np.testing.assert_allclose(np.unique(soft), 1 / (1 + np.exp([2.0, -1.5])), rtol=1e-5)
    assert set(np.unique(pseudo(tmp_path / "hard", resize="hard")(row()))) == {0, 1}


def test_soft_edges_are_the_mean_over_a_students_pixel():
    made = PseudoMasks(replace(TINY.teacher, resize="soft"), Data(size=8))
    logits = np.where(np.arange(32)[None, :] < 13, SURE, -SURE).repeat(24, axis=0).astype(np.float32)
    target = made._as_target(logits)
    # 32 columns to 8: a pixel of the student covers 4; the middle of one over the edge has part of both.
    assert set(np.round(np.unique(target), 3)) == {0, 0.25, 0.5, 0.75, 1}
    assert target.mean() == pytest.approx(13 / 32, abs=0.02)


def test_a_store_holds_the_masks_of_one_teacher(tmp_path):
    pseudo(tmp_path)(row())
    about = json.loads((tmp_path / "teacher.json").read_text())
    assert about["kind"] == "rectangle"
    assert about["weights"] == "w1"
    with pytest.raises(InputError, match=r"least_share: 0.0, not 0.2"):
        pseudo(tmp_path, least_share=0.2)
    with pytest.raises(InputError, match="kind: 'rectangle', not 'sam'"):
        Store(tmp_path, TeacherConfig())
    other = pseudo(tmp_path)
    other.teacher.weights = "w2"
    with pytest.raises(InputError, match="weights: 'w1', not 'w2'"):
        other(row(sha256="22" * 32))
    assert not list(tmp_path.rglob("*.partial"))


def test_boxes_are_as_coarse_as_asked_and_follow_from_the_id():
    boxes = [[40.0, 40.0, 20.0, 10.0]]
    seen = {}
    for ratio in (0.0, 0.1, 0.5):
        made = PseudoMasks(replace(TINY.teacher, coarseness=ratio), DATA)
        many = [made.boxes(row(sample_id=str(i), boxes=boxes, width=200, height=200))[0] for i in range(200)]
        assert made.boxes(row(sample_id="7", boxes=boxes, width=200, height=200))[0] == many[7]
        moves = np.array([[(40 - x) / 20, (40 - y) / 10] for x, y, _, _ in many])
        seen[ratio] = moves.max()
        assert moves.min() >= 0
    assert seen[0.0] == 0
    assert 0.08 < seen[0.1] <= 0.1
    assert 0.4 < seen[0.5] <= 0.5


def test_keys_follow_content_alone():
    assert key_of("ab", [[1.0, 2.0, 3.0, 4.0]]) == key_of("ab", [[1.0000001, 2.0, 3.0, 4.0]])
    box = [1, 2, 3, 4]
    keys = [key_of("ab", [box]), key_of("ac", [box]), key_of("ab", [[1, 2, 3, 4.1]]), key_of("ab", [])]
    assert len(set(keys)) == 4


def test_what_training_sees_has_boxes_and_no_mask(bench):
    samples = Samples(bench, "box", TINY.data, split="test", targets=targets(TINY))
    assert set(samples.rows.column_names) == set(LEVELS["box"])
    assert not {"mask", "source_mask", "scribble"} & set(samples.rows.column_names)
    batch = samples.collate([samples[index] for index in range(len(samples))])
    assert batch.masks is None
    assert batch.has_mask is None
    covered = batch.targets.flatten(1).amax(dim=1) > 0
    assert bool((covered == (batch.labels > 0)).all())


def test_targets_never_look_at_a_mask(bench):
    class Watched(dict):
        def __getitem__(self, key):
            assert key not in ("mask", "source_mask", "scribble"), key
            return super().__getitem__(key)

    made = targets(TINY)
    assert made(Watched(row(mask="forbidden"))).any()
    with pytest.raises(AssertionError):
        Watched(mask=1)["mask"]


def kept(tmp_path, **changes):
    return replace(TINY, teacher=replace(TINY.teacher, folder=str(tmp_path / "store"), coarseness=0.0, **changes))


@pytest.mark.parametrize("batch", [1, 3])
def test_teach_writes_masks_previews_and_a_table(bench, tmp_path, batch):
    config = kept(tmp_path, batch_size=batch)
    taught = teach(config, bench, split="test", previews=2)
    folder = tmp_path / "store"
    assert len(taught) == 16
    assert len(list((folder / "masks").glob("*.png"))) == 16
    assert len(list((folder / "previews").glob("*.jpg"))) == 2
    with (folder / "pseudo-masks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [one["sample_id"] for one in rows] == [one.sample_id for one in taught]
    assert all(one.of_boxes == 1 for one in taught)
    level = load_level(bench, "box", "test")
    sizes = {one["sample_id"]: (one["width"], one["height"]) for one in level}
    for one in taught:
        with Image.open(folder / "masks" / f"{one.key}.png") as mask:
            assert mask.size == sizes[one.sample_id]


def test_teach_again_asks_the_teacher_nothing(bench, tmp_path, monkeypatch):
    config = kept(tmp_path)
    first = teach(config, bench, split="test", previews=0)
    one = next(iter((tmp_path / "store" / "masks").iterdir()))
    one.unlink()
    asked = []
    real = PseudoMasks.make
    monkeypatch.setattr(PseudoMasks, "make", lambda s, rows, boxes: asked.append(len(rows)) or real(s, rows, boxes))
    assert teach(config, bench, split="test", previews=0) == first
    assert asked == [1]


def test_teach_needs_a_folder(bench):
    with pytest.raises(InputError, match=r"teacher\.folder"):
        teach(TINY, bench, split="test")


def test_quality_against_the_truth_is_that_of_the_drawn_boxes(bench, tmp_path):
    # The benchmark's forgeries are rectangles, and so are this teacher's masks.
    config = kept(tmp_path)
    with pytest.raises(InputError, match="Run teach first"):
        quality.measure(config, bench, split="test")
    teach(config, bench, split="test", previews=0)
    report = quality.measure(config, bench, split="test")
    assert report["n"] == 16
    assert report["masks"]["pixel_iou"]["mean"] == 1
    assert report["boxes"]["pixel_iou"]["mean"] == 1


def test_quality_by_hand():
    truth = np.zeros((4, 6), bool)
    truth[:2, :3] = True
    mask = np.zeros((4, 6), bool)
    mask[:2, 1:5] = True  # 4 of the 6 are found, and 4 more
    numbers = quality._numbers(mask, truth)
    assert numbers["pixel_iou"] == pytest.approx(4 / 10)
    assert numbers["pixel_precision"] == pytest.approx(4 / 8)
    assert numbers["pixel_recall"] == pytest.approx(4 / 6)
    assert numbers["pixel_f1"] == pytest.approx(8 / 14)
    spread = dict(quality._spread(np.array([0.0, 1.0, np.nan, 0.5])))
    assert spread == {"n_undefined": 1, "mean": 0.5, "p10": 0.1, "p50": 0.5, "p90": 0.9}


def test_a_planted_leak_would_be_seen(bench):
    # A teacher that were given the pixel level would have the mask among its columns.
    leaky = load_level(bench, "pixel", "test")
    assert {"mask", "source_mask"} & set(leaky.column_names)
