"""Explanations: every statement is checked against the pixels and the provenance."""

from __future__ import annotations

import re

import numpy as np
import pytest

from forgebench.schema import Item
from synthesis.making import forgeries, grounds_of, pixels, plan_of, recipe

BLENDS = dict.fromkeys(("hard", "feathered", "laplacian", "poisson"), 1)
HARMONY = {"none": 2, "reinhard": 1}
WEIGHTS = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """Forgeries of all kinds, saved without loss so that the pixels tell."""
    made = recipe(
        "splice", "copy_move", "removal", "mixed",
        photo={"max_side": 256, "first": {"quality": [50, 80]}}, copies=[1, 2], region={"area": [0.01, 0.06]},
        geometry={"scale": [0.8, 1, 1, 1, 1, 1.2], "rotation": [-10, 0, 0, 0, 0, 10], "flip": 0.2},
        seam={"blend": BLENDS, "harmonize": HARMONY, "smooth": 0.3},
        save={"format": {"png": 1}},
    )  # fmt: skip
    return forgeries(made, 40)


def _field(item: Item, name: str) -> str:
    assert item.explanation is not None
    return str(item.explanation[name])  # type: ignore[literal-required]


def test_types_are_those_of_the_column(items: list[Item]) -> None:
    words = {"splice": "splice", "copy_move": "copy-move", "removal": "removal", "mixed": "composition"}
    assert {item.manipulation for item in items} == set(words)
    for item in items:
        assert _field(item, "type") == words[item.manipulation or ""]


def test_areas_are_those_of_the_mask(items: list[Item]) -> None:
    for item in items:
        assert item.mask is not None
        ys, xs = np.nonzero(item.mask)
        area = _field(item, "area")
        assert f"(x {xs.min()}-{xs.max()}, y {ys.min()}-{ys.max()})" in area
        assert f"{100 * item.mask.mean():.1f} % of the image" in area
        row = ("top", "middle", "bottom")[int(3 * ys.mean() / item.size[0])]
        column = ("left", "centre", "right")[int(3 * xs.mean() / item.size[1])]
        assert f"{row} {column}" in area


def test_light_is_measured_on_the_pixels(items: list[Item]) -> None:
    from scipy import ndimage

    told = 0
    for item in items:
        image = pixels(item.image) @ WEIGHTS
        assert item.mask is not None
        ring = ndimage.binary_dilation(item.mask, np.ones((17, 17))) & ~item.mask
        inside, around = image[item.mask].mean(), image[ring].mean()
        found = re.search(r"is (brighter|darker) .*mean luma (\d+) inside, (\d+) in a ring", _field(item, "evidence"))
        assert (found is not None) == (abs(inside - around) >= 6)
        if found:
            told += 1
            assert found[1] == ("brighter" if inside > around else "darker")
            assert [float(found[2]), float(found[3])] == pytest.approx([inside, around], abs=0.51)
    assert told > 10


def test_moves_and_shifts_of_the_grid_are_true(items: list[Item]) -> None:
    shifted = 0
    for item in items:
        plan, evidence = plan_of(item), _field(item, "evidence")
        for step in plan.steps:
            if step.kind != "copy_move":
                continue
            dx, dy = step.offset
            words = f"by {abs(dx)} px {'right' if dx >= 0 else 'left'} and {abs(dy)} px {'down' if dy >= 0 else 'up'}"
            assert words in _field(item, "content")
            plain = step.scale == 1 and not step.rotation and not step.flip
            told = (
                f"(quality {plan.host.first.quality if plan.host.first else None}) are shifted by {dx % 8} and {dy % 8}"
            )
            assert (told in evidence) == (plain and (dx % 8, dy % 8) != (0, 0))
            shifted += told in evidence
            untouched = plain and step.blend == "hard" and not step.smooth and step.harmony == "none"
            if untouched and item.manipulation == "copy_move":
                image = pixels(item.image)
                ys, xs = np.nonzero(item.source_mask)
                assert np.array_equal(image[ys, xs], image[ys + dy, xs + dx])
    assert shifted > 2


def test_copies_are_counted(items: list[Item]) -> None:
    for item in items:
        copies = sum(step.kind == "copy_move" for step in plan_of(item).steps)
        times = re.findall(r"(?:occurs|is found) (twice|3 times) in the image", _field(item, "evidence"))
        assert times == ([{1: "twice", 2: "3 times"}[copies]] if copies else [])


def test_changes_of_the_region_are_those_made(items: list[Item]) -> None:
    for item in items:
        plan, evidence = plan_of(item), _field(item, "evidence")
        pasted = [step for step in plan.steps if step.kind != "removal"]
        factors = {f"{step.scale:.2f}" for step in pasted if step.scale != 1}
        assert set(re.findall(r"factor of (\d\.\d\d)", evidence)) == factors
        turns = {f"{step.rotation:.1f}" for step in pasted if step.rotation}
        assert set(re.findall(r"turned by (-?\d+\.\d) degrees", evidence)) == turns
        assert ("mirrored" in evidence) == any(step.flip for step in pasted)
        assert ("adapted to the new ground" in evidence) == any(step.harmony != "none" for step in pasted)
        feathers = {f"{2 * step.width:.1f}" for step in pasted if step.blend == "feathered"}
        assert set(re.findall(r"feathered over (\d\.\d) pixels", evidence)) == feathers
        assert ("seam" in evidence) == any(step.smooth for step in pasted)
        hard = any(step.blend == "hard" and not step.smooth for step in pasted)
        assert ("cut hard" in evidence or "no transition at all" in evidence) == hard
        assert "without loss as PNG" in evidence
        hosts, donors = grounds_of(plan)
        for donor in donors:
            one, other = donor.source.first, hosts.source.first
            assert one is not None
            assert other is not None
            told = f"compressed at JPEG quality {one.quality} before, the rest at {other.quality}"
            assert (told in evidence) == (one.quality != other.quality)


def test_the_wording_varies_and_is_seeded(items: list[Item]) -> None:
    starts = {re.sub(r"[\d.]+", "0", _field(item, "evidence"))[:40] for item in items}
    assert len(starts) > 8
    assert len({re.sub(r"[^(,%]", "", _field(item, "area")) for item in items}) == 3
