"""Copies are found behind any curve, and strangers are not called copies."""

from __future__ import annotations

import numpy as np
import pytest

from leaderboard.service.sketches import WIDTH, distance

NEAR, SAMPLES = 2.0, 60


def sketch(rng: np.random.Generator, *, masks: bool = True) -> np.ndarray:
    made = rng.integers(0, 256, (SAMPLES, WIDTH)).astype(np.uint8)
    made[:, 1:] *= masks
    return made


def test_a_copy_behind_a_curve_is_near() -> None:
    mine = sketch(np.random.default_rng(0))
    copy = mine.copy()
    copy[:, 0] = np.round((mine[:, 0] / 255) ** 1.5 * 255)
    copy[:, 1:] = np.round(mine[:, 1:] * 0.95)
    assert distance(mine.tobytes(), mine.tobytes()) == 0
    assert distance(mine.tobytes(), copy.tobytes()) < NEAR


@pytest.mark.parametrize("masks", [True, False])
def test_strangers_are_far_apart_with_masks_or_scores_alone(masks: bool) -> None:
    first, second = (sketch(np.random.default_rng(seed), masks=masks) for seed in (0, 1))
    assert distance(first.tobytes(), second.tobytes()) > 20


def test_scores_alone_are_compared_with_those_of_a_whole_submission() -> None:
    whole = sketch(np.random.default_rng(0))
    alone = whole.copy()
    alone[:, 1:] = 0
    assert distance(whole.tobytes(), alone.tobytes()) == 0
    assert distance(whole.tobytes(), whole[1:].tobytes()) == float("inf")
