"""Verifying: no number in a record can be changed unseen, with or without a new hash."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

import forgebench
from forgebench import InputError
from forgebench.metrics import DEFINITIONS

from .edits import quick, seal, write

METRICS = [metric.id for metric in DEFINITIONS["forgebench"].metrics]
NUMBERS = ("value", "ci_low", "ci_high", "n", "n_undefined", "rankable", "higher_is_better", "version", "definition",
           "subset", "metric")  # fmt: skip


def _codes(folder):
    return {problem.code for problem in forgebench.verify(folder)}


def _edited(value):
    """Another value of the same kind; a number is moved as little as a number can be."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float):
        return float(np.nextafter(value, 2))
    if isinstance(value, int):
        return value + 1
    return "edited" if value is None or isinstance(value, str) else None


def test_the_rules_of_the_hash_are_as_published(fields, quick_score):
    assert seal(fields) == fields
    assert forgebench.verify(quick_score) == []


@pytest.mark.parametrize("metric", METRICS)
def test_every_number_of_every_metric(fields, quick_score, tmp_path, metric):
    table = quick_score / "per_image.parquet"
    index = METRICS.index(metric)
    for name in NUMBERS:
        changed = deepcopy(fields)
        one = changed["metrics"][index]
        one[name] = 0.123 if one[name] is None and name != "subset" else _edited(one[name])
        assert _codes(write(tmp_path / "unsealed", changed, table)) >= {"record_hash", "number"}, name
        assert _codes(write(tmp_path / "sealed", seal(changed), table)) == {"number"}, name


def _set(*place, to):
    def edit(fields):
        part = fields
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = to

    return edit


def _swap_metrics(fields):
    metrics = fields["metrics"]
    metrics[0], metrics[1] = metrics[1], metrics[0]


EDITS = {
    "n": _set("benchmark", "n", to=18),
    "n_authentic": _set("benchmark", "n_authentic", to=1),
    "n_tampered": _set("benchmark", "n_tampered", to=1),
    "n_valid": _set("predictions", "n_valid", to=17),
    "problems hidden": _set("predictions", "problems", to={}),
    "problems renamed": _set("predictions", "problems", to={"missing": 2}),
    "groups": _set("statistics", "n_groups", to=17),
    "supervision": _set("method", "supervision", to="image"),
    "seed": _set("statistics", "seed", to=1),
    "resamples": _set("statistics", "resamples", to=21),
    "a metric left out": lambda fields: fields["metrics"].pop(3),
    "a metric twice": lambda fields: fields["metrics"].append(fields["metrics"][0]),
    "no metrics": _set("metrics", to=[]),
    "metrics in another order": _swap_metrics,
}


@pytest.mark.parametrize("name", EDITS)
def test_other_numbers(fields, quick_score, tmp_path, name):
    EDITS[name](fields)
    table = quick_score / "per_image.parquet"
    assert "record_hash" in _codes(write(tmp_path / "unsealed", fields, table))
    assert _codes(write(tmp_path / "sealed", seal(fields), table)) == {"number"}


@pytest.mark.parametrize(
    "place",
    [("suite", "version"), ("benchmark", "name"), ("benchmark", "content_hash"), ("predictions", "sha256"),
     ("method", "method"), ("python",), ("platform",), ("created_utc",)],
)  # fmt: skip
def test_what_no_table_can_tell_is_under_the_hash(fields, quick_score, tmp_path, place):
    _set(*place, to="0" * 64)(fields)
    assert _codes(write(tmp_path / "out", fields, quick_score / "per_image.parquet")) == {"record_hash"}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("metrics", 0, "value"), float("nan")),
        (("metrics", 0, "value"), [0.9]),
        (("statistics", "resamples"), 0),
        (("statistics", "resamples"), -5),
        (("statistics", "resamples"), 10**12),
        (("statistics", "seed"), -1),
        (("extra",), 1),
        (("method", "method"), "<b>"),
    ],
)
def test_a_record_that_is_none_is_refused(fields, quick_score, tmp_path, place, value):
    _set(*place, to=value)(fields)
    with pytest.raises(InputError, match="is not a record"):
        forgebench.verify(write(tmp_path / "out", fields, quick_score / "per_image.parquet"))


def test_no_record(tmp_path):
    for path in (tmp_path, tmp_path / "record.json"):
        with pytest.raises(forgebench.NotFoundError, match="Expected a record"):
            forgebench.verify(path)
    (tmp_path / "record.json").write_bytes(b"\xff{")
    with pytest.raises(InputError, match="is not a record"):
        forgebench.verify(tmp_path)


@pytest.mark.parametrize(
    ("definitions", "words"),
    [({"forgebench": 2}, "forgebench version 2, this ForgeBench has 1"), ({"gone": 1}, "gone version 1, this")],
)
def test_another_version_of_a_definition_is_named(fields, quick_score, tmp_path, definitions, words):
    fields["definitions"] = definitions
    folder = write(tmp_path / "out", seal(fields), quick_score / "per_image.parquet")
    (problem,) = forgebench.verify(folder)
    assert problem.code == "definition"
    assert words in problem.got
    assert f"forgebench {fields['suite']['version']}" in problem.got
    with pytest.raises(InputError, match="verify it with"):
        forgebench.rescore(folder)


def test_a_benchmark_is_verified_by_the_same_verb(scene):
    assert forgebench.verify(scene.benchmark.path) == []


def test_quick_is_honest(scored, tmp_path):
    """The short cut of these tests changes the intervals and nothing else."""
    record, _ = forgebench.scoring.record.read_record(quick(scored, tmp_path / "out"))
    full, _ = forgebench.scoring.record.read_record(scored)
    assert [one.value for one in record.metrics] == [one.value for one in full.metrics]
    assert record.statistics.resamples == 20
