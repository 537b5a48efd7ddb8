"""The search for near hashes against comparing all with all."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import planted
import pytest
from PIL import Image

from forgebench.audits import near
from forgebench.audits.pixels import perceptual_hash


def brute_force(hashes):
    bits = np.unpackbits(hashes, axis=1).astype(np.int64)
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    i, j = np.nonzero(np.triu(distance <= near.RADIUS, 1))
    return i, j, distance[i, j]


@pytest.mark.parametrize("seed", range(3))
def test_every_pair_within_the_radius_is_found_and_no_other(seed):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (150, 256), np.uint8)
    copies = bits[rng.integers(0, 150, 300)]
    for row in copies:
        row[rng.choice(256, int(rng.integers(0, 2 * near.RADIUS)), replace=False)] ^= 1
    hashes = np.packbits(np.concatenate([bits, copies, bits[:9], bits[:4]]), axis=1)
    found, expected = near.near_pairs(hashes), brute_force(hashes)
    assert {0, near.RADIUS} <= set(expected[2].tolist())
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_blocks_do_not_change_what_is_found(monkeypatch):
    hashes = np.repeat(np.random.default_rng(0).integers(0, 256, (40, 32), np.uint8), 3, axis=0)
    hashes[::3, 0] ^= 1
    whole = near.near_pairs(hashes)
    monkeypatch.setattr(near, "_BLOCK", 5)
    for one, other in zip(near.near_pairs(hashes), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(whole[0]) == 120


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_for_a_pair(n):
    assert [len(part) for part in near.near_pairs(np.zeros((n, 32), np.uint8))] == [0, 0, 0]


def bits_apart(a, b):
    hashes = [perceptual_hash(Image.fromarray(one).convert("L"), 50.0) for one in (a, b)]
    return int(np.bitwise_count(np.bitwise_xor(*(np.frombuffer(one, np.uint8) for one in hashes))).sum())


@pytest.mark.parametrize("seed", range(4))
def test_copies_are_near_and_others_are_far(seed):
    picture = planted.scene(seed, 240, 160)
    recompressed = np.asarray(Image.open(BytesIO(planted.encoded(picture, "JPEG", quality=40))))
    smaller = np.asarray(Image.fromarray(picture).resize((120, 80)))
    assert bits_apart(picture, recompressed) <= near.RADIUS
    assert bits_apart(picture, smaller) <= near.RADIUS
    assert bits_apart(picture, planted.scene(seed + 100, 240, 160)) > 2 * near.RADIUS


def test_a_flat_image_has_no_hash():
    assert perceptual_hash(Image.new("L", (50, 50), 128), 0.0) is None
