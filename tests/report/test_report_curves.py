"""The curves against scikit-learn on the pixels and images themselves, and against the records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, f1_score, precision_recall_curve, roc_curve

from forgebench.benchmark import Benchmark
from forgebench.report import curves
from forgebench.report.entries import Entry, read_entries

Pair = tuple[NDArray[np.bool_], NDArray[np.uint8]]


def entry(folder: Path) -> Entry:
    return read_entries([folder])[0]


@pytest.fixture(scope="module")
def pixels(scores: dict[str, Path], benchmark: Benchmark) -> list[Pair]:
    """Truth and prediction of the seer for each tampered image, read from the files themselves."""
    submission = Path(json.loads((scores["seer"] / "inputs.json").read_text())["submission"])

    def pairs() -> Iterator[Pair]:
        for row in benchmark.rows("test"):
            if row["label"] == 1:
                truth = np.asarray(Image.open(BytesIO(row["mask"]["bytes"]))) > 0
                yield truth, np.asarray(Image.open(submission / "masks" / f"{row['sample_id']}.png"))

    return list(pairs())


def pooled(pixels: list[Pair]) -> Pair:
    truth, pred = (np.concatenate([part.ravel() for part in parts]) for parts in zip(*pixels, strict=True))
    return truth, pred


@pytest.mark.parametrize("threshold", [0, 1, 60, 127, 128, 160, 255])
def test_f1_at_a_threshold_is_the_mean_of_each_images(
    scores: dict[str, Path], pixels: list[Pair], threshold: int
) -> None:
    each = [f1_score(t.ravel(), (p >= threshold).ravel()) for t, p in pixels]
    assert curves.f1_by_threshold(entry(scores["seer"]).table)[threshold] == pytest.approx(np.mean(each), abs=1e-12)


@pytest.mark.parametrize("name", ["seer", "box", "black"])
def test_f1_at_the_fixed_threshold_is_the_records(scores: dict[str, Path], name: str) -> None:
    one = entry(scores[name])
    assert curves.f1_by_threshold(one.table)[128] == pytest.approx(one.value("pixel_f1"), abs=1e-9)


def test_missing_predictions_pull_f1_down(scores: dict[str, Path]) -> None:
    table = entry(scores["box"]).table
    assert (~table.valid & table.tampered).sum() == 2
    found = table.pixel_numbers["pixel_f1"][table.tampered & table.valid]
    assert curves.f1_by_threshold(table)[128] == pytest.approx(found.sum() / table.tampered.sum(), abs=1e-12)


def test_pixel_roc_is_that_of_scikit_learn(scores: dict[str, Path], pixels: list[Pair]) -> None:
    truth, pred = pooled(pixels)
    fpr, tpr, _ = roc_curve(truth, pred, drop_intermediate=False)
    found = curves.pixel_roc(entry(scores["seer"]).table)
    np.testing.assert_allclose(found, (fpr, tpr), atol=1e-12)


def test_pixel_precision_recall_is_that_of_scikit_learn(scores: dict[str, Path], pixels: list[Pair]) -> None:
    truth, pred = pooled(pixels)
    precision, recall, _ = precision_recall_curve(truth, pred)
    found = curves.pixel_precision_recall(entry(scores["seer"]).table)
    np.testing.assert_allclose(found, (recall[-2::-1], precision[-2::-1]), atol=1e-12)


def test_image_roc_is_that_of_scikit_learn(scores: dict[str, Path]) -> None:
    table = entry(scores["seer"]).table
    fpr, tpr, _ = roc_curve(table.tampered, table.score, drop_intermediate=False)
    np.testing.assert_allclose(curves.image_roc(table), (fpr, tpr), atol=1e-12)


def test_reliability_is_that_of_scikit_learn(scores: dict[str, Path]) -> None:
    table = entry(scores["seer"]).table
    so, said = calibration_curve(table.tampered, table.score, n_bins=15)
    found = curves.reliability(table)
    np.testing.assert_allclose(found[:2], (said, so), atol=1e-9)
    assert found[2].sum() == len(table)


def test_pixel_reliability_is_that_of_scikit_learn(scores: dict[str, Path], benchmark: Benchmark) -> None:
    submission = Path(json.loads((scores["seer"] / "inputs.json").read_text())["submission"])
    truths, preds = [], []
    for row in benchmark.rows("test"):
        pred = np.asarray(Image.open(submission / "masks" / f"{row['sample_id']}.png"))
        truth = None if row["mask"] is None else np.asarray(Image.open(BytesIO(row["mask"]["bytes"]))) > 0
        preds.append(pred.ravel())
        truths.append(np.zeros(pred.size, bool) if truth is None else truth.ravel())
    truth, pred = np.concatenate(truths), np.concatenate(preds) / 255
    assert entry(scores["seer"]).table.has_truth.all()
    # A byte at an edge belongs to the bin above it here, there to the one below.
    so, said = calibration_curve(truth, np.minimum(pred + 1e-9, 1), n_bins=15)
    found = curves.pixel_reliability(entry(scores["seer"]).table)
    np.testing.assert_allclose(found[:2], (said, so), atol=1e-8)
    assert found[2].sum() == len(truth)


@pytest.mark.parametrize("name", ["seer", "box", "black"])
def test_the_bins_drawn_give_the_errors_recorded(scores: dict[str, Path], name: str) -> None:
    one = entry(scores[name])
    pixels = (one.table.tampered_px + one.table.authentic_px)[one.table.has_truth].sum()
    for bins, total, metric in (
        (curves.reliability(one.table), len(one.table), "image_ece"),
        (curves.pixel_reliability(one.table), pixels, "pixel_ece"),
    ):
        said, so, n = bins
        lost = total - n.sum()
        assert (lost > 0) == (name == "box")
        assert (np.abs(said - so) @ n + lost) / total == pytest.approx(one.value(metric), abs=1e-9)


def test_without_masks_there_is_no_pixel_reliability(scores: dict[str, Path]) -> None:
    assert "pixel_reliability" not in curves.figures([entry(scores["unmasked"])])


def test_a_frozen_threshold_is_marked_on_its_entrys_curve(rich: dict[str, Path]) -> None:
    entries = read_entries(list(rich.values()))
    *_, mark = curves.figures(entries)["f1"]["data"]
    frozen = entries[0].record.calibration
    assert frozen is not None
    assert frozen.byte != 128
    assert (mark["mode"], mark["meta"]["entry"], len(mark["x"])) == ("markers", 0, 1)
    assert mark["x"][0] * 255 == pytest.approx(frozen.byte, abs=0.01)
    line = next(one for one in curves.figures(entries)["f1"]["data"] if one["meta"]["entry"] == 0)
    assert mark["y"][0] == line["y"][frozen.byte]
    assert sum(one["mode"] == "markers" for one in curves.figures(entries)["f1"]["data"]) == 1


@pytest.mark.parametrize("name", ["seer", "box", "black", "unmasked"])
def test_drawn_areas_are_the_records_numbers(scores: dict[str, Path], name: str) -> None:
    one = entry(scores[name])
    drawn = curves.figures([one])
    for figure, metric in (("pixel_roc", "pixel_auc_pooled"), ("image_roc", "image_auc")):
        if one.value(metric) is None:
            assert figure not in drawn
        else:
            (line,) = drawn[figure]["data"]
            assert auc(line["x"], line["y"]) == pytest.approx(one.value(metric), abs=1e-4)
    if one.value("pixel_ap_pooled") is not None and not one.lost:
        (line,) = drawn["pixel_pr"]["data"]
        steps = np.diff(line["x"]) @ np.array(line["y"][1:])
        assert steps == pytest.approx(one.value("pixel_ap_pooled"), abs=1e-4)


def test_score_histograms_count_the_valid_scores_of_each_label(scores: dict[str, Path]) -> None:
    table = entry(scores["box"]).table
    counts = {tampered: curves.score_histogram(table, tampered=tampered) for tampered in (True, False)}
    assert {k: int(v.sum()) for k, v in counts.items()} == {True: 8, False: 7}
    assert all(values[10] == values.sum() for values in counts.values()), "all scores are 0.5"


def test_figures_are_json_with_a_trace_an_entry(scores: dict[str, Path]) -> None:
    entries = read_entries(list(scores.values()))
    drawn = curves.figures(entries)
    json.dumps(drawn, allow_nan=False)
    traced = {name: [trace["meta"].get("entry") for trace in figure["data"]] for name, figure in drawn.items()}
    assert traced["image_roc"] == [0, 1, 2, 3]
    assert traced["f1"] == traced["pixel_pr"] == [0, 1, 2], "the entry without masks has no pixel curves"
    assert {f"scores-{index}" for index in range(4)} < set(drawn)


def test_an_entry_without_any_valid_prediction_still_has_its_worst_curves(scores: dict[str, Path]) -> None:
    table = entry(scores["seer"]).table
    n = len(table)
    zeros = np.zeros((n, 256), np.int64)
    lost = replace(
        table, valid=np.zeros(n, bool), score=np.full(n, np.nan), hist_tampered=zeros, hist_authentic=zeros
    )
    assert np.all(curves.f1_by_threshold(lost) == 0)
    fpr, tpr = curves.pixel_roc(lost)
    assert auc(fpr, tpr) == 0
    assert auc(*curves.image_roc(lost)) == 0
    assert len(curves.reliability(lost)[0]) == 0
    assert curves.score_histogram(lost, tampered=True).sum() == 0


def test_without_authentic_images_there_is_no_image_roc(scores: dict[str, Path]) -> None:
    table = entry(scores["seer"]).table
    tampered = table.only(table.tampered)
    assert len(curves.image_roc(tampered)[0]) == 0
    assert len(curves.pixel_roc(tampered)[0]) > 0
