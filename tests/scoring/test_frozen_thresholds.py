"""Thresholds frozen on a calibration split: chosen there, recorded, and used on another."""

from __future__ import annotations

import json

import numpy as np
import pytest
import small

import forgebench
from forgebench import InputError
from forgebench.scoring.calibration import thresholds
from forgebench.scoring.per_image import open_table

from .edits import seal, write


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another benchmark: the same but for one image."""
    return small.make(tmp_path_factory.mktemp("other"), "other", drop="k")


def _score(scene, folder, **options):
    """Faint predictions: the fixed threshold is far too high."""
    given = [
        forgebench.Prediction(p.sample_id, p.score * 0.4, (p.mask // 3).astype(np.uint8))
        for p in small.predictions(scene, skill=0.6)
    ]
    files = small.files(scene, given, **options.pop("about", {}))
    submission = small.write_zip(folder.with_suffix(".zip"), files)
    return forgebench.score(submission, scene.benchmark, folder, workers=1, **options)


@pytest.fixture(scope="module")
def calibrated(scene, other, tmp_path_factory):
    folder = tmp_path_factory.mktemp("frozen")
    calibration = _score(other, folder / "cal")
    return calibration, _score(scene, folder / "test", calibration=folder / "cal"), folder


def _best(scene, folder):
    """Byte and score by trying them all, image by image."""
    table = open_table(folder / "per_image.parquet").table()
    given = {p.sample_id: p for p in small.predictions(scene, skill=0.6)}
    means = []
    for byte in range(256):
        values = []
        for name, truth in scene.truth.items():
            if scene.tampered(name):
                called = given[name].mask // 3 >= byte
                values.append(2 * (called & truth).sum() / (called.sum() + truth.sum()))
        means.append(np.mean(values))
    best = np.flatnonzero(np.isclose(means, max(means), atol=1e-12))
    score, tampered = table.score, table.tampered
    balanced = max(((score >= t)[tampered].mean() + (score < t)[~tampered].mean()) / 2 for t in np.linspace(0, 1, 2001))
    return best[np.abs(best - 128).argmin()], balanced


def test_the_thresholds_are_the_best_on_the_calibration_split(other, calibrated):
    _, record, folder = calibrated
    byte, balanced = _best(other, folder / "cal")
    assert record.calibration.byte == byte < 100
    table = open_table(folder / "cal" / "per_image.parquet").table()
    called = table.score >= record.calibration.score
    found = (called[table.tampered].mean() + (~called)[~table.tampered].mean()) / 2
    assert found == pytest.approx(balanced)
    assert record.calibration.score < 0.5


def test_the_record_names_the_calibration_split(calibrated):
    calibration, record, folder = calibrated
    part = record.calibration
    assert (part.benchmark, part.split) == ("other", "test")
    assert part.content_hash == calibration.benchmark.content_hash
    assert part.record_sha256 == calibration.record_sha256
    assert part.per_image_sha256 == calibration.per_image.sha256
    assert forgebench.verify(folder / "test") == []
    assert forgebench.rescore(folder / "test").metrics == record.metrics


def test_frozen_numbers_are_those_at_the_thresholds(scene, calibrated):
    _, record, _ = calibrated
    byte, score = record.calibration.byte, record.calibration.score
    given = {p.sample_id: p for p in small.predictions(scene, skill=0.6)}
    f1 = [
        2 * (m & t).sum() / (m.sum() + t.sum())
        for m, t in ((given[n].mask // 3 >= byte, t) for n, t in scene.truth.items() if scene.tampered(n))
    ]
    assert record.value("pixel_f1_frozen") == pytest.approx(np.mean(f1))
    assert record.value("pixel_f1") < record.value("pixel_f1_frozen")
    wrong = [given[n].score * 0.4 >= score for n in scene.truth if not scene.tampered(n)]
    assert record.value("fpr_authentic_frozen") == pytest.approx(np.mean(wrong))


def test_without_calibration_frozen_numbers_are_undefined(calibrated):
    calibration, _, _ = calibrated
    for one in calibration.metrics:
        if one.metric.endswith("_frozen"):
            assert (one.value, one.n_undefined) == (None, one.n)


def test_thresholds_of_what_cannot_be_calibrated_stay_in_the_middle(scene, tmp_path):
    _score(scene, tmp_path / "out")
    table = open_table(tmp_path / "out" / "per_image.parquet").table()
    assert thresholds(table.only(table.tampered)).score == 0.5
    assert thresholds(table.only(~table.tampered)) == type(thresholds(table))(128, 0.5)


def test_the_test_split_is_no_calibration_split(scene, tmp_path):
    _score(scene, tmp_path / "cal")
    with pytest.raises(InputError, match="would be tuned on the test"):
        _score(scene, tmp_path / "test", calibration=tmp_path / "cal")


def test_thresholds_of_another_method(scene, calibrated, tmp_path):
    _, _, folder = calibrated
    with pytest.raises(InputError, match="method 'by hand', the submission is of 'another'"):
        _score(scene, tmp_path / "t", calibration=folder / "cal", about={"method": "another"})


def test_an_edited_calibration_record(scene, calibrated, tmp_path):
    _, _, folder = calibrated
    fields = json.loads((folder / "cal" / "record.json").read_text(encoding="utf-8"))
    fields["method"]["authors"] = ["someone"]
    write(tmp_path / "cal", fields, folder / "cal" / "per_image.parquet")
    with pytest.raises(InputError, match="was changed after it was scored"):
        _score(scene, tmp_path / "test", calibration=tmp_path / "cal")


def test_a_moved_threshold_does_not_verify(calibrated, tmp_path):
    _, _, folder = calibrated
    fields = json.loads((folder / "test" / "record.json").read_text(encoding="utf-8"))
    fields["calibration"]["byte"] += 20
    problems = forgebench.verify(write(tmp_path / "out", seal(fields), folder / "test" / "per_image.parquet"))
    assert {problem.code for problem in problems} == {"number"}
