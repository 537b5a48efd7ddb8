"""Scores over seconds of annotation."""

from __future__ import annotations

import math
from typing import get_args

import pytest

from forgebench import InputError
from forgebench.metrics.cost import SECONDS, annotation_seconds, score_per_second
from forgebench.submission.manifest import Supervision


def test_every_level_that_a_submission_may_name_has_its_seconds():
    assert set(SECONDS) == set(get_args(Supervision))
    assert {level: annotation_seconds(level) for level in SECONDS} == {
        "zero-shot": 0, "image": 4, "box": 7, "scribble": 20, "pixel": 1380,
    }  # fmt: skip


@pytest.mark.parametrize(("level", "seconds"), [("image", 4), ("box", 7), ("scribble", 20), ("pixel", 23 * 60)])
def test_the_score_over_the_seconds(level, seconds):
    assert score_per_second(0.6, level) == pytest.approx(0.6 / seconds)
    assert score_per_second(0.6, level) > score_per_second(0.5, level)
    assert score_per_second(0.0, level) == 0
    assert math.isnan(score_per_second(math.nan, level))


def test_zero_shot_is_undefined_whatever_the_score():
    assert all(math.isnan(score_per_second(score, "zero-shot")) for score in (0.0, 0.5, 1.0))


def test_why_it_cannot_be_ranked():
    """The worst that learns from labels beats the best that learns from masks."""
    assert score_per_second(0.01, "image") > score_per_second(1.0, "pixel")


def test_a_level_that_there_is_not():
    with pytest.raises(InputError, match=r"No supervision 'polygon'\. There are: zero-shot, image"):
        score_per_second(0.5, "polygon")
