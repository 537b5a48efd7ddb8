"""Places around a true boundary, by hand, and intervals by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.sapl.places import interval, mean_at, places, signed_distance


def _square(size=40, start=10, stop=30):
    mask = np.zeros((size, size), bool)
    mask[start:stop, start:stop] = True
    return mask


def test_distances_by_hand():
    distance = signed_distance(_square())
    assert distance[20, [9, 10, 12, 0]].tolist() == [-0.5, 0.5, 2.5, -9.5]
    assert distance[8, 8] == pytest.approx(0.5 - np.hypot(2, 2))
    np.testing.assert_array_equal(distance > 0, _square())


@pytest.mark.parametrize(("full", "expected"), [(True, np.inf), (False, -np.inf)])
def test_a_mask_without_a_boundary_is_far_from_it(full, expected):
    assert set(signed_distance(np.full((3, 4), full)).ravel()) == {expected}


def test_a_planted_map_has_its_known_means():
    mask = _square()
    at = places(signed_distance(mask), 4)
    assert at["interior"].sum() == 12 * 12
    assert sum(one.astype(int) for one in at.values()).tolist() == np.ones_like(mask, int).tolist()
    planted = np.where(at["band"], 0.8, np.where(at["interior"], 0.3, 0.1))
    found = {name: mean_at(planted, where) for name, where in at.items()}
    assert found == pytest.approx({"band": 0.8, "interior": 0.3, "outside": 0.1})


def test_a_small_forgery_has_no_interior():
    at = places(signed_distance(_square(40, 10, 16)), 4)
    assert np.isnan(mean_at(np.full((40, 40), 0.5), at["interior"]))
    assert mean_at(np.full((40, 40), 0.5), at["band"]) == 0.5


def test_intervals_cover_the_mean_of_clustered_values():
    covered = 0
    for trial in range(200):
        rng = np.random.default_rng(trial)
        values = np.repeat(rng.normal(0.3, 1, 40), 3) + rng.normal(0, 0.1, 120)
        found = interval(values, np.repeat(np.arange(40), 3).astype(str), seed=trial)
        covered += found.low <= 0.3 <= found.high
    assert 178 <= covered <= 200


def test_intervals_that_forget_the_groups_are_too_narrow():
    values = np.repeat(np.random.default_rng(0).normal(0, 1, 40), 5)
    grouped = interval(values, np.repeat(np.arange(40), 5).astype(str), seed=0)
    alone = interval(values, np.arange(200).astype(str), seed=0)
    assert grouped.high - grouped.low > 1.8 * (alone.high - alone.low)


def test_the_undefined_is_left_out_and_counted():
    found = interval(np.array([1.0, np.nan, 1.0]), np.array(["a", "b", "c"]), seed=0)
    assert (found.mean, found.low, found.high, found.n, found.n_undefined) == (1, 1, 1, 2, 1)
    nothing = interval(np.array([np.nan]), np.array(["a"]), seed=0)
    assert nothing.n == 0
    assert np.isnan(nothing.mean)
