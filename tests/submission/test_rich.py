"""Boxes, explanations and synthetic scores: written, read again, announced, and part of the predictions' hash."""

from __future__ import annotations

import hashlib
import random
import struct
from dataclasses import replace

import numpy as np
import pytest
import small

import forgebench
from forgebench import Prediction
from forgebench.schema import Box
from forgebench.submission import prediction_line

from . import rich

NAMES = ["sub", "sub.zip", "sub.parquet"]


def _write(path, scene, given, **fields):
    about = {"benchmark": scene.benchmark, "method": "m", "supervision": "pixel", **fields}
    return forgebench.write_submission(path, given, **about)


def _all(tmp_path, scene, given):
    """Three written by the library, three by hand."""
    written = [_write(tmp_path / name, scene, given).path for name in NAMES]
    files = rich.files(scene, given)
    return [
        *written,
        small.write_folder(tmp_path / "hand", files),
        small.write_zip(tmp_path / "hand.zip", files),
        rich.write_parquet(tmp_path / "hand.parquet", files, given),
    ]


def _opened(path):
    submission, problems = forgebench.submission.open_submission(path)
    assert problems == []
    return submission


def test_what_is_written_is_read_again_and_so_is_what_was_made_by_hand(tmp_path, scene):
    given = rich.predictions(scene)
    for path in _all(tmp_path, scene, given):
        assert forgebench.validate(path, scene.benchmark) == []
        submission = _opened(path)
        assert submission.manifest.outputs == rich.OUTPUTS
        for one in given:
            read = submission.read(one.sample_id, one.mask.shape)
            assert isinstance(read, Prediction)
            assert replace(read, mask=None) == replace(one, mask=None)
            assert (read.mask == one.mask).all()
            assert all(type(number) is float for box in read.boxes for number in box)


def test_one_hash_whatever_the_container(tmp_path, scene):
    given = rich.predictions(scene)
    records = [forgebench.score(path, scene.benchmark, workers=1) for path in _all(tmp_path, scene, given)]
    assert len({record.predictions.sha256 for record in records}) == 1
    assert all(record.predictions.n_valid == len(scene.truth) for record in records)


def test_the_order_of_samples_is_no_part_of_the_hash_and_that_of_boxes_is(tmp_path, scene):
    given = rich.predictions(scene)
    shuffled = random.Random(0).sample(given, len(given))
    turned = [replace(one, boxes=one.boxes[::-1]) for one in given]
    hashes = [
        forgebench.score(_write(tmp_path / f"{i}.zip", scene, some), scene.benchmark, workers=1).predictions.sha256
        for i, some in enumerate((given, shuffled, turned))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


TEXT = rich.TEXTS[0]
ONE = Prediction("s", 0.5, np.zeros((2, 3), np.uint8), [Box(0, 0, 1, 1, 0.5)], TEXT, 0.25)
OTHERS = {
    "id": replace(ONE, sample_id="t"),
    "score": replace(ONE, score=0.75),
    "pixel": replace(ONE, mask=np.eye(2, 3, dtype=np.uint8)),
    "no mask": replace(ONE, mask=None),
    "box": replace(ONE, boxes=[Box(0, 0, 1, 1, 0.75)]),
    "box's place": replace(ONE, boxes=[Box(0, 1, 1, 1, 0.5)]),
    "two boxes": replace(ONE, boxes=ONE.boxes * 2),
    "empty boxes": replace(ONE, boxes=[]),
    "no boxes": replace(ONE, boxes=None),
    "synthetic": replace(ONE, synthetic=0.375),
    "no synthetic": replace(ONE, synthetic=None),
    "no explanation": replace(ONE, explanation=None),
    "another type": replace(ONE, explanation=TEXT | {"type": "removal"}),
    "a word moved over": replace(ONE, explanation=TEXT | {"area": "top left, 3 %a", "content": ' "cat", black'}),
}


def test_every_part_changes_the_hash():
    lines = {name: prediction_line(one) for name, one in {"itself": ONE, **OTHERS}.items()}
    assert len(set(lines.values())) == len(lines)
    assert prediction_line(replace(ONE, explanation=dict(reversed(TEXT.items())))) == lines["itself"]
    assert prediction_line(replace(ONE, mask=np.asfortranarray(ONE.mask))) == lines["itself"]


def test_without_new_outputs_the_hash_is_that_of_score_and_mask_alone(tmp_path, scene):
    given = small.predictions(scene)
    lines = []
    for one in given:
        fields = (one.sample_id.encode(), struct.pack(">d", one.score), hashlib.sha256(one.mask.tobytes()).digest())
        lines.append(b"".join(struct.pack(">Q", len(field)) + field for field in fields))
    expected = hashlib.sha256(b"".join(struct.pack(">Q", len(line)) + line for line in sorted(lines))).hexdigest()
    record = forgebench.score(_write(tmp_path / "sub", scene, given), scene.benchmark, workers=1)
    assert record.predictions.sha256 == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep", [(), ("synthetic",), ("boxes",), ("explanation",), ("mask", "explanation"), ("mask",)])
def test_any_outputs_together(tmp_path, scene, name, keep):
    dropped = dict.fromkeys({"synthetic", "mask", "boxes", "explanation"} - set(keep))
    given = [replace(one, **dropped) for one in rich.predictions(scene)]
    submission = _write(tmp_path / name, scene, given)
    assert submission.manifest.outputs == [output for output in rich.OUTPUTS if output in {"score", *keep}]
    assert forgebench.validate(submission, scene.benchmark) == []
    for one in given:
        read = submission.read(one.sample_id, scene.truth[one.sample_id].shape)
        assert replace(read, mask=None) == replace(one, mask=None)


def test_boxes_of_none_are_still_announced(tmp_path, scene):
    given = [Prediction(sample_id, 0.5, boxes=[]) for sample_id in scene.truth]
    for name in NAMES:
        submission = _write(tmp_path / name, scene, given)
        assert submission.manifest.outputs == ["score", "boxes"]
        assert forgebench.validate(submission, scene.benchmark) == []
        assert submission.read("tampered-a", (20, 30)).boxes == ()


def test_arrays_of_boxes_are_taken(tmp_path, scene):
    array = np.array([[0, 0, 3, 4, 0.5], [1, 2, 3, 4, 0.25]], np.float32)
    submission = _write(tmp_path / "sub", scene, [Prediction("tampered-a", 0.5, boxes=array)])
    assert submission.read("tampered-a", (20, 30)).boxes == (Box(0, 0, 3, 4, 0.5), Box(1, 2, 3, 4, 0.25))


@pytest.mark.parametrize("container", ["zip", "parquet"])
@pytest.mark.parametrize("left_out", ["synthetic", "boxes", "explanation"])
def test_what_was_not_announced_is_reported_and_not_read(tmp_path, scene, container, left_out):
    given = rich.predictions(scene)
    files = rich.files(scene, given, outputs=[output for output in rich.OUTPUTS if output != left_out])
    path = tmp_path / f"s.{container}"
    if container == "zip":
        files |= {"boxes": {"boxes.json": b"no JSON"}, "explanation": {"explanations.csv": b"\xff"}}.get(left_out, {})
        small.write_zip(path, files)
    else:
        rich.write_parquet(path, files, given)
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "unexpected_file"
    assert f'Add "{left_out}"' in problem.fix
    assert getattr(_read(path, "tampered-a"), left_out) is None


def _read(path, sample_id):
    return forgebench.submission.open_submission(path)[0].read(sample_id, (20, 30))


@pytest.mark.parametrize("container", ["zip", "parquet"])
@pytest.mark.parametrize(
    ("missing", "member"),
    [("synthetic", "predictions.csv"), ("boxes", "boxes.json"), ("explanation", "explanations.csv")],
)
def test_what_was_announced_must_be_there(tmp_path, scene, container, missing, member):
    given = rich.predictions(scene)
    files = rich.files(scene, given)
    path = tmp_path / f"s.{container}"
    if container == "parquet":
        rich.write_parquet(path, files, given, **{missing: [None] * len(given)})
    elif missing == "synthetic":
        lines = files["predictions.csv"].decode().splitlines()
        files["predictions.csv"] = "\n".join(line.rpartition(",")[0] for line in lines).encode()
        small.write_zip(path, files)
    else:
        del files[member]
        small.write_zip(path, files)
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "manifest"
    assert member in problem.expected
    assert f'take "{missing}" out of "outputs"' in problem.fix
    with pytest.raises(forgebench.ProblemsError, match="cannot be scored"):
        forgebench.score(path, scene.benchmark)


def test_a_sample_with_many_faults_has_them_all_reported(tmp_path, scene):
    given = rich.predictions(scene)
    files = rich.files(scene, given)
    lines = files["predictions.csv"].decode().splitlines()
    lines = ["tampered-a,nan,2" if line.startswith("tampered-a,") else line for line in lines]
    files |= {
        "predictions.csv": "\n".join(lines).encode(),
        "masks/tampered-a.png": b"",
        "boxes.json": b'[{"image_id": "tampered-a", "bbox": [0, 0, 99, 1], "score": 1}]',
        "explanations.csv": b"sample_id,type,area,content,evidence\ntampered-a,\x1b[31m,,,\n",
    }
    path = small.write_zip(tmp_path / "s.zip", files)
    problems = forgebench.validate(path, scene.benchmark)
    assert {problem.sample_id for problem in problems} == {"tampered-a"}
    codes = ["control_character", "not_finite", "out_of_range", "outside_image", "undecodable"]
    assert [problem.code for problem in problems] == codes
    assert all(str(problem).isprintable() for problem in problems)
    assert forgebench.score(path, scene.benchmark).predictions.problems == {"not_finite": 1}


def test_predicting_passes_everything_through(tmp_path, scene):
    by_id = {one.sample_id: one for one in rich.predictions(scene)}

    class Speaking:
        def predict(self, samples):
            return [by_id[sample.sample_id] for sample in samples]

    submission = forgebench.predict(Speaking(), scene.benchmark, tmp_path / "sub.parquet")
    assert forgebench.validate(submission, scene.benchmark) == []
    for one in by_id.values():
        read = submission.read(one.sample_id, one.mask.shape)
        assert replace(read, mask=None) == replace(one, mask=None)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bytes(tmp_path, scene, name):
    found = []
    for folder in ("one", "two"):
        path = _write(tmp_path / folder / name, scene, rich.predictions(scene)).path
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        found.append([(file.relative_to(tmp_path / folder), file.read_bytes()) for file in files])
    assert found[0] == found[1]


def test_many_row_groups(tmp_path, scene, monkeypatch):
    monkeypatch.setattr("forgebench.submission.write._GROUP_ROWS", 2)
    given = rich.predictions(scene)
    submission = _write(tmp_path / "sub.parquet", scene, given)
    assert forgebench.validate(submission, scene.benchmark, workers=2) == []
    for one in reversed(given):
        assert submission.read(one.sample_id, one.mask.shape).boxes == one.boxes
