"""Writing a submission: what is refused, and that nothing is left of what was."""

from __future__ import annotations

import shutil
import subprocess
import zipfile

import numpy as np
import pytest
import small

import forgebench
from forgebench import InputError, Prediction, controls

NAMES = ["sub", "sub.zip", "sub.parquet"]


def _write(path, scene, given, **fields):
    about = {"benchmark": scene.benchmark, "method": "m", "supervision": "zero-shot", **fields}
    return forgebench.write_submission(path, given, **about)


def _one(scene, sample_id="tampered-a", **fields):
    mask = np.zeros(scene.truth["tampered-a"].shape, np.uint8)
    return Prediction(**({"sample_id": sample_id, "score": 0.5, "mask": mask} | fields))


def _mask(scene, key):
    return np.zeros(scene.truth[f"tampered-{key}"].shape, np.uint8)


def _text(**fields):
    return {"type": "splice", "area": "", "content": "", "evidence": ""} | fields


WRONG = {
    "an unknown id": (lambda s: [_one(s, "tampered-z")], "is not in the split"),
    "a path for an id": (lambda s: [_one(s, "../../evil")], "is not in the split"),
    "an id twice": (lambda s: [_one(s), _one(s)], "was predicted twice"),
    "a mask of another size": (lambda s: [_one(s, mask=np.zeros((20, 31), np.uint8))], "expected a mask of shape"),
    "a turned mask": (lambda s: [_one(s, mask=np.zeros((30, 20), np.uint8))], "expected a mask of shape"),
    "masks for some": (
        lambda s: [_one(s), Prediction("tampered-b", 0.5)], "tampered-b: expected masks for all samples or for none"
    ),
    "masks for others": (lambda s: [Prediction("tampered-b", 0.5), _one(s)], "tampered-a: expected masks for all"),
    "boxes for some": (lambda s: [_one(s, boxes=[]), _one(s, "tampered-g", mask=_mask(s, "g"))], "expected boxes for"),
    "synthetic for some": (
        lambda s: [_one(s), _one(s, "tampered-g", mask=_mask(s, "g"), synthetic=0.1)], "tampered-g: expected a prob"
    ),
    "a box outside": (lambda s: [_one(s, boxes=[(29, 0, 2, 1, 0.5)])], r"outside_image.* 30x20, got 29, 0, 2, 1, 0.5"),
    "corners for a size": (lambda s: [_one(s, boxes=[(5, 5, -4, 9, 0.5)])], "Write sizes, not corners"),
    "a box that is nowhere": (lambda s: [_one(s, boxes=[(np.nan, 0, 1, 1, 0.5)])], "not_finite"),
    "a box with per cent": (lambda s: [_one(s, boxes=[(0, 0, 1, 1, 50)])], "map them into"),
    "too many boxes": (lambda s: [_one(s, boxes=[(0, 0, 1, 1, 0.5)] * 101)], "at most 100 boxes"),
    "one field of four": (lambda s: [_one(s, explanation={"type": "splice"})], "area, content, evidence, got type"),
    "a number for a field": (lambda s: [_one(s, explanation=_text(area=3))], "expected text for area, got int"),
    "a long text": (lambda s: [_one(s, explanation=_text(evidence="x" * 4001))], "at most 4000 characters for"),
    "a text that rings": (lambda s: [_one(s, explanation=_text(content="a\a"))], "control_character"),
    "a text that is none": (lambda s: [_one(s, explanation=_text(type="\udcff"))], "expected UTF-8 for type"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", WRONG)
def test_wrong_predictions_are_refused_and_leave_nothing(tmp_path, scene, name, fault):
    given, words = WRONG[fault]
    with pytest.raises(InputError, match=words):
        _write(tmp_path / name, scene, given(scene))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"mask": np.zeros((2, 2), np.float32)},
        {"mask": np.zeros((2, 2), bool)},
        {"mask": np.zeros((2, 2, 1), np.uint8)},
        {"score": -0.01},
        {"score": 1.01},
        {"score": float("nan")},
        {"score": float("inf")},
        {"synthetic": 0.51},
        {"synthetic": -0.1},
        {"synthetic": float("nan")},
        {"boxes": [[0, 0, 1, 1]]},
        {"boxes": [[0, 0, 1, 1, 0.5, 1]]},
        {"boxes": ["abcde"]},
        {"boxes": [3]},
    ],
)
def test_a_prediction_that_is_none_cannot_be_made(fields):
    with pytest.raises(InputError, match=r"^s: expected a "):
        Prediction(**({"sample_id": "s", "score": 0.5} | fields))


@pytest.mark.parametrize("name", NAMES)
def test_a_method_that_fails_half_way_leaves_nothing(tmp_path, scene, name, monkeypatch):
    monkeypatch.setattr("forgebench.submission.write._GROUP_ROWS", 2)

    def failing():
        yield from small.predictions(scene)[:5]
        assert any(tmp_path.iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _write(tmp_path / name, scene, failing())
    assert list(tmp_path.iterdir()) == []
    assert forgebench.validate(_write(tmp_path / name, scene, small.predictions(scene)), scene.benchmark) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path, scene, name):
    partial = {"sub": ".sub.partial", "sub.zip": ".sub.partial.zip", "sub.parquet": ".sub.partial.parquet"}[name]
    if name == "sub":
        small.write_folder(tmp_path / partial, {"masks/old.png": b"old"})
    else:
        (tmp_path / partial).write_bytes(b"old")
    submission = _write(tmp_path / name, scene, small.predictions(scene))
    assert forgebench.validate(submission, scene.benchmark) == []
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_there_is_not_touched(tmp_path, scene, name):
    for make in (lambda path: path.write_bytes(b"mine"), lambda path: path.mkdir()):
        path = tmp_path / name
        make(path)
        with pytest.raises(InputError, match="exists already"):
            _write(path, scene, small.predictions(scene))
        assert [entry.name for entry in tmp_path.iterdir()] == [name]
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    "fields", [{"method": ""}, {"method": "<b>"}, {"supervision": "strong"}, {"paper": "ftp://x"}, {"colour": "red"}]
)
def test_a_wrong_field_is_refused_before_anything_is_predicted(tmp_path, scene, fields):
    def never():
        raise AssertionError("asked for predictions")
        yield

    with pytest.raises(InputError, match=next(iter(fields))):
        _write(tmp_path / "sub", scene, never(), **fields)
    assert list(tmp_path.iterdir()) == []


def test_a_split_that_there_is_not(tmp_path, scene):
    with pytest.raises(InputError, match="no split 'train'"):
        _write(tmp_path / "sub", scene, [], split="train")


def test_folders_on_the_way_are_made(tmp_path, scene):
    _write(tmp_path / "a" / "b" / "sub.zip", scene, small.predictions(scene))
    assert (tmp_path / "a" / "b" / "sub.zip").is_file()


def test_predictions_left_out_are_missing_not_refused(tmp_path, scene):
    problems = forgebench.validate(_write(tmp_path / "sub", scene, small.predictions(scene)[2:]), scene.benchmark)
    assert [problem.code for problem in problems] == ["missing", "missing"]


def test_masks_in_any_memory_order(tmp_path, scene):
    given = [
        Prediction(one.sample_id, one.score, np.asfortranarray(one.mask) if i % 2 else one.mask[::-1][::-1])
        for i, one in enumerate(small.predictions(scene))
    ]
    submission = _write(tmp_path / "sub.zip", scene, given)
    for one in given:
        assert (submission.read(one.sample_id, one.mask.shape).mask == one.mask).all()


def test_scores_keep_every_digit(tmp_path, scene):
    score = np.float32(0.1)
    submission = _write(tmp_path / "sub", scene, [Prediction("tampered-a", score), Prediction("tampered-b", 1 / 3)])
    assert submission.scores == {"tampered-a": (repr(float(score)), None), "tampered-b": (repr(1 / 3), None)}


def test_fields_of_the_manifest(tmp_path, scene):
    submission = _write(tmp_path / "sub", scene, [], seconds_per_image=lambda: 0.5, authors=["A"], hardware="none")
    assert submission.manifest.seconds_per_image == 0.5
    assert (submission.manifest.authors, submission.manifest.hardware) == (["A"], "none")


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_others_can_unpack_and_read_the_archive(tmp_path, scene):
    _write(tmp_path / "sub.zip", scene, small.predictions(scene))
    subprocess.run(["unzip", "-q", "sub.zip", "-d", "out"], cwd=tmp_path, check=True)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) == len(scene.truth) + 2
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in files)
    assert forgebench.validate(tmp_path / "out", scene.benchmark) == []
    with zipfile.ZipFile(tmp_path / "sub.zip") as archive:
        assert archive.testzip() is None


class _Method:
    """Sees what it is given, and predicts nothing."""

    name = "noting"
    supervision = "image"

    def __init__(self) -> None:
        self.seen: list[forgebench.Sample] = []

    def predict(self, samples):
        self.seen += samples
        return [Prediction(s.sample_id, 0.5, np.zeros((s.height, s.width), np.uint8)) for s in reversed(samples)]


def test_a_method_sees_images_and_no_truth(tmp_path, scene):
    method = _Method()
    submission = forgebench.predict(method, scene.benchmark, tmp_path / "sub.zip")
    assert forgebench.validate(submission, scene.benchmark) == []
    assert (submission.manifest.method, submission.manifest.supervision) == ("noting", "image")
    assert submission.manifest.seconds_per_image >= 0
    assert {sample.sample_id for sample in method.seen} == set(scene.truth)
    for sample in method.seen:
        assert set(vars(sample)) == {"sample_id", "data", "image", "width", "height"}
        assert sample.image.shape == (sample.height, sample.width, 3)
        assert sample.image.shape[:2] == scene.truth[sample.sample_id].shape


def test_a_method_that_leaves_a_sample_out_is_told_so(tmp_path, scene):
    class Lazy:
        def predict(self, samples):
            return [Prediction(sample.sample_id, 0.5) for sample in samples[1:]]

    with pytest.raises(InputError, match="one prediction for each of 8 samples; wrong: authentic-a"):
        forgebench.predict(Lazy(), scene.benchmark, tmp_path / "sub")
    assert list(tmp_path.iterdir()) == []


def test_a_method_by_its_name(tmp_path, scene):
    submission = forgebench.predict("forgebench.controls:all_white", scene.benchmark, tmp_path / "sub")
    assert submission.manifest.method == controls.all_white().name
    for name, words in [
        ("forgebench.controls", "package.module:factory"),
        ("forgebench.controls:nothing", "No method"),
        ("no.such:thing", "No method"),
        ("builtins:dict", "without predict"),
    ]:
        with pytest.raises(InputError, match=words):
            forgebench.predict(name, scene.benchmark, tmp_path / "other")
