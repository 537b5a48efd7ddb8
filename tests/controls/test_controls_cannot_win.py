"""No metric that may rank puts a control above a method that works, in any definition."""

from __future__ import annotations

from functools import partial
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import forgebench
from forgebench import Prediction, controls
from forgebench.metrics import DEFINITIONS

SIDE = 96
IMAGES = 40


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """Half of the images have a blob of other noise somewhere; they are not in pairs."""
    folder = tmp_path_factory.mktemp("scene")
    rng = np.random.default_rng(0)
    for name in ("authentic", "tampered", "masks"):
        (folder / "source" / name).mkdir(parents=True)
    for index in range(IMAGES):
        ground, other = (rng.normal(128, 40, (SIDE, SIDE, 3)) for _ in range(2))
        kind = "tampered" if index % 2 else "authentic"
        if index % 2:
            field = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 12)
            labels, _ = ndimage.label(field > np.quantile(field, rng.uniform(0.75, 0.97)))
            mask = labels == np.bincount(labels.ravel())[1:].argmax() + 1
            ground[mask] = other[mask]
            Image.fromarray(mask).save(folder / f"source/masks/{index:02d}.png")
        Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).save(folder / f"source/{kind}/{index:02d}.png")
    return forgebench.build("folder", folder / "source", folder / "benchmark", workers=1)


@pytest.fixture(scope="module")
def truth(benchmark):
    rows = benchmark.rows("test", ["sample_id", "mask"])
    return {row["sample_id"]: np.asarray(Image.open(BytesIO(row["mask"]["bytes"]))) > 0 for row in rows}


class Works:
    """A method that works: the truth blurred, and in one image of five something else."""

    supervision = "pixel"

    def __init__(self, truth):
        self.truth = truth

    def predict(self, samples):
        for sample in samples:
            rng = np.random.default_rng(int(sample.sample_id.rpartition("-")[2]))
            mask = self.truth[sample.sample_id]
            if int(sample.sample_id.rpartition("-")[2]) % 10 < 2:
                mask = np.roll(mask[::-1], 20, axis=1) if mask.any() else mask
            soft = ndimage.gaussian_filter(mask.astype(float), 1.5)
            heat = np.clip(soft + rng.normal(0, 0.02, mask.shape), 0, 1)
            score = 0.6 + 0.4 * rng.random() if self.truth[sample.sample_id].any() else 0.4 * rng.random()
            yield Prediction(sample.sample_id, float(score), np.round(heat * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def records(benchmark, truth, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    methods = {
        "works": partial(Works, truth), "all black": controls.all_black, "all white": controls.all_white,
        "random": controls.random, "centre box": controls.centre_box, "constant": controls.constant,
        "edge detector": controls.edges, "inverted truth": partial(controls.inverted_truth, truth),
        "box around the truth": partial(controls.truth_box, truth),
    }  # fmt: skip
    found = {}
    for name, factory in methods.items():
        submission = forgebench.predict(factory(), benchmark, folder / f"{name}.parquet")
        found[name] = forgebench.score(submission, benchmark, definitions=("all",), workers=1)
    return found


CEILING = "box around the truth"


def _values(record):
    return {(one.definition, one.metric): one for one in record.metrics}


def test_a_method_that_works_beats_every_control_by_every_metric_that_ranks(records):
    works = _values(records["works"])
    wrong = []
    for name, record in records.items():
        if name in ("works", CEILING):
            continue
        for key, one in _values(record).items():
            if not one.rankable or one.value is None:
                continue
            sign = 1 if one.higher_is_better else -1
            if not sign * works[key].value > sign * one.value:
                wrong.append((*key, name, one.value, works[key].value))
    assert not wrong


def test_what_may_not_rank_is_there_because_something_silly_wins(records):
    """Not every unrankable metric is won by a control on this scene, but in each definition that has any, one is."""
    works = _values(records["works"])
    for definition in DEFINITIONS.values():
        unranked = [m for m in definition.metrics if not m.rankable and works[definition.name, m.id].value is not None]
        won = {
            (m.id, name)
            for m in unranked
            for name, record in records.items()
            if name not in ("works", CEILING) and _wins(_values(record)[definition.name, m.id], works)
        }
        assert won or not unranked, definition.name


def _wins(one, works):
    sign = 1 if one.higher_is_better else -1
    return one.value is not None and sign * one.value >= sign * works[one.definition, one.metric].value


def test_the_box_around_the_truth_is_a_ceiling_for_boxes(records):
    assert records[CEILING].value("box_ap") == 1
    assert 0.5 < records[CEILING].value("pixel_iou") < 1
    assert records[CEILING].value("image_auc") == 1


def test_the_inverted_truth_is_perfect_to_a_metric_that_inverts(records):
    inverted = records["inverted truth"]
    assert inverted.value("pixel_f1") == 0
    assert inverted.value("pixel_auc") == 0
    assert inverted.value("pixel_f1_double", definition="imdl-benco") > 0.49
    assert inverted.value("pixel_f1_best", definition="trufor") > 0.9


def test_with_every_metric_in_the_table_verification_agrees(benchmark, records, tmp_path):
    submission = forgebench.predict(controls.edges(), benchmark, tmp_path / "edges.zip")
    out = tmp_path / "out"
    record = forgebench.score(
        submission, benchmark, out, definitions=("all",), slices=("region_size", "image_size"), workers=1
    )
    assert forgebench.verify(out) == []
    assert [one for one in record.metrics if one.subset is None] == records["edge detector"].metrics
    assert forgebench.rescore(out).metrics == record.metrics
