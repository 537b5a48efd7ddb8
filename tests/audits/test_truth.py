"""Planted faults of masks and boxes are found by name, and sound ones are not."""

from __future__ import annotations

import numpy as np
import planted
import pytest

from forgebench.audits import audit
from forgebench.audits.masks import check_tampered
from forgebench.audits.originals import covered


def findings(tmp_path, items):
    found = audit(planted.build(tmp_path / "bench", items), resamples=50, workers=1)
    return {(one.sample_id, one.code) for one in found.findings}, found


def forgery(index, mask, stored, **more):
    original = planted.scene(index)
    forged = planted.forged(original, mask, index)
    return [
        planted.sample(f"a{index}", planted.encoded(original), group=f"g{index}"),
        planted.sample(f"t{index}", planted.encoded(forged), stored, group=f"g{index}", tampered=True, **more),
    ]


def test_every_planted_fault_is_found_and_nothing_else(tmp_path):
    true = planted.box()
    full, empty, speck, specks = np.ones_like(true), np.zeros_like(true), np.zeros_like(true), true.copy()
    speck[30:32, 40:42] = True
    specks[2, 3] = specks[60, 90] = True
    stored = [
        true, empty, full, speck, specks, np.roll(true, 40, axis=1), true[:, ::-1], ~true, None, full,
    ]  # fmt: skip
    items = []
    for index, mask in enumerate(stored):
        items += forgery(index, true, mask, manipulation="full_synthetic" if index == 9 else None)
    marked = planted.sample("marked", planted.encoded(planted.scene(99)), true, tampered=False)
    found, whole = findings(tmp_path, [*items, marked])
    assert found == {
        ("t1", "empty_mask"), ("t2", "full_mask"), ("t3", "tiny_mask"), ("t4", "specks"), ("t5", "mask_disagrees"),
        ("t6", "mask_disagrees"), ("t7", "mask_disagrees"), ("marked", "marked_authentic"), ("t3", "mask_disagrees"),
    }  # fmt: skip
    one = whole.benchmarks[0]
    assert one.n_without_mask == 1
    assert (one.originals.compared, one.originals.undecided) == (8, 2)
    assert not any(v.negative for v in whole.verdicts if v.code in {code for _, code in found})


def test_whoever_comes_first_is_waited_for(tmp_path):
    items = forgery(0, planted.box(), np.roll(planted.box(), 40, axis=1)) + forgery(1, planted.box(), planted.box())
    for name, order in (("as", items), ("reversed", items[::-1])):
        found, whole = findings(tmp_path / name, order)
        assert found == {("t0", "mask_disagrees")}
        assert whole.benchmarks[0].originals.compared == 2


def test_another_size_or_group_is_not_compared(tmp_path):
    mask = planted.box()
    items = forgery(0, mask, mask)
    other = planted.sample("b", planted.encoded(planted.scene(3, 40, 40)), group="g0")
    _, whole = findings(tmp_path, [items[1], other, planted.sample("c", planted.encoded(planted.scene(4)))])
    assert whole.benchmarks[0].originals.compared == 0


@pytest.mark.parametrize("seed", range(4))
def test_coverage_is_the_share_of_the_difference_that_is_marked(seed):
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 200, (64, 64)).astype(np.uint8)
    changed, half = original.copy(), np.zeros((64, 64), np.uint8)
    changed[10:20, 10:50] += 40
    half[10:20, 10:30] = 255
    noise = rng.integers(-1, 2, (64, 64))
    noisy = np.clip(changed.astype(int) + noise + 12, 0, 255).astype(np.uint8)
    whole = np.zeros((64, 64), np.uint8)
    whole[10:20, 10:50] = 255
    assert covered(changed, original, whole) == 1
    assert covered(changed, original, half) == pytest.approx(21 / 40)
    assert covered(noisy, original, whole) > 0.95, "brightened as a whole, and noisy"
    assert covered(changed, original, 255 - whole) == 0
    assert np.isnan(covered(original, original, whole))
    assert np.isnan(covered(changed, original, np.full((64, 64), 255, np.uint8)))


def codes(mask, boxes):
    return [code for code, _ in check_tampered(mask, boxes, None)[1]]


def test_boxes_against_the_mask():
    mask = np.zeros((100, 100), bool)
    mask[10:30, 20:60] = True
    mask[80:90, 80:90] = True
    assert codes(mask, [[20, 10, 40, 20], [80, 80, 10, 10]]) == []
    assert codes(mask, [[15.5, 8.2, 50, 25], [75, 70, 25, 30]]) == [], "loosened boxes hold the mask"
    assert codes(mask, [[20, 10, 40, 20]]) == ["box_misses"]
    assert codes(mask, [[20, 10, 40, 20], [80, 80, 10, 10], [0, 50, 10, 10]]) == ["box_empty"]
    assert codes(mask, []) == ["box_misses"]


def test_regions_are_counted_without_specks():
    mask = np.zeros((100, 100), bool)
    mask[10:30, 20:60] = mask[80:90, 80:90] = mask[50, 50] = True
    regions, found = check_tampered(mask, [[0, 0, 100, 100]], None)
    assert regions is not None
    assert (regions.count, regions.area) == (2, 0.0901)
    assert found == [("specks", "1 region under 0.1 % of the image, 1 px in all")]
