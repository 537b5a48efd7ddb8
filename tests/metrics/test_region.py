"""Region AP against plain runs of COCOeval on whole masks and boxes; pointing accuracy against brute force."""

from __future__ import annotations

import contextlib
import copy
import io

import numpy as np
import pytest
from counts import count
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import ndimage
from skimage.measure import label, regionprops

from forgebench.errors import InputError
from forgebench.metrics import pixel_counts
from forgebench.metrics.region import (
    MAX_DETECTIONS,
    RegionCounts,
    average_precision,
    match,
    pointing_accuracy,
    region_counts,
)
from forgebench.schema import Box

SIZE = (60, 80)


def _shots(seed, n=12, values=256):
    """Maps, masks and boxes of n images: authentic ones, silent ones, near misses; a few byte values make ties."""
    rng = np.random.default_rng(seed)
    shots = []
    for index in range(n):
        smooth = ndimage.gaussian_filter(rng.standard_normal(SIZE), 4)
        truth = smooth > np.quantile(smooth, 0.9) if index % 3 else np.zeros(SIZE, bool)
        called = ndimage.binary_dilation(truth, iterations=int(rng.integers(1, 3)))
        called ^= ndimage.gaussian_filter(rng.standard_normal(SIZE), 3) > 0.19
        heat = np.where(called, rng.integers(128, 128 + values // 2, SIZE), rng.integers(0, 128, SIZE))
        if values == 2:
            heat = called * 255
        if index % 5 == 4:
            heat = np.zeros(SIZE)
        shots.append((heat.astype(np.uint8), truth, _boxes(rng, truth, 130 if index == 1 else 6, values)))
    return shots


def _boxes(rng, truth, most, values):
    """Boxes near the true ones, and others; with few values their scores tie."""
    around = [(r.bbox[1], r.bbox[0], r.bbox[3] - r.bbox[1], r.bbox[2] - r.bbox[0]) for r in regionprops(label(truth))]
    found = []
    for number in range(int(rng.integers(most - 6, most + 1))):
        x, y, w, h = around[number % len(around)] if around and rng.random() < 0.7 else (20, 20, 20, 20)
        dx, dy, dw, dh = rng.uniform(-4, 4, 4)
        score = rng.random() if values > 2 else rng.integers(1, 3) / 2
        found.append(Box(x + dx, y + dy, max(1, w + dw), max(1, h + dh), float(score)))
    return found


def _parts(mask):
    """8-connected components but for specks, by scikit-image."""
    regions = regionprops(label(mask, connectivity=2))
    largest = max((r.area for r in regions), default=0)
    return [r for r in regions if r.area >= mask.size / 1000 or r.area == largest]


def _annotations(shots, kind):
    """What a user of COCOeval would write: ground truth and results of whole images."""
    truths, results = [], []
    for image, (heat, truth, boxes) in enumerate(shots, 1):
        for mask, called in ((truth, False), (heat >= 128, True)):
            for region in _parts(mask):
                whole = np.zeros(mask.shape, np.uint8, order="F")
                whole[tuple(region.coords.T)] = 1
                top, left, bottom, right = region.bbox
                box = [left, top, right - left, bottom - top]
                of = {"image_id": image, "category_id": 1, "bbox": box}
                if kind == "segm":
                    of = {"image_id": image, "category_id": 1, "segmentation": rle.encode(whole)}
                if called:
                    results.append(of | {"score": float(heat[whole == 1].mean() / 255)})
                else:
                    area = box[2] * box[3] if kind == "bbox" else int(whole.sum())
                    truths.append(of | {"id": len(truths) + 1, "area": area, "iscrowd": 0})
        if boxes is not None and kind == "bbox":
            results = [one for one in results if one["image_id"] != image]
            results += [{"image_id": image, "category_id": 1, "bbox": list(b[:4]), "score": b.score} for b in boxes]
    return truths, results


def _run(shots, kind):
    """A plain run of COCOeval."""
    truths, results = _annotations(shots, kind)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        images = [{"id": i, "height": SIZE[0], "width": SIZE[1]} for i in range(1, len(shots) + 1)]
        coco.dataset = {"info": {}, "images": images, "annotations": truths, "categories": [{"id": 1, "name": "t"}]}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(results), kind)
        run.evaluate()
        run.accumulate()
    return run


def _precisions(run):
    """AP at each IoU threshold, all areas, 100 detections."""
    return run.eval["precision"][:, :, 0, 0, 2].mean(axis=1)


def _counts(shots, kind):
    field = "mask" if kind == "segm" else "box"
    return [getattr(region_counts(*shot), field) for shot in shots]


def _ap(counts, weights=None, valid=None):
    n = len(counts)
    weights = np.ones(n) if weights is None else weights
    matches = match(counts, np.ones(n, bool) if valid is None else valid, (np.arange(n), n))
    return average_precision(matches, np.asarray(weights, float)[None])[0]


def _assert_same(found, expected):
    assert np.abs(found - expected).max() < 1e-12
    assert 0 < expected.mean() < 1, "a case that says nothing"


KINDS = pytest.mark.parametrize("kind", ["segm", "bbox"])


@KINDS
@pytest.mark.soak
def test_equals_coco(kind):
    compared, seeds = 0, count(6, 100)
    for seed in range(seeds):
        shots = _shots(seed)
        counts = _counts(shots, kind)
        scores = [score for one in counts for score in one.score.tolist()]
        if len(set(scores)) == len(scores):
            _assert_same(_ap(counts), _precisions(_run(shots, kind)))
            compared += 1
    assert compared >= seeds // 2


def test_boxes_around_components_stand_in():
    for seed in range(4):
        shots = [(heat, truth, None) for heat, truth, _ in _shots(seed)]
        _assert_same(_ap(_counts(shots, "bbox")), _precisions(_run(shots, "bbox")))


def test_more_than_a_hundred_boxes():
    """COCO's limit: the hundred highest, whatever their order in the file."""
    _, truth, many = next(shot for shot in _shots(0) if len(shot[2]) > MAX_DETECTIONS)
    highest = sorted((box.score for box in many), reverse=True)[:MAX_DETECTIONS]
    assert region_counts(None, truth, many).box.score.tolist() == highest


def _false_first(run):
    """COCOeval's accumulation where, of one score, false positives come before true ones."""
    rows = []
    for threshold in range(10):
        turned = copy.deepcopy(run)
        for one in turned.evalImgs:
            if one is not None:
                one["dtScores"] = [
                    2 * round(score * 1e12) - (hit > 0)
                    for score, hit in zip(one["dtScores"], one["dtMatches"][threshold], strict=True)
                ]
        with contextlib.redirect_stdout(io.StringIO()):
            turned.accumulate()
        rows.append(_precisions(turned)[threshold])
    return np.array(rows)


@KINDS
def test_ties_are_the_least_that_coco_gives(kind):
    """COCOeval goes by the order of the images where scores tie; here order says nothing, and none gives less."""
    moved = 0.0
    for seed in range(4):
        shots = _shots(seed, values=2)
        found = _ap(_counts(shots, kind))
        _assert_same(found, _false_first(_run(shots, kind)))
        for turn in range(4):
            order = np.random.default_rng(turn).permutation(len(shots))
            turned = [shots[i] for i in order]
            assert np.array_equal(_ap(_counts(turned, kind)), found)
            plain = _precisions(_run(turned, kind))
            assert (found <= plain + 1e-12).all()
            moved = max(moved, float((plain - found).max()))
    assert moved > 0.01, "no tie that matters"


@KINDS
def test_weights_are_repetition(kind):
    for seed in range(4):
        shots = _shots(seed)
        weights = np.random.default_rng(seed).integers(0, 4, len(shots))
        repeated = [shot for shot, times in zip(shots, weights, strict=True) for _ in range(times)]
        found = _ap(_counts(shots, kind), weights)
        _assert_same(found, _precisions(_run(repeated, kind)))
        tied = _counts(_shots(seed, values=2), kind)
        again = [one for one, times in zip(tied, weights, strict=True) for _ in range(times)]
        _assert_same(_ap(tied, weights), _ap(again))


def test_draw_units_and_blocks_of_weights():
    counts = _counts(_shots(3), "segm")
    unit = np.arange(len(counts)) // 4
    weights = np.random.default_rng(3).integers(0, 3, (7, 3)).astype(float)
    found = average_precision(match(counts, np.ones(len(counts), bool), (unit, 3)), weights)
    for row, values in zip(weights, found, strict=True):
        assert np.array_equal(values, _ap(counts, row[unit]), equal_nan=True)


def test_an_invalid_prediction_is_a_hundred_false_positives():
    shots = _shots(5)
    nothing = np.zeros(SIZE, np.uint8)
    valid = np.arange(len(shots)) % 6 != 1
    counts = [one if ok else region_counts(None, shot[1], ()).box
              for one, ok, shot in zip(_counts(shots, "bbox"), valid, shots, strict=True)]  # fmt: skip
    far = [Box(0, 0, 1, 1, 2.0)] * MAX_DETECTIONS
    instead = [shot if ok else (nothing, shot[1], far) for ok, shot in zip(valid, shots, strict=True)]
    _assert_same(_ap(counts, valid=valid), _precisions(_run(instead, "bbox")))


def test_an_invalid_prediction_never_helps():
    for seed in range(count(10, 100)):
        shots = _shots(seed, n=6, values=(2, 256)[seed % 2])
        counts = _counts(shots, "segm")
        before = _ap(counts)
        for index in range(len(shots)):
            less = [*counts[:index], region_counts(None, shots[index][1]).mask, *counts[index + 1 :]]
            assert (_ap(less, valid=np.arange(len(shots)) != index) <= before + 1e-12).all()


@KINDS
def test_undefined_without_a_true_region(kind):
    shots = _shots(1)
    counts = _counts(shots, kind)
    authentic = np.array([not truth.any() for _, truth, _ in shots])
    assert np.isnan(_ap(counts, authentic)).all()
    assert np.isnan(_ap(counts, np.zeros(len(shots)))).all()
    assert np.isnan(average_precision(match([], np.empty(0, bool), (np.empty(0, np.int64), 0)), np.ones((1, 0)))).all()
    silent = [region_counts(None, truth).mask for _, truth, _ in shots]
    assert _ap(silent).tolist() == [0.0] * 10


def test_flips_and_turns_change_nothing():
    for kind in ("segm", "bbox"):
        for seed in range(4):
            shots = [(heat, truth, None) for heat, truth, _ in _shots(seed, values=2)]
            found = _ap(_counts(shots, kind))
            for turn in (np.fliplr, np.flipud, np.rot90, np.transpose):
                turned = [(turn(heat), turn(truth), None) for heat, truth, _ in shots]
                assert np.array_equal(_ap(_counts(turned, kind)), found)


def test_truth_is_components_not_annotated_boxes():
    """Boxes of the annotation join what nearly touches and may be loosened; truth is each component, tight."""
    mask = np.zeros((100, 100), bool)
    mask[10:20, 10:20] = mask[10:20, 21:41] = True
    mask[60, 60] = True
    counts = region_counts(mask * np.uint8(200), mask)
    assert counts.mask.truth_area.tolist() == counts.box.truth_area.tolist() == [100.0, 200.0]
    assert counts.mask.iou.tolist() == counts.box.iou.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert counts.mask.score.tolist() == [200 / 255] * 2


def test_counts_by_hand():
    mask, heat = np.zeros((40, 40), bool), np.zeros((40, 40), np.uint8)
    mask[0:10, 0:10] = True
    heat[0:10, 5:15] = 128
    heat[30:34, 30:35] = 255
    counts = region_counts(heat, mask)
    assert counts.mask.score.tolist() == [1.0, 128 / 255]
    assert counts.mask.area.tolist() == [20.0, 100.0]
    assert counts.mask.iou.tolist() == counts.box.iou.tolist() == [0.0, 50 / 150]
    given = region_counts(heat, mask, [Box(0, 0, 10, 10, 0.2), Box(0, 0, 5, 10, 0.4)])
    assert given.box.score.tolist() == [0.4, 0.2]
    assert given.box.area.tolist() == [50.0, 100.0]
    assert given.box.iou.tolist() == [0.5, 1.0]
    assert given.mask.iou.tolist() == counts.mask.iou.tolist()
    none = region_counts(heat, mask, ())
    assert (len(none.box.score), len(none.box.truth_area), len(none.mask.score)) == (0, 1, 2)


def test_columns_are_the_counts():
    """What a table stores of an image is enough."""
    counts = _counts(_shots(2), "bbox")
    stored = [{name: values.tolist() for name, values in vars(one).items()} for one in counts]
    read = [RegionCounts(**{name: np.array(values, float) for name, values in row.items()}) for row in stored]
    assert np.array_equal(_ap(read), _ap(counts))


def test_refused():
    with pytest.raises(InputError, match="uint8 prediction of the mask's shape"):
        region_counts(np.zeros((3, 4), np.uint8), np.zeros((4, 3)))


def test_pointing_accuracy():
    rng = np.random.default_rng(0)
    histograms, expected = [], []
    for index in range(200):
        mask = rng.random((5, 7)) < 0.4
        heat = (rng.integers(0, 1 + index % 9, mask.shape) * 20).astype(np.uint8)
        counts = pixel_counts(heat, mask)
        histograms.append((counts.tampered, counts.authentic))
        expected.append(mask[heat == heat.max()].mean())
    assert pointing_accuracy(*(np.array(part) for part in zip(*histograms, strict=True))).tolist() == expected


def test_pointing_accuracy_undefined():
    none, some = np.zeros((1, 256), np.int64), np.eye(1, 256, 9, np.int64)
    for tampered, authentic in ((none, none), (none, some), (some, none)):
        assert np.isnan(pointing_accuracy(tampered, authentic)).all()
    assert pointing_accuracy(some, some).tolist() == [0.5]
