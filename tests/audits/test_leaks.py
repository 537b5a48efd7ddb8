"""Planted duplicates are found where they are, and pairs that belong together are not reported."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import planted
import pytest
from PIL import Image

from forgebench.audits import audit
from forgebench.audits.duplicates import find_pairs, listed
from forgebench.audits.look import Look
from forgebench.errors import InputError
from forgebench.schema import Item

RESAMPLES = 50


def picture(seed):
    return planted.scene(seed, 240, 160)


def recompressed(pixels):
    return planted.encoded(pixels, "JPEG", quality=45)


def smaller(pixels):
    return planted.encoded(np.asarray(Image.fromarray(pixels).resize((150, 100))))


def background(prefix, n=8, **more):
    """Images that are nobody's duplicate."""
    first = 10_000 + sum(prefix.encode()) * 50
    return [planted.sample(f"{prefix}{i}", planted.encoded(picture(first + i)), **more) for i in range(n)]


def found_in(tmp_path, *benchmarks: list[Item]):
    opened = [planted.build(tmp_path / f"bench{i}", items) for i, items in enumerate(benchmarks)]
    return audit(opened, resamples=RESAMPLES, workers=1)


def pairs_of(found):
    return {(p.kind, p.across, *sorted((p.a.sample_id, p.b.sample_id))) for p in found.pairs}


def codes(found):
    return {verdict.code: verdict.negative for verdict in found.verdicts}


def test_copies_across_splits_are_leaks(tmp_path):
    one, two, three = (picture(i) for i in range(3))
    items = [
        *background("tr", split="train"), *background("te"),
        planted.sample("same-test", planted.encoded(one)), planted.sample("jpeg-test", recompressed(two)),
        planted.sample("half-test", smaller(three)),
        *(
            planted.sample(f"{name}-train", planted.encoded(pixels), split="train")
            for name, pixels in (("same", one), ("jpeg", two), ("half", three))
        ),
    ]  # fmt: skip
    found = found_in(tmp_path, items)
    assert pairs_of(found) == {
        ("exact", "splits", "same-test", "same-train"),
        ("near", "splits", "jpeg-test", "jpeg-train"),
        ("near", "splits", "half-test", "half-train"),
    }
    assert found.negative
    assert codes(found)["exact_across_splits"]
    assert codes(found)["near_across_splits"]
    assert {(c.kind, c.pairs) for c in found.pair_counts} == {("exact", 1), ("near", 2)}
    assert found.pairs[0].kind == "exact", "the worst first"


def test_copies_across_benchmarks_are_leaks(tmp_path):
    one, two = picture(0), picture(1)
    first = [*background("a"), planted.sample("x", planted.encoded(one)), planted.sample("y", planted.encoded(two))]
    second = [*background("b"), planted.sample("x", planted.encoded(one)), planted.sample("z", recompressed(two))]
    found = found_in(tmp_path, first, second)
    assert pairs_of(found) == {("exact", "benchmarks", "x", "x"), ("near", "benchmarks", "y", "z")}
    assert found.negative
    (exact, _) = found.pairs
    assert {exact.a.benchmark, exact.b.benchmark} == {"bench0", "bench1"}


def test_a_host_and_its_forgery_are_expected_in_one_split_and_a_leak_across_two(tmp_path):
    original, mask = picture(0), np.zeros((160, 240), bool)
    mask[60:70, 100:110] = True
    forgery = np.where(mask[..., None], 255 - original, original).astype(np.uint8)
    host = planted.sample("host", planted.encoded(original), group="g")
    for split, expected in (("test", set()), ("train", {("near", "splits", "forgery", "host")})):
        forged = planted.sample("forgery", planted.encoded(forgery), mask, group="g", split=split)
        found = found_in(tmp_path / split, [*background("n"), host, forged])
        assert pairs_of(found) == expected
        assert found.negative == bool(expected)
        assert ("group_across_splits" in codes(found)) == bool(expected)


def test_copies_in_two_groups_of_a_split_are_noted(tmp_path):
    one = picture(0)
    items = [planted.sample("x", planted.encoded(one)), planted.sample("y", recompressed(one))]
    found = found_in(tmp_path, [*background("n"), *items])
    assert pairs_of(found) == {("near", "groups", "x", "y")}
    assert codes(found)["near_across_groups"] is False
    assert not found.negative


def test_the_same_bytes_under_both_labels_contradict_each_other(tmp_path):
    data, mask = planted.encoded(planted.scene(0)), planted.box()
    items = [planted.sample("x", data, group="g"), planted.sample("y", data, mask, group="g")]
    found = found_in(tmp_path, [*background("n"), *items])
    assert pairs_of(found) == {("exact", "labels", "x", "y")}


def test_nothing_in_common_is_said(tmp_path):
    found = found_in(tmp_path, background("n", split="train") + background("m"))
    assert found.pairs == []
    assert codes(found)["no_duplicates"] is False


def test_flat_images_are_no_near_duplicates(tmp_path):
    flat = [
        planted.sample(f"f{i}", planted.encoded(np.full((40, 40, 3), i, np.uint8)), split=("train", "test")[i % 2])
        for i in range(6)
    ]  # fmt: skip
    found = found_in(tmp_path, background("n") + flat)
    assert found.pairs == []
    assert found.benchmarks[0].n_flat == 6


@pytest.mark.parametrize("nested", [True, False])
def test_photographs_that_recur_across_splits_are_leaks(tmp_path, nested):
    """As a host in one split, and as a donor in another."""

    def told(host, donor):
        if nested:
            return json.dumps({"host": {"sha256": host}, "steps": [{"donor": {"sha256": donor}}]})
        return json.dumps({"host_sha256": host, "donor_sha256": donor})

    made = [("t0", "train", "A", "B"), ("t1", "train", "C", "D"), ("t2", "test", "E", "A"), ("t3", "test", "F", "G")]
    items = [
        planted.sample(n, planted.encoded(planted.scene(i)), planted.box(), split=split, provenance=told(host, donor))
        for i, (n, split, host, donor) in enumerate(made)
    ]  # fmt: skip
    # An authentic image names the donor of its pair, but was not made of it.
    items.append(planted.sample("a", planted.encoded(planted.scene(50)), provenance=told("F", "C")))
    found = found_in(tmp_path, items)
    assert [(one.what, one.name, one.samples) for one in found.recurring] == [
        ("photograph", "A", {"test": 1, "train": 1})
    ]
    assert codes(found)["photograph_across_splits"]


def test_pairs_are_those_of_comparing_all_with_all():
    rng = np.random.default_rng(3)
    base = rng.integers(0, 2, (6, 256), np.uint8)
    looks = []
    for i in range(60):
        bits = base[rng.integers(6)].copy()
        bits[rng.choice(256, int(rng.integers(0, 24)), replace=False)] ^= 1
        looks.append(
            Look(
                f"b{i % 2}", f"s{rng.integers(2)}", str(i), f"g{rng.integers(4)}", bool(rng.integers(2)), None,
                f"sha{rng.integers(40)}", (1, 1), (), np.empty(0), np.empty(0),
                np.packbits(bits).tobytes() if i % 7 else None, None, None, False, None, (), [],
            )
        )  # fmt: skip
    expected = set()
    for (i, a), (j, b) in combinations(enumerate(looks), 2):
        exact = a.sha256 == b.sha256
        distance = 0 if exact else 999
        if not exact and a.hash and b.hash:
            distance = (int.from_bytes(a.hash) ^ int.from_bytes(b.hash)).bit_count()
        crossed = [
            name
            for name, differs in (
                ("benchmarks", a.benchmark != b.benchmark), ("splits", a.split != b.split),
                ("labels", exact and a.tampered != b.tampered), ("groups", a.group != b.group),
            )
            if differs
        ]  # fmt: skip
        if distance <= 31 and crossed:
            expected.add((i, j, distance, "exact" if exact else "near", crossed[0]))
    pairs = listed(looks, find_pairs(looks))
    found = {(int(p.a.sample_id), int(p.b.sample_id), p.distance, p.kind, p.across) for p in pairs}
    assert found == expected
    assert {one[3:] for one in found} >= {("exact", "labels"), ("near", "groups"), ("near", "benchmarks")}


def test_one_benchmark_given_twice_is_refused(tmp_path):
    bench = planted.build(tmp_path / "bench", background("n", 2))
    with pytest.raises(InputError, match="are one benchmark"):
        audit([bench, tmp_path / "bench"])


def test_two_benchmarks_of_one_name_are_told_apart(tmp_path):
    benches = [planted.build(tmp_path / name / "bench", background(name, 2)) for name in "ab"]
    found = audit(benches, resamples=RESAMPLES, workers=1)
    assert [one.name for one in found.benchmarks] == [f"bench@{b.content_hash[:8]}" for b in benches]
