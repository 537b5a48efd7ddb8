"""The page of metrics is what the code says, and says of no control that it wins what may rank."""

from __future__ import annotations

import numpy as np
import pytest

from docs.generate import metrics as writer
from docs.generate.scene import measured
from forgebench.metrics import DEFINITIONS

METRICS = DEFINITIONS["forgebench"].metrics


@pytest.fixture(scope="module")
def values():
    return measured()


def test_it_is_current():
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(), "run make pages"


def test_every_metric_is_on_it_once_and_none_else():
    page = writer.PAGE.read_text(encoding="utf-8")
    listed, controls = page.split("## What controls get")
    rows = [line.split("`")[1] for line in listed.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(metric.id for metric in METRICS)
    assert all(metric.note in listed for metric in METRICS)
    measured = [line.split("`")[1] for line in controls.splitlines() if line.startswith("| `")]
    left_out = {metric for metric in METRICS if metric.id not in measured}
    assert {metric.family for metric in left_out if metric.threshold != "frozen"} == {"classes", "text", "cost"}


def test_the_truth_is_perfect_and_nothing_that_may_rank_is_won_without_it(values):
    rankable = {metric.id for metric in METRICS if metric.rankable}
    for name, of_each in values.items():
        best = float(next(metric.higher_is_better for metric in METRICS if metric.id == name))
        assert of_each["perfect"] == best, name
    won = writer.won(values)
    assert not rankable & set(won)
    assert {"pixel_recall", "pixel_precision", "false_area_authentic", "coverage"} <= set(won)
    assert won["pixel_recall"] == ["all white", "constant"]


def test_what_follows_from_shares_alone(values):
    """The shapes have 621, 540 and 576 of 6144 pixels; the box around the L has 1024, that around the pair 1152."""
    share = np.array([621, 540, 576]) / 6144
    of_white = {name: of_each["all white"] for name, of_each in values.items()}
    assert of_white["pixel_f1"] == pytest.approx((2 * share / (1 + share)).mean())
    assert of_white["pixel_iou"] == pytest.approx(share.mean())
    assert of_white["pixel_ap_pooled"] == pytest.approx(share.mean())
    assert of_white["pixel_brier"] == pytest.approx(1 - share.sum() / 6)
    assert values["pixel_iou"]["box around the truth"] == pytest.approx(
        (621 / 29**2 + 540 / 32**2 + 576 / (72 * 16)) / 3
    )
