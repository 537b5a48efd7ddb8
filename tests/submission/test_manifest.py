"""`submission.json`: the published JSON Schema and the validation say the same."""

from __future__ import annotations

import json
import random

import jsonschema
import pytest
import small

import forgebench
from forgebench.submission import SubmissionManifest, json_schema

FULL = {
    "version": "2.1", "authors": ["A. Author", "Zoë Ünal"], "outputs": ["score", "mask"],
    "training_data": [{"name": "casia-v2", "content_hash": "0" * 64}, {"name": "own"}], "external_data": ["COCO"],
    "pretrained_weights": ["openai/clip-vit-base-patch16"], "seconds_per_image": 0.25, "hardware": "1 laptop",
    "paper": "https://example.org/p?a=1&b=2", "code": "http://example.org",
}  # fmt: skip

WRONG = {
    "a field that there is not": {"colour": "red"},
    "another schema version": {"schema_version": 2},
    "no method": {"method": ""},
    "a method of two lines": {"method": "a\nb"},
    "a method with markup": {"method": "<b>me</b>"},
    "a method that rings": {"method": "a\x07"},
    "a method that turns the text round": {"method": "a\u202eb"},
    "a method with a C1 control": {"method": "a\x9b31m"},
    "a long method": {"method": "m" * 201},
    "a method that is a number": {"method": 3},
    "no method at all": {"method": None},
    "a hash that is none": {"content_hash": "abc"},
    "a hash in capitals": {"content_hash": "A" * 64},
    "an unknown supervision": {"supervision": "polygons"},
    "no score": {"outputs": ["mask"]},
    "no outputs": {"outputs": []},
    "an output twice": {"outputs": ["score", "score"]},
    "an unknown output": {"outputs": ["score", "polygons"]},
    "negative seconds": {"seconds_per_image": -1},
    "a link that runs": {"paper": "javascript:alert(1)"},
    "a link with a quote": {"code": 'https://example.org/"onclick="x'},
    "authors as text": {"authors": "me"},
    "too many authors": {"authors": ["me"] * 101},
    "training data without a name": {"training_data": [{"content_hash": "0" * 64}]},
    "training data with more": {"training_data": [{"name": "a", "size": 3}]},
}


def test_what_is_written_fits_the_schema(tmp_path, scene):
    path = tmp_path / "sub"
    forgebench.write_submission(
        path, small.predictions(scene), benchmark=scene.benchmark, method="m", supervision="zero-shot"
    )
    written = json.loads((path / "submission.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, json_schema())
    assert written["content_hash"] == scene.benchmark.content_hash
    assert (written["benchmark"], written["split"], written["outputs"]) == ("small", "test", ["score", "mask"])


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_every_field_can_be_given(tmp_path, scene):
    fields = small.about(scene, **FULL)
    jsonschema.validate(fields, json_schema())
    manifest = SubmissionManifest.model_validate_json(json.dumps(fields))
    assert manifest.model_dump(exclude_unset=True) == fields | {"training_data": FULL["training_data"]}
    assert forgebench.validate(small.write_zip(tmp_path / "s.zip", small.files(scene, **FULL)), scene.benchmark) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_manifest_is_refused_by_both(tmp_path, scene, name):
    change = WRONG[name]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(small.about(scene, **change), json_schema())
    path = small.write_zip(tmp_path / "s.zip", small.files(scene, **change))
    problems = forgebench.validate(path, scene.benchmark)
    assert {problem.code for problem in problems} == {"manifest"}
    assert next(iter(change)) in problems[0].expected
    with pytest.raises(forgebench.InputError, match="cannot be scored"):
        forgebench.score(path, scene.benchmark)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no JSON", b"[]", b"null", b"\xff\xfe{}", b'{"method": NaN}', b"{" * 100_000, b'{"method": "\\ud800"}',
        b'"' + random.Random(0).randbytes(2**19).hex().encode() + b'"',
    ],
    ids=["empty", "text", "list", "null", "bytes", "NaN", "deep", "surrogate", "large"],
)  # fmt: skip
def test_a_manifest_that_is_none(tmp_path, scene, data):
    files = small.files(scene) | {"submission.json": data}
    for path in (small.write_zip(tmp_path / "s.zip", files), small.write_parquet(tmp_path / "s.parquet", files)):
        assert {problem.code for problem in forgebench.validate(path, scene.benchmark)} == {"manifest"}


def test_no_manifest(tmp_path, scene):
    files = small.files(scene)
    del files["submission.json"]
    (problem,) = forgebench.validate(small.write_folder(tmp_path / "s", files), scene.benchmark)
    assert (problem.code, problem.expected, problem.got) == ("manifest", "submission.json", "none")


def test_names_of_unknown_fields_are_printed_escaped(tmp_path, scene):
    files = small.files(scene, **{"<script>\x1b[31m\u202e": 1})
    (problem,) = forgebench.validate(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)
    assert problem.code == "manifest"
    assert str(problem).isprintable()
    assert not set("<>") & set(problem.expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"content_hash": "0" * 64}, "content hash"),
        ({"benchmark": "another"}, "benchmark small"),
        ({"split": "train"}, "split test"),
    ],
)
def test_a_submission_for_something_else_is_refused(tmp_path, scene, change, words):
    path = small.write_zip(tmp_path / "s.zip", small.files(scene, **change))
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "wrong_benchmark"
    assert words in problem.expected
    with pytest.raises(forgebench.ProblemsError, match="wrong_benchmark"):
        forgebench.score(path, scene.benchmark)


def test_the_split_that_is_scored_must_be_the_one_submitted(tmp_path, scene):
    path = small.write_zip(tmp_path / "s.zip", small.files(scene))
    with pytest.raises(forgebench.InputError, match="split train"):
        forgebench.score(path, scene.benchmark, split="train")
