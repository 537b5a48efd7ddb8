"""Planted shortcuts are caught, and nothing is seen where there is nothing."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import planted
import pytest
from counts import count
from PIL import Image
from sklearn.metrics import roc_auc_score

from forgebench.audits import Audit, audit
from forgebench.audits.shortcuts import Features, _plain_auc, probe

PAIRS = 40


def audited(tmp_path: Path, make) -> Audit:
    items = list(chain.from_iterable(make(index) for index in range(PAIRS)))
    return audit(planted.build(tmp_path / "bench", items), resamples=300, workers=1)


def verdicts(found: Audit) -> dict[str, str]:
    return {one.name: one.verdict for one in found.benchmarks[0].probes}


def both(index, authentic, tampered, **more):
    return planted.pair(index, authentic, tampered, planted.box(), **more)


def pictures(index):
    original = planted.scene(index)
    return original, planted.forged(original, planted.box(), index)


def another_format(index):
    original, forgery = pictures(index)
    return both(index, planted.encoded(original), planted.encoded(forgery, "JPEG", quality=95))


def another_quality(index):
    original, forgery = pictures(index)
    files = (planted.encoded(p, "JPEG", quality=q + index % 3) for p, q in ((original, 85), (forgery, 88)))
    return both(index, *files)


def another_subsampling(index):
    original, forgery = pictures(index)
    return both(index, *(planted.encoded(p, "JPEG", subsampling=s) for p, s in ((original, 0), (forgery, 2))))


def another_suffix(index):
    original, forgery = pictures(index)
    names = ("x.JPG", "x.jpg")
    items = both(index, planted.encoded(original, "JPEG"), planted.encoded(forgery, "JPEG"))
    return [type(one)(**{**vars(one), "image_name": name}) for one, name in zip(items, names, strict=True)]


def with_exif(index):
    original, forgery = pictures(index)
    exif = Image.Exif()
    exif[271] = "a camera"
    return both(index, planted.encoded(original, "JPEG", exif=exif), planted.encoded(forgery, "JPEG"))


@pytest.mark.parametrize(
    ("make", "feature"),
    [
        (another_format, "format is JPEG"), (another_quality, "luma_mean"),
        (another_subsampling, "subsampling is 4:2:0"), (another_suffix, "suffix is .jpg"), (with_exif, "exif is yes"),
    ],
)  # fmt: skip
def test_a_planted_shortcut_of_the_file_is_caught(tmp_path, make, feature):
    found = audited(tmp_path, make)
    assert found.negative
    one = found.benchmarks[0].probes[0]
    assert one.verdict == "shortcut"
    assert one.ci_low > 0.8
    best = {each.name: each for each in one.features}[feature]
    assert best.auc_either_way > 0.75
    assert best.direction == ("lower is tampered" if feature in ("luma_mean", "exif is yes") else "higher is tampered")
    assert next(v.code for v in found.verdicts if v.negative) == "shortcut_container"


def test_resampling_of_the_tampered_alone_is_caught(tmp_path):
    def make(index):
        original, forgery = pictures(index)
        small = Image.fromarray(forgery).resize((planted.WIDTH * 3 // 4, planted.HEIGHT * 3 // 4))
        again = np.asarray(small.resize((planted.WIDTH, planted.HEIGHT)))
        return both(index, *(planted.encoded(p, "JPEG", quality=95) for p in (original, again)))

    found = audited(tmp_path, make)
    assert verdicts(found)["statistics"] == "shortcut"
    features = {one.name: one for one in found.benchmarks[0].probes[1].features}
    assert features["sharpness"].direction == features["noise"].direction == "lower is tampered"


def test_honest_pairs_are_not_flagged(tmp_path):
    seeds = range(count(3, 20))
    flagged = 0
    for seed in seeds:
        found = audit(
            planted.build(tmp_path / f"b{seed}", chain.from_iterable(planted.null_pair(i, seed) for i in range(PAIRS))),
            resamples=300, workers=1,
        )  # fmt: skip
        flagged += found.negative
    assert flagged <= len(seeds) // 5


def test_twins_in_two_groups_are_one_unit(tmp_path):
    """Else either twin teaches the wrong label of the other, and the AUC falls to nothing."""

    def make(index):
        original, mask = planted.scene(index), planted.box(40, 30, 8, 6)
        forgery = planted.forged(original, mask, index)
        files = [planted.encoded(p, "JPEG", quality=70 + index % 20) for p in (original, forgery)]
        return [planted.sample(f"a{index}", files[0]), planted.sample(f"t{index}", files[1], mask)]

    found = audited(tmp_path, make)
    one = found.benchmarks[0].probes[0]
    assert found.benchmarks[0].n_groups == 2 * PAIRS
    assert PAIRS <= one.n_units <= 1.1 * PAIRS
    assert one.auc > 0.3
    assert not found.negative
    assert {(pair.kind, pair.across) for pair in found.pairs} == {("near", "groups")}


# --- the probe itself -------------------------------------------------------------------------------------------------


def noise(rng, n):
    return np.hstack([rng.normal(size=(n, 5)), rng.integers(0, 3, (n, 3))])


def single(rng):
    return noise(rng, 120), np.arange(120) % 2 == 1, np.arange(120)


def noisy_pairs(rng):
    x = noise(rng, 60).repeat(2, axis=0)
    x[:, :5] += rng.normal(0, 0.3, (120, 5))
    return x, np.arange(120) % 2 == 1, np.arange(120) // 2


def one_to_five(rng):
    x = noise(rng, 20).repeat(6, axis=0)
    x[:, :5] += rng.normal(0, 0.3, (120, 5))
    return x, np.arange(120) % 6 > 0, np.arange(120) // 6


def judged(x, tampered, units, seed=0, resamples=200):
    names = [f"f{i}" for i in range(x.shape[1])]
    return probe("container", Features(names, x), tampered, units, seed=seed, resamples=resamples)


@pytest.mark.soak
@pytest.mark.parametrize("make", [single, noisy_pairs, one_to_five])
def test_labels_unrelated_to_features_are_not_told(make):
    found = [judged(*make(np.random.default_rng(seed)), seed=seed) for seed in range(count(4, 100))]
    assert all(one.verdict != "shortcut" for one in found)
    assert np.mean([one.auc for one in found]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([one.ci_low <= 0.5 <= one.ci_high for one in found]) >= 0.6


def test_exact_twins_in_one_unit_are_exactly_at_chance():
    x = noise(np.random.default_rng(0), 60).repeat(2, axis=0)
    one = judged(x, np.arange(120) % 2 == 1, np.arange(120) // 2)
    assert (one.auc, one.verdict) == (0.5, "none found")


def test_twins_that_are_divided_are_said_to_be_undecided():
    x = noise(np.random.default_rng(0), 60).repeat(2, axis=0)
    one = judged(x, np.arange(120) % 2 == 1, np.arange(120))
    assert one.verdict == "below chance"
    assert one.ci_high < 0.5
    assert "neither shows nor excludes" in one.text


def test_features_alone_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    values, tampered = rng.integers(0, 6, 200).astype(float), rng.random(200) < 0.3
    assert _plain_auc(values, tampered) == pytest.approx(roc_auc_score(tampered, values), abs=1e-12)
    x = np.stack([values, -values, np.where(rng.random(200) < 0.5, np.nan, values), np.full(200, np.nan)], axis=1)
    features = {one.name: one for one in judged(x, tampered, np.arange(200)).features}
    has = ~np.isnan(x[:, 2])
    auc = roc_auc_score(tampered, values)
    assert features["f0"].auc_either_way == features["f1"].auc_either_way == pytest.approx(max(auc, 1 - auc))
    assert {features["f0"].direction, features["f1"].direction} == {"higher is tampered", "lower is tampered"}
    part = roc_auc_score(tampered[has], values[has])
    assert features["f2"].auc_either_way == pytest.approx(max(part, 1 - part))
    assert (features["f2"].n, features["f3"].n) == (has.sum(), 0)
    assert (features["f3"].auc_either_way, features["f3"].direction) == (None, "neither")


@pytest.mark.parametrize(
    ("n_authentic", "n_tampered", "words"),
    [
        (0, 30, "no samples with the label authentic"), (30, 0, "no samples with the label tampered"),
        (4, 30, "samples in 4 groups alone with the label authentic"), (0, 1, "no samples"), (1, 1, "1 group alone"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_undefined_and_said(n_authentic, n_tampered, words):
    n = n_authentic + n_tampered
    one = judged(noise(np.random.default_rng(0), n), np.arange(n) >= n_authentic, np.arange(n))
    assert (one.verdict, one.auc, one.ci_low, one.ci_high) == ("undefined", None, None, None)
    assert words in one.text


def test_one_label_in_few_groups_still_works():
    x = np.concatenate([np.zeros(5), np.ones(95)])[:, None]
    one = judged(x, np.arange(100) >= 5, np.arange(100))
    assert one.verdict in ("shortcut", "none found", "weak")
