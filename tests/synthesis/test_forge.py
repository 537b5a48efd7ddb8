"""Forgeries: exact masks, matched authentic images, the same bytes for one seed."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench.demo import PHOTOS
from forgebench.errors import InputError, NotFoundError, ProblemsError
from forgebench.schema import Item
from forgebench.synthesis import forge, list_photos, load_recipe

RECIPE = load_recipe("demo")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    photos = list_photos(PHOTOS)
    return [forge(photos, RECIPE, seed=3, index=index) for index in range(16)]


def _pixels(item: Item) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(item.image)).convert("RGB"), np.int16)


def test_samples_come_in_matched_pairs(items: list[Item]) -> None:
    for first, second in zip(items[::2], items[1::2], strict=True):
        assert {first.label, second.label} == {"authentic", "tampered"}
        one, other = (json.loads(item.provenance or "") for item in (first, second))
        shared = ("host", "scale", "first_quality", "final_quality")
        assert [one[key] for key in shared] == [other[key] for key in shared]
        assert first.group == second.group
        assert first.size == second.size


def test_a_forgery_differs_from_its_match_inside_the_mask_alone(items: list[Item]) -> None:
    for first, second in zip(items[::2], items[1::2], strict=True):
        forged, match = (first, second) if first.label == "tampered" else (second, first)
        change = np.abs(_pixels(forged) - _pixels(match)).max(axis=2)
        assert forged.mask is not None
        # The last compression spreads a change over its block of 8x8 pixels.
        blocks = np.zeros(forged.size, bool)
        for y, x in np.argwhere(forged.mask):
            blocks[y - y % 8 : y - y % 8 + 8, x - x % 8 : x - x % 8 + 8] = True
        assert change[~blocks].max() == 0
        assert change[forged.mask].mean() > 5


def test_the_order_within_a_pair_does_not_tell_the_label() -> None:
    photos = list_photos(PHOTOS)
    plans = [json.loads(forge(photos, RECIPE, 0, 2 * pair).provenance or "")["tampered"] for pair in range(12)]
    assert 0 < sum(plans) < 12


def test_copy_moves_know_their_source(items: list[Item]) -> None:
    moves = [item for item in items if item.manipulation == "copy_move"]
    assert moves
    for item in moves:
        assert item.mask is not None
        assert item.source_mask is not None
        assert item.mask.sum() == item.source_mask.sum()
        assert not (item.mask & item.source_mask).any()
        dx, dy = json.loads(item.provenance or "")["offset"]
        assert np.array_equal(np.roll(item.source_mask, (dy, dx), (0, 1)), item.mask)


def test_regions_keep_to_the_recipe(items: list[Item]) -> None:
    for item in items:
        if item.label == "tampered":
            assert item.mask is not None
            assert 0.001 < item.mask.mean() < 0.4
            assert item.explanation is not None
            assert item.explanation["type"] == {"splice": "splice", "copy_move": "copy-move"}[item.manipulation or ""]
        else:
            assert item.explanation is None
            assert not np.any(item.mask)


def test_one_seed_gives_the_same_bytes_whatever_n_and_workers(tmp_path: Path) -> None:
    small = forgebench.synthesize(PHOTOS, tmp_path / "a", n=6, seed=5, workers=1)
    large = forgebench.synthesize(PHOTOS, tmp_path / "b", n=40, seed=5, workers=2)
    other = forgebench.synthesize(PHOTOS, tmp_path / "c", n=6, seed=6, workers=1)
    assert large.manifest.rows.items() >= small.manifest.rows.items()
    assert other.content_hash != small.content_hash
    assert forgebench.verify(tmp_path / "b") == []


def test_sample_names_do_not_tell_the_label(tmp_path: Path) -> None:
    frame = forgebench.synthesize(PHOTOS, tmp_path / "a", n=8, workers=1).to_frame()
    assert frame["sample_id"].tolist() == [f"s0-{i:06d}" for i in range(8)]


def test_unusable_photographs_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no photograph")
    Image.new("RGB", (40, 40)).save(tmp_path / "tiny.png")
    with pytest.raises(ProblemsError) as caught:
        forgebench.synthesize(tmp_path, tmp_path / "out", n=2)
    assert {problem.sample_id for problem in caught.value.problems} == {"notes.jpg", "tiny.png"}
    assert not (tmp_path / "out").exists()


def test_wrong_input_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="photographs"):
        forgebench.synthesize(tmp_path / "none", tmp_path / "out", n=2)
    with pytest.raises(InputError, match="two different photographs"):
        forgebench.synthesize(tmp_path, tmp_path / "out", n=2)
    with pytest.raises(InputError, match="at least one sample"):
        forgebench.synthesize(PHOTOS, tmp_path / "out", n=0)
    with pytest.raises(InputError, match=r"No recipe 'dmo'. Shipped: demo"):
        forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, recipe="dmo")
    recipe = tmp_path / "mine.toml"
    recipe.write_text("scale = [2, 1]\n")
    with pytest.raises(InputError, match="not a valid recipe"):
        forgebench.synthesize(PHOTOS, tmp_path / "out", n=2, recipe=str(recipe))
