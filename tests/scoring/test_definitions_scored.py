"""Scored by every definition, from files: the counts of each are stored, its numbers recomputed from them."""

from __future__ import annotations

import math

import small

import forgebench
from forgebench.metrics import DEFINITIONS


def test_a_score_by_all_definitions_verifies(scene, given, tmp_path):
    submission = small.write_zip(tmp_path / "a.zip", small.files(scene, given))
    record = forgebench.score(submission, scene.benchmark, tmp_path / "out", definitions=("all",), workers=1)
    assert set(record.definitions) == set(DEFINITIONS)
    assert len(record.metrics) == sum(len(one.metrics) for one in DEFINITIONS.values())
    plain = forgebench.score(submission, scene.benchmark, tmp_path / "plain", workers=1)
    assert record.metrics[: len(plain.metrics)] == plain.metrics
    by_name = {(one.definition, one.metric): one.value for one in record.metrics}
    assert math.isclose(by_name["mvss", "pixel_f1"], by_name["forgebench", "pixel_f1"], abs_tol=1e-6)
    assert by_name["trufor", "pixel_f1_best"] is not None
    assert by_name["imdl-benco", "pixel_f1_double"] >= by_name["imdl-benco", "pixel_f1"]
    assert forgebench.verify(tmp_path / "out") == []
