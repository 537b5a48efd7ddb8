"""Comparing: paired differences, Holm's correction, tiers, and what cannot be compared."""

from __future__ import annotations

import json
import math
import shutil
from collections import defaultdict
from itertools import product

import numpy as np
import pyarrow.parquet as pq
import pytest
import small

import forgebench
from forgebench import InputError, Prediction

from .edits import by_sample


@pytest.fixture(scope="module")
def entries(scene, tmp_path_factory):
    """Scores by method: two that are as good as each other, a copy, a good one, a blind one, one without masks."""
    folder = tmp_path_factory.mktemp("entries")
    given = {
        "good": small.predictions(scene, skill=0.6, seed=1),
        "fair": small.predictions(scene, skill=0.3, seed=2),
        "alike": small.predictions(scene, skill=0.3, seed=3),
        "copy": small.predictions(scene, skill=0.3, seed=2),
        "blind": small.predictions(scene, skill=0.0, seed=4),
        "no masks": [Prediction(one.sample_id, one.score) for one in small.predictions(scene, seed=5)],
    }
    for name, predictions in given.items():
        submission = forgebench.write_submission(
            folder / f"{name}.zip", predictions, benchmark=scene.benchmark, method=name, supervision="pixel"
        )
        forgebench.score(submission, scene.benchmark, folder / name, workers=1)
    return {name: folder / name for name in given}


def _pick(entries, *names):
    return [entries[name] for name in names]


def test_values_are_the_records_and_in_order(entries):
    comparison = forgebench.compare(_pick(entries, "blind", "fair", "good"))
    assert list(comparison.values) == ["good", "fair", "blind"]
    for name, found in comparison.values.items():
        record = json.loads((entries[name] / "record.json").read_text())
        assert found == next(one["value"] for one in record["metrics"] if one["metric"] == "pixel_f1")
    assert [(one.first, one.second) for one in comparison.differences] == [
        ("good", "fair"), ("good", "blind"), ("fair", "blind"),
    ]  # fmt: skip


def test_differences_are_paired(entries):
    """The same groups are drawn in both entries: here by hand, on a mean over all images."""
    comparison = forgebench.compare(_pick(entries, "fair", "alike"), metric="image_brier", seed=3, resamples=300)
    (found,) = comparison.differences
    tables = {name: pq.read_table(entries[name] / "per_image.parquet") for name in ("fair", "alike")}
    gaps = []
    for name in (found.first, found.second):
        rows = tables[name].to_pylist()
        gaps.append(np.array([(row["score"] - (row["label"] == "tampered")) ** 2 for row in rows]))
    weights = by_sample(tables["fair"]["group"].to_pylist(), 3, 300)
    drawn = weights @ (gaps[0] - gaps[1]) / weights.sum(axis=1)
    assert found.value == pytest.approx((gaps[0] - gaps[1]).mean(), abs=1e-11)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=1e-9)
    beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
    assert found.p == pytest.approx(min(1, 2 * (beyond + 1) / 301))


def test_lower_is_better_puts_the_lowest_first(entries):
    comparison = forgebench.compare(_pick(entries, "blind", "good"), metric="image_brier")
    assert not comparison.higher_is_better
    assert list(comparison.values) == ["good", "blind"]
    assert comparison.differences[0].value < 0


def test_identical_entries_cannot_be_told_apart(entries):
    (one,) = forgebench.compare(_pick(entries, "fair", "copy")).differences
    assert (one.value, one.ci_low, one.ci_high, one.p, one.p_holm) == (0, 0, 0, 1, 1)
    assert not one.separated


def test_tiers(entries):
    comparison = forgebench.compare(_pick(entries, "good", "fair", "copy", "blind"))
    assert comparison.tiers == {"good": 1, "copy": 2, "fair": 2, "blind": 3}
    assert all(one.separated == (comparison.tiers[one.first] != comparison.tiers[one.second])
               for one in comparison.differences)  # fmt: skip


def test_an_undefined_entry_stands_last_and_in_no_ones_tier(entries):
    comparison = forgebench.compare(_pick(entries, "no masks", "good", "fair"))
    assert list(comparison.values) == ["good", "fair", "no masks"]
    assert comparison.tiers == {"good": 1, "fair": 2, "no masks": 3}
    undefined = [one for one in comparison.differences if "no masks" in (one.first, one.second)]
    assert len(undefined) == 2
    assert all(math.isnan(one.p_holm) and not one.separated for one in undefined)
    (defined,) = [one for one in comparison.differences if one not in undefined]
    assert defined.p_holm == defined.p, "undefined pairs are not counted among the pairs"


def test_as_plain_data(entries):
    comparison = forgebench.compare(_pick(entries, "good", "fair"), resamples=50)
    assert comparison.to_frame().loc[0, "value"] == comparison.differences[0].value
    assert json.loads(json.dumps(comparison.to_dict()))["tiers"] == comparison.tiers


def test_the_same_seed_gives_the_same(entries):
    first, second, other = (forgebench.compare(_pick(entries, "good", "fair"), seed=s, resamples=60) for s in (1, 1, 2))
    assert first == second
    assert first != other


def test_record_files_do_as_well_as_folders(entries):
    by_file = forgebench.compare([entries["good"] / "record.json", entries["fair"]], resamples=20)
    assert by_file == forgebench.compare(_pick(entries, "good", "fair"), resamples=20)


def test_two_entries_of_one_method_are_told_apart_by_their_paths(entries, tmp_path):
    shutil.copytree(entries["fair"], tmp_path / "again")
    comparison = forgebench.compare([entries["fair"], tmp_path / "again"], resamples=20)
    assert set(comparison.values) == {"fair", f"fair ({tmp_path / 'again'})"}


def test_other_benchmarks_are_refused(entries, tmp_path):
    other = small.make(tmp_path, "small", drop="k")
    files = small.files(other, method="elsewhere")
    forgebench.score(small.write_zip(tmp_path / "s.zip", files), other.benchmark, tmp_path / "out")
    with pytest.raises(InputError, match="Compare records of one benchmark"):
        forgebench.compare([entries["good"], tmp_path / "out"])


def test_what_cannot_be_compared(entries, tmp_path):
    for records in ([], [entries["good"]]):
        with pytest.raises(InputError, match="two records or more"):
            forgebench.compare(records)
    pair = _pick(entries, "good", "fair")
    with pytest.raises(InputError, match="has no metric 'pixel_f2'"):
        forgebench.compare(pair, metric="pixel_f2")
    with pytest.raises(InputError, match="No definition other"):
        forgebench.compare(pair, definition="other")
    with pytest.raises(InputError, match="seed of at least 0"):
        forgebench.compare(pair, seed=-1)
    with pytest.raises(InputError, match="one resample or more"):
        forgebench.compare(pair, resamples=0)
    with pytest.raises(forgebench.NotFoundError, match="Expected a record"):
        forgebench.compare([entries["good"], tmp_path])
    shutil.copy(entries["good"] / "record.json", tmp_path)
    with pytest.raises(forgebench.NotFoundError, match="per-image table"):
        forgebench.compare([entries["good"], tmp_path])


def test_an_entry_that_was_changed_is_refused(entries, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(entries["fair"], copy)
    text = (copy / "record.json").read_text()
    (copy / "record.json").write_text(text.replace('"seed": 0', '"seed": 1'))
    with pytest.raises(InputError, match="forgebench verify"):
        forgebench.compare([copy, entries["good"]])
    shutil.copy(entries["fair"] / "record.json", copy)
    shutil.copy(entries["blind"] / "per_image.parquet", copy)
    with pytest.raises(InputError, match="forgebench verify"):
        forgebench.compare([copy, entries["good"]])


def test_the_permutation_test_swaps_whole_groups(entries):
    """By hand, on a mean over all images: every way in which the groups may change places."""
    pair = _pick(entries, "fair", "blind")
    comparison = forgebench.compare(pair, metric="image_brier", test="permutation", resamples=10**5)
    (found,) = comparison.differences
    tables = [pq.read_table(entries[name] / "per_image.parquet").to_pylist() for name in (found.first, found.second)]
    gaps = defaultdict(float)
    for rows, sign in zip(tables, (1, -1), strict=True):
        for row in rows:
            gaps[row["group"]] += sign * (row["score"] - (row["label"] == "tampered")) ** 2
    sums = np.array(list(product((1, -1), repeat=len(gaps)))) @ np.array(list(gaps.values()))
    assert found.p == pytest.approx((np.abs(sums) >= abs(sum(gaps.values())) - 1e-9).mean())
    assert (comparison.test, comparison.resamples) == ("permutation", 10**5)


def test_a_slice_alone(entries):
    whole = forgebench.compare(_pick(entries, "good", "fair"), resamples=50)
    part = forgebench.compare(_pick(entries, "good", "fair"), resamples=50, subset="region_size=1-5 %")
    assert part.subset == "region_size=1-5 %"
    assert part.values != whole.values
    with pytest.raises(InputError, match=r"in region_size=none\. There are: region_size=1-5 %, "):
        forgebench.compare(_pick(entries, "good", "fair"), subset="region_size=none")
    with pytest.raises(InputError, match="No slice colour"):
        forgebench.compare(_pick(entries, "good", "fair"), subset="colour=red")


def test_an_unknown_test(entries):
    with pytest.raises(InputError, match="No test 't'"):
        forgebench.compare(_pick(entries, "good", "fair"), test="t")


def test_what_could_be_found_follows_from_the_spread_of_the_difference(entries):
    comparison = forgebench.compare(_pick(entries, "fair", "good"), resamples=2000)
    (found,) = comparison.differences
    width = found.ci_high - found.ci_low
    assert found.detectable == pytest.approx(width / 3.92 * 2.80, rel=0.25)
