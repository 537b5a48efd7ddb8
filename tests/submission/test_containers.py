"""One content, three containers: the same problems, the same hash, the same numbers."""

from __future__ import annotations

import pickle  # noqa: TID251
from dataclasses import replace

import numpy as np
import pytest
import small

import forgebench
from forgebench.submission import open_submission

CONTAINERS = {"folder": "sub", "zip": "sub.zip", "parquet": "sub.parquet"}


def _written(tmp_path, scene, given, **about):
    fields = {"benchmark": scene.benchmark, "method": "by hand", "supervision": "pixel", **about}
    return [forgebench.write_submission(tmp_path / name, given, **fields) for name in CONTAINERS.values()]


def test_what_is_written_is_read_again(tmp_path, scene):
    given = small.predictions(scene)
    for submission in _written(tmp_path, scene, given):
        assert forgebench.validate(submission, scene.benchmark) == []
        for one in given:
            read = submission.read(one.sample_id, one.mask.shape)
            assert (read.sample_id, read.score) == (one.sample_id, one.score)
            assert (read.mask == one.mask).all()
            assert (read.boxes, read.explanation, read.synthetic) == (None, None, None)


def test_the_same_records(tmp_path, scene):
    records = [
        forgebench.score(one, scene.benchmark, workers=1) for one in _written(tmp_path, scene, small.predictions(scene))
    ]
    assert len({record.predictions.sha256 for record in records}) == 1
    assert len({record.per_image.sha256 for record in records}) == 1
    assert all(record.metrics == records[0].metrics for record in records)
    other = small.predictions(scene)
    mask = other[0].mask.copy()
    mask[0, 0] ^= 1
    changed = _written(tmp_path / "b", scene, [replace(other[0], mask=mask), *other[1:]])[0]
    assert forgebench.score(changed, scene.benchmark).predictions.sha256 != records[0].predictions.sha256


def test_the_same_problems(tmp_path, scene):
    """Faults of samples, in all three; Parquet has no text, so a score that is no number is null there."""
    files = small.files(scene)
    lines = files["predictions.csv"].decode().splitlines()
    lines = [line for line in lines if not line.startswith("tampered-b,")]
    lines = [line.split(",")[0] + ",nan" if line.startswith("tampered-c,") else line for line in lines]
    lines = [line.split(",")[0] + ",1.5" if line.startswith("authentic-a,") else line for line in lines]
    files["predictions.csv"] = "\n".join(lines).encode()
    del files["masks/tampered-b.png"]
    del files["masks/tampered-d.png"]
    files["masks/tampered-e.png"] = small.png(np.zeros((3, 3), np.uint8))
    files["masks/tampered-f.png"] = small.png(np.zeros((40, 25, 3), np.uint8))
    files["masks/tampered-g.png"] = b"no picture"
    paths = [
        small.write_folder(tmp_path / "sub", files),
        small.write_zip(tmp_path / "sub.zip", files),
        small.write_parquet(tmp_path / "sub.parquet", files),
    ]
    problems = [forgebench.validate(path, scene.benchmark) for path in paths]
    assert [problem.code for problem in problems[0]] == [
        "missing", "missing_mask", "not_finite", "out_of_range", "undecodable", "wrong_mode", "wrong_size",
    ]  # fmt: skip
    assert problems[0] == problems[1] == problems[2]
    records = [forgebench.score(path, scene.benchmark) for path in paths]
    assert {record.predictions.sha256 for record in records} == {records[0].predictions.sha256}
    assert records[0].metrics == records[1].metrics == records[2].metrics
    assert records[0].predictions.problems == {
        "missing": 1, "missing_mask": 1, "not_finite": 1, "out_of_range": 1, "undecodable": 1, "wrong_mode": 1,
        "wrong_size": 1,
    }  # fmt: skip
    assert records[0].value("coverage") == pytest.approx((len(scene.truth) - 7) / len(scene.truth))


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_same_input_gives_the_same_bytes(tmp_path, scene, container):
    given = small.predictions(scene)
    found = []
    for folder in ("one", "two"):
        path = tmp_path / folder / CONTAINERS[container]
        forgebench.write_submission(path, given, benchmark=scene.benchmark, method="m", supervision="pixel")
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        found.append([(file.relative_to(tmp_path / folder), file.read_bytes()) for file in files])
    assert found[0] == found[1]


def test_image_only(tmp_path, scene):
    given = small.predictions(scene, masks=False)
    for submission in _written(tmp_path, scene, given):
        assert submission.manifest.outputs == ["score"]
        assert not submission.localizes
        assert forgebench.validate(submission, scene.benchmark) == []
        record = forgebench.score(submission, scene.benchmark)
        assert np.isnan(record.value("pixel_f1"))
        assert record.value("coverage") == 1


def test_masks_that_were_not_announced_are_reported_and_not_scored(tmp_path, scene):
    files = small.files(scene, outputs=["score"])
    for path in (small.write_zip(tmp_path / "a.zip", files), small.write_parquet(tmp_path / "a.parquet", files)):
        problems = forgebench.validate(path, scene.benchmark)
        assert [problem.code for problem in problems] == ["unexpected_file"]
        assert np.isnan(forgebench.score(path, scene.benchmark).value("pixel_f1"))


def test_workers_find_what_one_process_finds(tmp_path, scene):
    files = small.files(scene)
    del files["masks/tampered-a.png"]
    path = small.write_zip(tmp_path / "sub.zip", files)
    alone, together = (forgebench.validate(path, scene.benchmark, workers=n) for n in (1, 2))
    assert [problem.code for problem in alone] == ["missing_mask"]
    assert alone == together


def test_a_submission_reaches_workers_by_its_path_wherever_they_stand(tmp_path, scene, monkeypatch):
    small.write_zip(tmp_path / "sub.zip", small.files(scene))
    monkeypatch.chdir(tmp_path)
    submission, _ = open_submission("sub.zip")
    sent = pickle.dumps(submission)
    monkeypatch.chdir("/")
    assert pickle.loads(sent).scores == submission.scores  # noqa: S301
