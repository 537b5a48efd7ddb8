"""Rescoring: the numbers of a record, made again from its table or from the predictions."""

from __future__ import annotations

from copy import deepcopy

import pytest
import small

import forgebench
from forgebench import InputError

from .edits import seal, write


def test_rescoring_gives_the_same_metrics(scene, scored, given):
    record, _ = forgebench.scoring.record.read_record(scored)
    again = forgebench.rescore(scored)
    assert again.metrics == record.metrics
    assert again == record
    from_predictions = forgebench.rescore(scored, predictions=scored.parent / "sub.zip", benchmark=scene.benchmark)
    assert from_predictions.metrics == record.metrics
    assert (from_predictions.predictions, from_predictions.per_image) == (record.predictions, record.per_image)


def test_rescoring_uses_the_records_own_seed_and_resamples(quick_score, fields, scene, scored):
    again = forgebench.rescore(quick_score, predictions=scored.parent / "sub.zip", benchmark=scene.benchmark)
    assert [one.model_dump() for one in again.metrics] == fields["metrics"]


def test_rescoring_mends_an_edited_number(fields, quick_score, tmp_path):
    honest = deepcopy(fields["metrics"])
    fields["metrics"][0]["value"] = 0.99
    folder = write(tmp_path / "out", seal(fields), quick_score / "per_image.parquet")
    assert [one.model_dump() for one in forgebench.rescore(folder).metrics] == honest


def test_rescoring_needs_the_benchmark_that_was_scored(scored, scene, tmp_path):
    with pytest.raises(InputError, match="name the benchmark too"):
        forgebench.rescore(scored, predictions=scored.parent / "sub.zip")
    other = small.make(tmp_path, "small", drop="k")
    submission = small.write_zip(tmp_path / "s.zip", small.files(other))
    with pytest.raises(InputError, match="Name the benchmark that was scored"):
        forgebench.rescore(scored, predictions=submission, benchmark=other.benchmark)
