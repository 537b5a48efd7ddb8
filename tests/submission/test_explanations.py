"""Explanations and probabilities of synthetic that cannot be scored."""

from __future__ import annotations

import random

import pytest
import small

import forgebench
from forgebench.submission import FATAL, open_submission

from . import rich

HEADER = b"sample_id,type,area,content,evidence\n"


def _path(tmp_path, scene, data):
    return small.write_zip(tmp_path / "s.zip", rich.files(scene) | {"explanations.csv": data})


def _cell(tmp_path, scene, fields):
    """The same in the Parquet row of tampered-a."""
    given = rich.predictions(scene)
    text = None if fields is None else dict(zip(("type", "area", "content", "evidence"), fields, strict=True))
    cells = [text if one.sample_id == "tampered-a" else None for one in given]
    return rich.write_parquet(tmp_path / "s.parquet", rich.files(scene, given), given, explanation=cells)


def _quoted(fields):
    return HEADER + ",".join(["tampered-a", *(f'"{field}"' for field in fields)]).encode()


TEXTS = {
    "too long": ("text_too_long", ("splice", "", "", "x" * 4001)),
    "a bell": ("control_character", ("splice\a", "", "", "")),
    "NUL": ("control_character", ("splice", "\0", "", "")),
    "a carriage return": ("control_character", ("splice", "", "a\r\nb", "")),
    "a colour": ("control_character", ("splice", "", "\x1b[31mred", "")),
    "a C1 control": ("control_character", ("splice", "", "", "\x9b31m")),
    "text that turns round": ("control_character", ("splice", "", "", "\u202eevil")),
    "a line separator": ("control_character", ("splice", "", "", "a\u2028b")),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_cannot_be_scored(tmp_path, scene, name):
    code, fields = TEXTS[name]
    (problem,) = forgebench.validate(_path(tmp_path, scene, _quoted(fields)), scene.benchmark)
    assert (problem.code, problem.sample_id) == (code, "tampered-a")
    assert str(problem).isprintable()
    assert code not in FATAL
    assert forgebench.validate(_cell(tmp_path, scene, fields), scene.benchmark) == [problem]


@pytest.mark.parametrize(
    "row",
    [b"tampered-a", b"tampered-a,splice", b"tampered-a,splice,,", b"tampered-a,splice,,,,", b"tampered-a,a,b,c,d,e"],
)
def test_fewer_or_more_fields(tmp_path, scene, row):
    (problem,) = forgebench.validate(_path(tmp_path, scene, HEADER + row), scene.benchmark)
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")
    assert problem.got == f"{row.count(b',')} fields"


def test_bytes_that_are_not_utf_8_concern_their_sample_alone(tmp_path, scene):
    data = HEADER + b"tampered-a,splice,\xff\xfe,,\ntampered-b,splice,\xc3\xa9,,\n"
    path = _path(tmp_path, scene, data)
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id, problem.expected) == ("undecodable", "tampered-a", "UTF-8 for area")
    assert open_submission(path)[0].read("tampered-b", (33, 17)).explanation["area"] == "é"


def test_bytes_that_are_not_utf_8_in_a_parquet_file_too(tmp_path, scene):
    path = _cell(tmp_path, scene, ("splice", "abcdefgh-here", "", ""))
    path.write_bytes(path.read_bytes().replace(b"abcdefgh-here", b"abcd\xff\xfe\xff\xff-here"))
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")


GOOD = {
    "four empty fields": ("", "", "", ""),
    "markup and formulas are text": ("<b>", "=1+1", "@x", "-2"),
    "4000 characters of four bytes": ("🙂" * 4000, "", "", ""),
    "lines and tabs": ("a\nb", "a\tb", "", ""),
    "a zero-width joiner": ("👩\u200d💻", "", "", ""),
}


@pytest.mark.parametrize("name", GOOD)
def test_texts_that_are_well(tmp_path, scene, name):
    fields = GOOD[name]
    for path in (_path(tmp_path, scene, _quoted(fields)), _cell(tmp_path, scene, fields)):
        assert forgebench.validate(path, scene.benchmark) == []
        read = open_submission(path)[0].read("tampered-a", (20, 30))
        assert tuple(read.explanation.values()) == fields


def test_no_line_and_no_row_is_no_explanation(tmp_path, scene):
    for path in (_path(tmp_path, scene, HEADER), _cell(tmp_path, scene, None)):
        found = [problem for problem in forgebench.validate(path, scene.benchmark) if problem.code != "manifest"]
        assert found == []
        assert open_submission(path)[0].read("tampered-a", (20, 30)).explanation is None


TABLES = {
    "empty": b"",
    "another header": b"sample_id,type,area,content\n",
    "no header": b"tampered-a,splice,,,\n",
    "semicolons": HEADER.replace(b",", b";"),
    "UTF-16": HEADER.decode().encode("utf-16"),
    "a quote that does not end": HEADER + b'tampered-a,"splice,,,\n',
    "a stray quote": HEADER + b'tampered-a,"splice" x,,,\n',
    "a field of a megabyte": HEADER + b"tampered-a," + random.Random(0).randbytes(2**19).hex().encode() + b",,,\n",
    "bytes that are not UTF-8 for a header": b"\xff\xfe\x1b<\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_explanations_that_is_none(tmp_path, scene, name):
    path = _path(tmp_path, scene, TABLES[name])
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "manifest"
    assert "explanations.csv with the columns sample_id, type, area, content, evidence" in problem.expected
    assert str(problem).isprintable()
    with pytest.raises(forgebench.ProblemsError):
        forgebench.score(path, scene.benchmark)


@pytest.mark.parametrize("who", [b"who", b"", b"<b>", b"\xff\xfe", b"\x1b[2J", b"../../x", b"x" * 5000])
def test_an_explanation_of_nobody(tmp_path, scene, who):
    (problem,) = forgebench.validate(_path(tmp_path, scene, HEADER + who + b",a,b,c,d\n"), scene.benchmark)
    assert (problem.code, problem.got) == ("unknown_id", "this one in explanations.csv")
    assert str(problem).isprintable()


def test_an_explanation_twice(tmp_path, scene):
    (problem,) = forgebench.validate(_path(tmp_path, scene, HEADER + b"tampered-a,a,b,c,d\n" * 2), scene.benchmark)
    assert (problem.code, problem.sample_id, problem.expected) == ("duplicate_id", "tampered-a", "one explanation")


def test_an_unknown_id_is_reported_once(tmp_path, scene):
    files = rich.files(scene)
    files |= {
        "predictions.csv": files["predictions.csv"] + b"\nwho,0.5,0.1",
        "masks/who.png": b"",
        "boxes.json": b'[{"image_id": "who"}]',
        "explanations.csv": HEADER + b"who,a,b,c,d",
    }
    problems = forgebench.validate(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)
    assert [(problem.code, problem.sample_id) for problem in problems] == [("unknown_id", "who")]


SYNTHETIC = {
    "above the score": ("out_of_range", "0.5,0.500001"),
    "below 0": ("out_of_range", "0.5,-0.1"),
    "nan": ("not_finite", "0.5,nan"),
    "empty": ("not_finite", "0.5,"),
    "none": ("not_finite", "0.5"),
    "a word": ("not_finite", "0.5,high"),
    "one column more": ("not_finite", "0.5,0.1,0.2"),
}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_a_probability_of_synthetic_that_cannot_be_scored(tmp_path, scene, name):
    code, text = SYNTHETIC[name]
    files = rich.files(scene)
    lines = files["predictions.csv"].decode().splitlines()
    lines = [f"tampered-a,{text}" if line.startswith("tampered-a,") else line for line in lines]
    path = small.write_zip(tmp_path / "s.zip", files | {"predictions.csv": "\n".join(lines).encode()})
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id) == (code, "tampered-a")
    assert problem.expected == "a probability of synthetic in [0, 0.5]"


@pytest.mark.parametrize(
    ("value", "code"), [(0.75, "out_of_range"), (float("nan"), "not_finite"), (None, "not_finite")]
)
def test_the_same_in_a_parquet_file(tmp_path, scene, value, code):
    given = rich.predictions(scene)
    values = [value if one.sample_id == "tampered-a" else one.synthetic for one in given]
    path = rich.write_parquet(tmp_path / "s.parquet", rich.files(scene, given), given, synthetic=values)
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id) == (code, "tampered-a")


@pytest.mark.parametrize("text", ["0.5,0.5", "0.5,0", "0,0", "1,1", "0.5,-0.0"])
def test_probabilities_of_synthetic_that_are_well(tmp_path, scene, text):
    files = rich.files(scene)
    lines = files["predictions.csv"].decode().splitlines()
    lines = [f"tampered-a,{text}" if line.startswith("tampered-a,") else line for line in lines]
    path = small.write_zip(tmp_path / "s.zip", files | {"predictions.csv": "\n".join(lines).encode()})
    assert forgebench.validate(path, scene.benchmark) == []
