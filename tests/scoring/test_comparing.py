"""Comparing: paired differences, Holm's correction, tiers, and what cannot be compared."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import small

import forgebench
from forgebench import InputError, Prediction
from forgebench.metrics.intervals import resamples
from forgebench.scoring.compare import Difference, _holm, _tiers


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
    group = np.array(tables["fair"]["group"].to_pylist())
    drawn = np.concatenate([block @ (gaps[0] - gaps[1]) / block.sum(axis=1) for block in resamples(group, 3, 300)])
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


def _differences(*ps):
    return [Difference("a", f"b{i}", 0.0, 0.0, 0.0, p, p) for i, p in enumerate(ps)]


@pytest.mark.parametrize(
    ("ps", "corrected"),
    [
        ((0.01, 0.04, 0.03, 0.005), (0.03, 0.06, 0.06, 0.02)),  # Holm (1979), worked by hand
        ((0.02,), (0.02,)),
        ((0.5, 0.6, 0.9), (1, 1, 1)),
        ((0.01, 0.01, 0.01), (0.03, 0.03, 0.03)),
        ((0.04, 0.001, math.nan), (0.04, 0.002, math.nan)),
        ((), ()),
    ],
)
def test_holm(ps, corrected):
    assert [one.p_holm for one in _holm(_differences(*ps))] == pytest.approx(list(corrected), nan_ok=True)


def test_holm_by_its_definition():
    rng = np.random.default_rng(0)
    for m in range(1, 12):
        ps = rng.random(m) ** 3
        found = [one.p_holm for one in _holm(_differences(*ps))]
        ordered = sorted(ps)
        for p, corrected in zip(ps, found, strict=True):
            rank = ordered.index(p)
            assert corrected == pytest.approx(max(min(1, (m - j) * ordered[j]) for j in range(rank + 1)))


def test_a_tier_begins_where_its_best_is_separated():
    """b cannot be told from a, nor c from b, but c from a: so c begins a tier of its own."""
    pairs = {("a", "b"): 0.5, ("a", "c"): 0.01, ("b", "c"): 0.5}
    differences = [Difference(*names, 0.1, 0.0, 0.2, p, p) for names, p in pairs.items()]
    assert _tiers({"a": 0.9, "b": 0.8, "c": 0.7}, differences) == {"a": 1, "b": 1, "c": 2}


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
