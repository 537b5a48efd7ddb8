"""Predicted boxes that cannot be scored, and JSON made to harm."""

from __future__ import annotations

import json
import random
import tracemalloc

import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

import forgebench
from forgebench.schema import Box
from forgebench.submission import FATAL
from forgebench.submission.layout import UnreadableError
from forgebench.submission.rows import json_entries

from . import rich


def _validated(tmp_path, scene, data):
    path = small.write_zip(tmp_path / "s.zip", rich.files(scene) | {"boxes.json": data})
    return forgebench.validate(path, scene.benchmark)


def _cell(tmp_path, scene, text):
    """The same in the Parquet cell of tampered-a."""
    some = rich.predictions(scene)
    cells = [text if one.sample_id == "tampered-a" else "[]" for one in some]
    return forgebench.validate(
        rich.write_parquet(tmp_path / "s.parquet", rich.files(scene, some), some, boxes=cells), scene.benchmark
    )


def _entry(bbox, score="0.5", more=""):
    return f'"bbox": {bbox}, "score": {score}{more}'


BOXES = {
    "beyond the right": ("outside_image", _entry("[20, 0, 10.02, 5]")),
    "beyond the bottom": ("outside_image", _entry("[0, 20, 1, 1]")),
    "left of it": ("outside_image", _entry("[-0.02, 0, 1, 1]")),
    "above it": ("outside_image", _entry("[0, -5, 1, 1]")),
    "corners of a turned image": ("outside_image", _entry("[0, 0, 20, 30]")),
    "negative width": ("negative_size", _entry("[10, 10, -1, 1]")),
    "negative height": ("negative_size", _entry("[10, 10, 1, -1e-9]")),
    "NaN": ("not_finite", _entry("[0, NaN, 1, 1]")),
    "infinite": ("not_finite", _entry("[0, 0, Infinity, 1]")),
    "1e999": ("not_finite", _entry("[0, 0, 1e999, 1]")),
    "a number of 400 digits": ("not_finite", _entry(f"[0, 0, {'9' * 400}, 1]")),
    "score NaN": ("not_finite", _entry("[0, 0, 1, 1]", "NaN")),
    "score above 1": ("out_of_range", _entry("[0, 0, 1, 1]", "1.01")),
    "score below 0": ("out_of_range", _entry("[0, 0, 1, 1]", "-1")),
    "score as text": ("undecodable", _entry("[0, 0, 1, 1]", '"0.5"')),
    "score null": ("undecodable", _entry("[0, 0, 1, 1]", "null")),
    "score true": ("undecodable", _entry("[0, 0, 1, 1]", "true")),
    "no score": ("undecodable", '"bbox": [0, 0, 1, 1]'),
    "no bbox": ("undecodable", '"score": 0.5'),
    "three numbers": ("undecodable", _entry("[0, 0, 1]")),
    "five numbers": ("undecodable", _entry("[0, 0, 1, 1, 1]")),
    "text for a number": ("undecodable", _entry('[0, 0, "1", 1]')),
    "a list for a number": ("undecodable", _entry("[0, 0, [1], 1]")),
    "an object": ("undecodable", _entry('{"x": 0}')),
    "null": ("undecodable", _entry("null")),
    "another category": ("undecodable", _entry("[0, 0, 1, 1]", more=', "category_id": 2')),
    "category true": ("undecodable", _entry("[0, 0, 1, 1]", more=', "category_id": true')),
    "a mask beside": ("undecodable", _entry("[0, 0, 1, 1]", more=', "segmentation": []')),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_box_that_cannot_be_scored(tmp_path, scene, name):
    code, entry = BOXES[name]
    good = '"bbox": [1, 1, 2, 2], "score": 0.25'
    fault, sound = (f'{{"image_id": "tampered-a", {text}}}' for text in (entry, good))
    (problem,) = _validated(tmp_path, scene, f"[{sound}, {fault}]".encode())
    assert (problem.code, problem.sample_id) == (code, "tampered-a")
    assert "2 of 2" in problem.got or "entry 2" in problem.got
    assert code not in FATAL
    assert _cell(tmp_path, scene, f"[{{{good}}}, {{{entry}}}]") == [problem]
    record = forgebench.score(tmp_path / "s.zip", scene.benchmark, workers=1)
    assert record.predictions.problems == {code: 1}


GOOD = {
    "none": "[]",
    "blanks": " [ \n\t\r ] \n",
    "a mark at the start": "\ufeff[]",
    "the whole image": [[0, 0, 30, 20]],
    "no size": [[30, 20, 0, 0]],
    "the rounding of single precision": [[20.003, 0, 10.003, 20.009]],
    "negative zero": [[-0.0, 0, 1, 1]],
    "a hundred": [[0, 0, 1, 1]] * 100,
}


@pytest.mark.parametrize("name", GOOD)
def test_boxes_that_are_well(tmp_path, scene, name):
    boxes = GOOD[name]
    if isinstance(boxes, list):
        boxes = json.dumps([{"image_id": "tampered-a", "bbox": box, "score": 1} for box in boxes])
    assert _validated(tmp_path, scene, boxes.encode()) == []


def test_too_many_boxes(tmp_path, scene):
    entries = [{"image_id": "tampered-a", "bbox": [0, 0, 1, 1], "score": 1}] * 101
    (problem,) = _validated(tmp_path, scene, json.dumps(entries).encode())
    assert (problem.code, problem.sample_id) == ("too_many_boxes", "tampered-a")
    cell = json.dumps([{"bbox": [0, 0, 1, 1], "score": 1}] * 101)
    assert _cell(tmp_path, scene, cell) == [problem]


IDS = {
    "unknown": '"tampered-z"', "a number": "7", "null": "null", "markup": '"<img src=x>"', "not ASCII": '"ä🙂"',
    "an escape": '"\\u001b[2J"', "a surrogate": '"\\udcff"', "a list": "[[[]]]", "empty": '""',
}  # fmt: skip


@pytest.mark.parametrize("name", IDS)
def test_a_box_of_nobody(tmp_path, scene, name):
    entry = f'{{"image_id": {IDS[name]}, "bbox": [0, 0, 1, 1], "score": 1}}'
    (problem,) = _validated(tmp_path, scene, f"[{entry}, {entry}]".encode())
    assert problem.code == "unknown_id"
    assert "boxes.json" in problem.got
    assert str(problem).isprintable()
    assert not set("<>") & set(problem.sample_id)


FILES = {
    "empty": b"",
    "text": b"tampered-a,1,1",
    "an object": b'{"images": []}',
    "a number": b"7",
    "cut short": b'[{"image_id": "tampered-a", "bbox": [0, 0, 1, 1], "sco',
    "a comma too much": b'[{"image_id": "tampered-a", "bbox": [0, 0, 1, 1], "score": 1},]',
    "no comma": b"[{} {}]",
    "no end": b"[",
    "no end after a comma": b'[{"image_id": "tampered-a", "bbox": [0, 0, 1, 1], "score": 1},',
    "two lists": b"[] []",
    "lists": b"[[], []]",
    "an entry without an id": b'[{"bbox": [0, 0, 1, 1], "score": 1}]',
    "UTF-16": "[]".encode("utf-16"),
    "lines of JSON": b'{"image_id": "tampered-a"}\n{"image_id": "tampered-a"}',
    "deep": b"[" * 1_000_000,
    "deep in an entry": b'[{"image_id": "tampered-a", "bbox": ' + b"[" * 1_000_000,
    "deep in an entry that ends": b'[{"image_id": ' + b"[" * 2000 + b"]" * 2000 + b"}]",
    "deep objects": b'[{"a":' * 500_000,
    "an entry of a megabyte": b'[{"image_id": "' + random.Random(0).randbytes(2**19).hex().encode() + b'"}]',
    "a number of 5000 digits": b"[" + b"9" * 5000 + b"]",
    "markup": b"<script>alert(1)</script>\x1b[31m",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_boxes_that_is_none(tmp_path, scene, name):
    data = FILES[name]
    path = small.write_folder(tmp_path / "s", rich.files(scene) | {"boxes.json": data})
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "manifest"
    assert "boxes.json" in problem.expected
    assert str(problem).isprintable()
    assert not set("<>") & set(problem.got)
    with pytest.raises(forgebench.ProblemsError):
        forgebench.score(path, scene.benchmark)


@pytest.mark.parametrize("name", ["empty", "text", "deep", "no end", "UTF-16", "cut short", "two lists"])
def test_a_cell_of_boxes_that_is_none(tmp_path, scene, name):
    (problem,) = _cell(tmp_path, scene, FILES[name].decode("latin-1"))
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")
    assert str(problem).isprintable()


def _peak(data):
    tracemalloc.start()
    try:
        found = sum(1 for _ in json_entries(data))
    except UnreadableError:
        found = -1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, peak


def test_what_json_would_blow_up_takes_no_memory():
    n = 100_000
    assert _peak(b"[" + b"[]," * n + b"[]]") == (n + 1, pytest.approx(0, abs=200_000))
    assert _peak(b"[" * n) == (-1, pytest.approx(0, abs=2_000_000))
    with pytest.raises(RecursionError):
        json.loads(b"[" * n)


def test_a_million_boxes_of_one_sample_are_not_kept(tmp_path, scene):
    entry = b'{"image_id":"tampered-a","bbox":[0,0,1,1],"score":1}'
    files = rich.files(scene) | {"boxes.json": b"[" + (entry + b",\n") * 200_000 + entry + b"]"}
    path = small.write_folder(tmp_path / "s", files)
    submission, _ = forgebench.submission.open_submission(path)
    assert submission.read("tampered-a", (20, 30)).code == "too_many_boxes"
    assert len(submission.store.boxes("tampered-a")) == 101


def test_what_is_no_box_is_not_kept_either(tmp_path, scene):
    entry = json.dumps({"image_id": "tampered-a", "bbox": [[]] * 1000, "score": {}})
    path = small.write_folder(tmp_path / "s", rich.files(scene) | {"boxes.json": f"[{entry}, {entry}]".encode()})
    assert forgebench.submission.open_submission(path)[0].store.boxes("tampered-a") == [None, None]


def test_a_flood_of_unknown_ids_is_cut_off(tmp_path, scene):
    flood = ",".join(f'{{"image_id": {i}}}' for i in range(12_000))
    problems = _validated(tmp_path, scene, f"[{flood}]".encode())
    assert ({problem.code for problem in problems}, len(problems)) == ({"unknown_id"}, 10_000)


@pytest.mark.parametrize("member", ["boxes.json", "explanations.csv", "predictions.csv"])
def test_more_bytes_than_are_read(tmp_path, scene, member, monkeypatch):
    monkeypatch.setattr("forgebench.submission.stores.MAX_TEXT", 20_000)
    files = rich.files(scene)
    path = small.write_folder(tmp_path / "s", files | {member: files[member] + b" " * 20_000})
    (problem,) = [one for one in forgebench.validate(path, scene.benchmark) if member in one.expected]
    assert (problem.code, problem.got) == ("manifest", "more than 20000 bytes")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(max_codepoint=127)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=6), st.sampled_from([None, 0, 3]), st.sampled_from(["", " ", "\n\t"]))
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_entries_are_those_of_the_json_module(entries, indent, around):
    data = (around + json.dumps(entries, indent=indent) + around).encode()
    assert repr(list(json_entries(data))) == repr(json.loads(data))


@given(st.binary(max_size=40).map(lambda data: b"[" + data), st.randoms())
@settings(max_examples=300, deadline=None, database=None, derandomize=True)
def test_what_the_json_module_refuses_is_refused(data, rng):
    marks = b'[]{},: "1eE+-.ntfu\\0'
    data = bytes(rng.choice(marks) if rng.random() < 0.8 else byte for byte in data)
    try:
        expected = json.loads(data.decode("latin-1"))
    except ValueError:
        expected = None
    if isinstance(expected, list):
        assert repr(list(json_entries(data))) == repr(expected)
    else:
        with pytest.raises(UnreadableError):
            list(json_entries(data))


def test_a_box_is_five_named_numbers():
    box = Box(1, 2, 3, 4, 0.5)
    assert (box.x, box.y, box.width, box.height, box.score) == tuple(box)
