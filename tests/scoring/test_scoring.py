"""Scoring: what is written, and that every number is the one that a slow computation gives."""

from __future__ import annotations

import json
import math
import re
import shutil

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small
from scipy.stats import binomtest
from sklearn import metrics as sk

import forgebench
from forgebench import InputError, Prediction
from forgebench.metrics import DEFINITIONS
from forgebench.scoring.record import json_schema

from .edits import by_sample


@pytest.fixture(scope="module")
def valid(scene, given, tmp_path_factory):
    """Record and folder of a valid submission."""
    folder = tmp_path_factory.mktemp("valid")
    submission = forgebench.write_submission(
        folder / "sub.zip", given, benchmark=scene.benchmark, method="by hand", supervision="pixel"
    )
    return forgebench.score(submission, scene.benchmark, folder / "out", workers=1), folder / "out"


NOT_HERE = {
    metric.id
    for metric in DEFINITIONS["forgebench"].metrics
    if metric.threshold == "frozen" or metric.family in ("text", "classes")
}
"""Undefined here: no threshold was frozen, and there are neither explanations nor synthetic images."""
OF_MASKS = {
    metric.id
    for metric in DEFINITIONS["forgebench"].metrics
    if metric.family in ("pixel", "boundary", "region") or metric.id.startswith(("pixel", "false"))
} | {"combined_f1"}
"""Undefined for a submission without masks."""
BIASED = {"pixel_f1_oracle", "pixel_iou_oracle", "pixel_mcc_oracle", *(f"{x}_ece" for x in ("image", "pixel"))}
"""A resample is worse, or better, than the whole: the value may lie outside of a percentile interval."""


def _image_numbers(scene, given):
    """The image-level numbers, from scores and labels, by other people's code."""
    labels = np.array([scene.tampered(one.sample_id) for one in given])
    scores = np.array([one.score for one in given])
    called = scores >= 0.5
    sensitivity, specificity = called[labels].mean(), (~called[~labels]).mean()
    return {
        "image_auc": sk.roc_auc_score(labels, scores),
        "image_ap": sk.average_precision_score(labels, scores),
        "image_accuracy": sk.accuracy_score(labels, called),
        "image_balanced_accuracy": sk.balanced_accuracy_score(labels, called),
        "image_f1": sk.f1_score(labels, called),
        "image_if1": 2 * sensitivity * specificity / (sensitivity + specificity),
        "image_brier": sk.brier_score_loss(labels, scores),
        "fpr_authentic": called[~labels].mean(),
        "coverage": 1.0,
    }


def _pixel_numbers(scene, given):
    """The pixel numbers, image by image and pooled."""
    pairs = [(scene.truth[one.sample_id].ravel(), one.mask.ravel()) for one in given if scene.tampered(one.sample_id)]
    both = [(truth, heat) for truth, heat in pairs if not truth.all()]
    truth, heat = (np.concatenate(column) for column in zip(*pairs, strict=True))
    every = [scene.truth[one.sample_id].ravel() for one in given], [one.mask.ravel() / 255 for one in given]
    of_all = sk.brier_score_loss(*map(np.concatenate, every))
    clean = [one.mask for one in given if not scene.tampered(one.sample_id)]

    def mean(number, of=pairs):
        return np.mean([number(t, h) for t, h in of])

    return {
        "pixel_f1": mean(lambda t, h: sk.f1_score(t, h >= 128)),
        "pixel_iou": mean(lambda t, h: sk.jaccard_score(t, h >= 128)),
        "pixel_recall": mean(lambda t, h: sk.recall_score(t, h >= 128)),
        "pixel_precision": np.mean([sk.precision_score(t, h >= 128) for t, h in pairs if (h >= 128).any()]),
        "pixel_mcc": mean(lambda t, h: sk.matthews_corrcoef(t, h >= 128), both),
        "pixel_auc": mean(sk.roc_auc_score, both),
        "pixel_ap": mean(sk.average_precision_score, both),
        "pixel_f1_pooled": sk.f1_score(truth, heat >= 128),
        "pixel_iou_pooled": sk.jaccard_score(truth, heat >= 128),
        "pixel_auc_pooled": sk.roc_auc_score(truth, heat),
        "pixel_ap_pooled": sk.average_precision_score(truth, heat),
        "false_area_authentic": np.mean([(mask >= 128).mean() for mask in clean]),
        "pixel_brier": of_all,
    }


def test_numbers_equal_a_slow_computation_from_the_masks(scene, given, valid):
    record, _ = valid
    expected = _image_numbers(scene, given) | _pixel_numbers(scene, given)
    assert {name: record.value(name) for name in expected} == pytest.approx(expected, abs=1e-11)
    detection, localization = expected["image_if1"], expected["pixel_f1"]
    combined = 2 * detection * localization / (detection + localization)
    assert record.value("combined_f1") == pytest.approx(combined, abs=1e-11)
    assert 0.2 < expected["pixel_f1"] < 0.95, "the case must not be trivial"


def test_intervals_are_those_of_resampled_groups(scene, given, valid):
    """Groups are drawn with replacement; here by hand, and Clopper-Pearson by scipy."""
    record, folder = valid
    table = pq.read_table(folder / "per_image.parquet")
    by_id = {one.sample_id: one for one in given}
    f1 = np.array([
        sk.f1_score(scene.truth[i].ravel(), by_id[i].mask.ravel() >= 128) if scene.tampered(i) else np.nan
        for i in table["sample_id"].to_pylist()
    ])  # fmt: skip
    means = [
        np.average(f1[~np.isnan(f1)], weights=row[~np.isnan(f1)])
        for row in by_sample(table["group"].to_pylist(), 0, 2000)
        if row[~np.isnan(f1)].any()
    ]  # fmt: skip
    one = next(one for one in record.metrics if one.metric == "pixel_f1")
    assert (one.ci_low, one.ci_high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=1e-9)
    clean = [by_id[i].score >= 0.5 for i in by_id if not scene.tampered(i)]
    exact = binomtest(sum(clean), len(clean)).proportion_ci(0.95, method="exact")
    one = next(one for one in record.metrics if one.metric == "fpr_authentic")
    assert (one.ci_low, one.ci_high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_the_record_says_what_was_scored(scene, given, valid):
    record, folder = valid
    on_disk = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    jsonschema.validate(on_disk, json_schema())
    assert on_disk == json.loads(record.model_dump_json())
    n = len(scene.truth)
    tampered = sum(map(scene.tampered, scene.truth))
    assert on_disk["benchmark"] == {
        "name": "small", "content_hash": scene.benchmark.content_hash, "split": "test", "n": n,
        "n_authentic": n - tampered, "n_tampered": tampered,
    }  # fmt: skip
    assert on_disk["predictions"]["n_valid"] == n
    assert on_disk["predictions"]["problems"] == {}
    assert on_disk["method"]["method"] == "by hand"
    assert on_disk["definitions"] == {"forgebench": DEFINITIONS["forgebench"].version}
    assert (on_disk["statistics"]["resamples"], on_disk["statistics"]["seed"]) == (2000, 0)
    assert on_disk["statistics"]["n_groups"] == len(set(scene.benchmark.to_frame()["group"]))
    assert on_disk["edits"] == []
    assert {"numpy", "pillow"} <= on_disk["packages"].keys()
    for sha in (on_disk["record_sha256"], on_disk["per_image"]["sha256"], on_disk["predictions"]["sha256"]):
        assert re.fullmatch("[0-9a-f]{64}", sha)
    assert forgebench.verify(folder) == []
    assert forgebench.verify(folder / "record.json") == []


def test_every_metric_of_the_definition_is_there_in_order(valid):
    record, _ = valid
    metrics = DEFINITIONS["forgebench"].metrics
    assert [one.metric for one in record.metrics] == [metric.id for metric in metrics]
    for one, metric in zip(record.metrics, metrics, strict=True):
        assert (one.definition, one.version, one.subset) == ("forgebench", DEFINITIONS["forgebench"].version, None)
        assert (one.rankable, one.higher_is_better) == (metric.rankable, metric.higher_is_better)
        assert (one.value is None) == (one.metric in NOT_HERE)
        assert one.value is None or one.metric in BIASED or one.ci_low <= one.value <= one.ci_high, one.metric


def test_counts_of_samples_and_of_undefined_ones(scene, valid):
    record, _ = valid
    tampered = sum(map(scene.tampered, scene.truth))
    counts = {one.metric: (one.n, one.n_undefined) for one in record.metrics}
    assert counts["pixel_f1"] == (tampered, 0)
    assert counts["pixel_auc"] == counts["pixel_ap"] == counts["pixel_mcc"] == (tampered, 1), "tampered all over"
    assert counts["image_auc"] == counts["pixel_brier"] == (len(scene.truth), 0)
    assert counts["fpr_authentic"] == counts["false_area_authentic"] == (len(scene.truth) - tampered, 0)


def test_value(valid):
    record, _ = valid
    assert record.value("pixel_f1") == next(one.value for one in record.metrics if one.metric == "pixel_f1")
    for wrong in ({"metric": "pixel_f2"}, {"metric": "pixel_f1", "definition": "other"},
                  {"metric": "pixel_f1", "subset": "splice"}):  # fmt: skip
        with pytest.raises(InputError, match="has no"):
            record.value(**wrong)
    frame = record.to_frame().set_index("metric")
    assert frame.loc["image_auc", "value"] == record.value("image_auc")


def test_the_per_image_table(scene, given, valid):
    _, folder = valid
    rows = {row["sample_id"]: row for row in pq.read_table(folder / "per_image.parquet").to_pylist()}
    assert rows.keys() == scene.truth.keys()
    for one in given:
        row, truth = rows[one.sample_id], scene.truth[one.sample_id]
        assert (row["score"], row["status"]) == (one.score, "ok")
        assert (row["tampered_px"], row["authentic_px"]) == (truth.sum(), (~truth).sum())
        assert row["hist_tampered"] == np.bincount(one.mask[truth], minlength=256).tolist()
        assert row["hist_authentic"] == np.bincount(one.mask[~truth], minlength=256).tolist()
        assert (row["height"], row["width"]) == truth.shape
        assert row["label"] == ("tampered" if scene.tampered(one.sample_id) else "authentic")


def test_two_workers_give_what_one_process_gives(scene, given, valid, tmp_path):
    record, folder = valid
    submission = tmp_path / "sub.parquet"
    forgebench.write_submission(submission, given, benchmark=scene.benchmark, method="by hand", supervision="pixel")
    again = forgebench.score(submission, scene.benchmark, tmp_path / "out", workers=2)
    assert again.metrics == record.metrics
    assert (again.predictions, again.per_image) == (record.predictions, record.per_image)
    files = [(tmp_path / "out" / "per_image.parquet"), folder / "per_image.parquet"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_seed_moves_intervals_and_nothing_else(scene, given, valid, tmp_path):
    record, _ = valid
    submission = tmp_path / "sub.zip"
    forgebench.write_submission(submission, given, benchmark=scene.benchmark, method="by hand", supervision="pixel")
    again = forgebench.score(submission, scene.benchmark, seed=1)
    assert [one.value for one in again.metrics] == [one.value for one in record.metrics]
    assert [one.ci_low for one in again.metrics] != [one.ci_low for one in record.metrics]
    with pytest.raises(InputError, match="seed of at least 0"):
        forgebench.score(submission, scene.benchmark, seed=-1)


def test_invalid_predictions_are_counted_and_never_help(scene, given, valid, tmp_path):
    record, _ = valid
    for spoilt in ("tampered-a", "tampered-whole", "authentic-i"):
        files = small.files(scene, given)
        del files[f"masks/{spoilt}.png"]
        again = forgebench.score(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)
        assert again.predictions.problems == {"missing_mask": 1}
        assert again.value("coverage") == pytest.approx(1 - 1 / len(scene.truth))
        for one, before in zip(again.metrics, record.metrics, strict=True):
            if one.metric in NOT_HERE:
                continue
            sign = 1 if one.higher_is_better else -1
            assert sign * one.value <= sign * before.value + 1e-12, one.metric
            assert one.n == before.n


def test_a_submission_with_nothing_in_it_is_the_worst_there_is(scene, tmp_path):
    files = {name: data for name, data in small.files(scene).items() if "masks" not in name}
    files["predictions.csv"] = b"sample_id,score\n"
    record = forgebench.score(small.write_zip(tmp_path / "s.zip", files), scene.benchmark, tmp_path / "out")
    for one in record.metrics:
        if one.metric in NOT_HERE:
            continue
        worst = {True: -1.0 if "mcc" in one.metric else 0.0, False: 1.0}[one.higher_is_better]
        assert one.value == pytest.approx(worst, abs=1e-12), one.metric
    assert forgebench.verify(tmp_path / "out") == []


def test_image_only_leaves_localization_undefined(scene, given, valid, tmp_path):
    record, _ = valid
    alone = [Prediction(one.sample_id, one.score) for one in given]
    submission = forgebench.write_submission(
        tmp_path / "sub", alone, benchmark=scene.benchmark, method="by hand", supervision="pixel"
    )
    again = forgebench.score(submission, scene.benchmark, tmp_path / "out")
    for one, full in zip(again.metrics, record.metrics, strict=True):
        if one.metric in OF_MASKS:
            assert (one.value, one.ci_low, one.ci_high) == (None, None, None)
            assert math.isnan(again.value(one.metric))
        else:
            assert one == full
    assert forgebench.verify(tmp_path / "out") == []


def test_definitions_by_name(scene, given, tmp_path):
    submission = small.write_zip(tmp_path / "a.zip", small.files(scene, given))
    with pytest.raises(InputError, match=r"No definition f1. There are: forgebench"):
        forgebench.score(submission, scene.benchmark, definitions=("forgebench", "f1"))
    twice = forgebench.score(submission, scene.benchmark, tmp_path / "out", definitions=("forgebench", "forgebench"))
    assert len(twice.metrics) == len(DEFINITIONS["forgebench"].metrics)
    assert forgebench.verify(tmp_path / "out") == []


def test_a_benchmark_may_be_named_by_its_folder(scene, given, tmp_path):
    folder = str(scene.benchmark.path)
    submission = forgebench.write_submission(
        tmp_path / "s.zip", given, benchmark=folder, method="named", supervision="pixel"
    )
    assert forgebench.validate(submission, folder) == []
    record = forgebench.score(submission, folder, tmp_path / "out")
    again = forgebench.rescore(tmp_path / "out", predictions=tmp_path / "s.zip", benchmark=folder)
    assert again.metrics == record.metrics


@pytest.mark.parametrize("change", ["mask", "label", "group", "row"])
def test_a_benchmark_that_was_edited_is_not_scored_on(scene, given, tmp_path, change):
    copy = tmp_path / "bench"
    shutil.copytree(scene.benchmark.path, copy)
    benchmark = forgebench.open_benchmark(copy)
    file = benchmark.shards("test")[0]
    table = pq.read_table(file)
    rows = table.to_pylist()
    name = rows[0]["sample_id"]
    known = [one for one in given if change != "row" or one.sample_id != name]
    submission = forgebench.write_submission(
        tmp_path / "s.zip", known, benchmark=benchmark, method="m", supervision="pixel"
    )
    if change == "row":
        del rows[0]
    else:
        rows[0][change] = {"mask": rows[1]["mask"], "label": 1 - rows[0]["label"], "group": "other"}[change]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    with pytest.raises(forgebench.ProblemsError, match="forgebench verify") as caught:
        forgebench.score(submission, benchmark, tmp_path / "out", workers=1)
    assert caught.value.problems[0].sample_id == ("" if change == "row" else name)
    assert not (tmp_path / "out").exists()
