"""Every fault that a submission may have: its code, its sample, and all of them at once."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import small

import forgebench
from forgebench.submission import FATAL

HEAT = np.zeros((20, 30), np.uint8)


def _spoilt(tmp_path, scene, name, data):
    files = small.files(scene)
    files[name] = data
    return forgebench.validate(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)


def _scores(scene, change):
    lines = small.files(scene)["predictions.csv"].decode().splitlines()
    return "\n".join(change(lines)).encode()


def _of_a(text):
    return lambda lines: [f"tampered-a,{text}" if line.startswith("tampered-a,") else line for line in lines]


SCORES = {
    "nan": ("not_finite", _of_a("nan")),
    "inf": ("not_finite", _of_a("inf")),
    "-inf": ("not_finite", _of_a("-Infinity")),
    "1e999": ("not_finite", _of_a("1e999")),
    "empty": ("not_finite", _of_a("")),
    "word": ("not_finite", _of_a("high")),
    "comma for a point": ("not_finite", _of_a('"0,5"')),
    "one column more": ("not_finite", _of_a("0.5,0.6")),
    "a formula": ("not_finite", _of_a("=1+1")),
    "markup": ("not_finite", _of_a("<script>")),
    "negative": ("out_of_range", _of_a("-0.001")),
    "above 1": ("out_of_range", _of_a("1.0000001")),
    "per cent": ("out_of_range", _of_a("50")),
    "no line": ("missing", lambda lines: [line for line in lines if "tampered-a," not in line]),
}


@pytest.mark.parametrize("name", SCORES)
def test_a_score_that_cannot_be_scored(tmp_path, scene, name):
    code, change = SCORES[name]
    (problem,) = _spoilt(tmp_path, scene, "predictions.csv", _scores(scene, change))
    assert (problem.code, problem.sample_id) == (code, "tampered-a")
    assert not set("<>") & set(problem.got)


GOOD_SCORES = {
    "as written": lambda lines: lines,
    "a mark at the start": lambda lines: ["\ufeff" + lines[0], *lines[1:]],
    "lines that end in CR LF": lambda lines: [line + "\r" for line in lines],
    "blank lines": lambda lines: [lines[0], "", *lines[1:], "", ""],
    "quoted": lambda lines: [lines[0], *(f'"{a}","{b}"' for a, b in (line.split(",") for line in lines[1:]))],
    "blanks around numbers": lambda lines: [line.replace(",", ", ") if i else line for i, line in enumerate(lines)],
    "other notation": _of_a("5E-1"),
    "0": _of_a("0"),
    "1": _of_a("1"),
    "-0.0": _of_a("-0.0"),
    "another order": lambda lines: [lines[0], *reversed(lines[1:])],
}


@pytest.mark.parametrize("name", GOOD_SCORES)
def test_scores_that_are_well(tmp_path, scene, name):
    assert _spoilt(tmp_path, scene, "predictions.csv", _scores(scene, GOOD_SCORES[name])) == []


TABLES = {
    "empty": b"",
    "another header": b"id,score\ntampered-a,0.5\n",
    "header in capitals": b"Sample_ID,Score\n",
    "header the other way round": b"score,sample_id\n",
    "three columns": b"sample_id,score,label\n",
    "no header": b"tampered-a,0.5\n",
    "semicolons": b"sample_id;score\n",
    "UTF-16": "sample_id,score\n".encode("utf-16"),
    "not UTF-8": b"sample_id,score\n\xff\xfe,0.5\n",
    "a quote that does not end": b'sample_id,score\n"tampered-a,0.5\n',
    "a field of a megabyte": b"sample_id,score\n" + random.Random(0).randbytes(2**19).hex().encode() + b",0.5\n",
    "markup for a header": b"<script>alert(1)</script>,\x1b[31m\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_scores_that_is_none(tmp_path, scene, name):
    problems = _spoilt(tmp_path, scene, "predictions.csv", TABLES[name])
    problem = next(one for one in problems if one.code == "manifest")
    assert "predictions.csv" in problem.expected
    assert problem.got.isprintable()
    assert len(problem.got) < 2000
    assert not set("<>") & set(problem.got)


def test_no_table_of_scores(tmp_path, scene):
    files = small.files(scene)
    del files["predictions.csv"]
    (problem,) = forgebench.validate(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)
    assert (problem.code, problem.got) == ("manifest", "none")


IDS = {
    "unknown": "tampered-z",
    "empty": "",
    "another case": "Tampered-a",
    "with a blank": " tampered-a",
    "with markup": "<img src=x onerror=alert(1)>",
    "with an escape": "\x1b[2J\x07",
    "with a line feed": "a\nb",
    "with NUL": "a\0b",
    "that turns the text round": "a\u202eb",
    "with an emoji": "🙂",
    "a path": "../../etc/passwd",
    "very long": "x" * 5000,
}


@pytest.mark.parametrize("name", IDS)
def test_an_id_that_is_not_in_the_split(tmp_path, scene, name):
    row = '\n"' + IDS[name].replace('"', '""') + '",0.5'
    (problem,) = _spoilt(tmp_path, scene, "predictions.csv", _scores(scene, lambda lines: lines) + row.encode())
    assert problem.code == "unknown_id"
    assert re.fullmatch(r"[A-Za-z0-9_.,:;/()'=+ \\-]*", problem.sample_id)
    assert len(problem.sample_id) <= 1300
    assert "predictions.csv" in problem.got


def test_an_id_twice(tmp_path, scene):
    problems = _spoilt(
        tmp_path, scene, "predictions.csv", _scores(scene, lambda lines: [*lines, "tampered-a,0.1", "tampered-a,0.1"])
    )
    assert [(problem.code, problem.sample_id) for problem in problems] == [("duplicate_id", "tampered-a")] * 2


def test_a_mask_of_nobody(tmp_path, scene):
    for name in ("tampered-z", "<b>", "tampered-a.png"):
        (problem,) = _spoilt(tmp_path, scene, f"masks/{name}.png", small.png(HEAT))
        assert problem.code == "unknown_id"
        assert "masks/" in problem.got
        assert "<" not in problem.sample_id


def test_no_mask_for_one(tmp_path, scene):
    files = small.files(scene)
    del files["masks/authentic-i.png"]
    (problem,) = forgebench.validate(small.write_zip(tmp_path / "s.zip", files), scene.benchmark)
    assert (problem.code, problem.sample_id) == ("missing_mask", "authentic-i")


def test_a_file_that_is_not_part_of_it_is_reported_and_never_read(tmp_path, scene):
    for name in ("README.md", "model.pt", "masks/deep/tampered-a.png", "masks/tampered-a.npy", "Masks/x.png"):
        (problem,) = _spoilt(tmp_path, scene, name, b"\x80\x04.")
        assert problem.code == "unexpected_file"
        assert name in problem.got
        assert problem.code not in FATAL


def test_system_droppings_are_nobodys_fault(tmp_path, scene):
    for name in ("__MACOSX/._submission.json", "__MACOSX/masks/._tampered-a.png", ".DS_Store", "masks/.DS_Store",
                 "Thumbs.db", "masks/desktop.ini"):  # fmt: skip
        assert _spoilt(tmp_path, scene, name, b"junk") == []


def test_all_faults_at_once_and_in_order(tmp_path, scene):
    files = small.files(scene)
    lines = _of_a("nan")(files["predictions.csv"].decode().splitlines())
    lines = [line.split(",")[0] + ",7" if line.startswith("tampered-b,") else line for line in lines]
    lines = [line for line in lines if not line.startswith("tampered-c,")]
    files["predictions.csv"] = "\n".join([*lines, "who,0.5", "what,0.5", "tampered-d,0.3"]).encode()
    files["masks/nobody.png"] = b""
    files["notes.txt"] = b""
    path = small.write_zip(tmp_path / "s.zip", files)
    problems = forgebench.validate(path, scene.benchmark)
    assert problems == sorted(problems)
    fatal = [
        ("duplicate_id", "tampered-d"), ("unexpected_file", ""), ("unknown_id", "nobody"), ("unknown_id", "what"),
        ("unknown_id", "who"),
    ]  # fmt: skip
    assert [(problem.code, problem.sample_id) for problem in problems] == fatal
    with pytest.raises(forgebench.ProblemsError) as caught:
        forgebench.score(path, scene.benchmark)
    assert {problem.code for problem in caught.value.problems} == {"duplicate_id", "unknown_id"}

    files["predictions.csv"] = "\n".join(lines).encode()
    del files["masks/nobody.png"]
    files["masks/tampered-e.png"] = small.png(HEAT)
    problems = forgebench.validate(small.write_zip(tmp_path / "t.zip", files), scene.benchmark)
    assert [(problem.code, problem.sample_id) for problem in problems] == [
        ("missing", "tampered-c"), ("not_finite", "tampered-a"), ("out_of_range", "tampered-b"),
        ("unexpected_file", ""), ("wrong_size", "tampered-e"),
    ]  # fmt: skip


def test_a_flood_of_unknown_ids_is_cut_off(tmp_path, scene):
    flood = b"sample_id,score\n" + b"".join(b"x%d,0.5\n" % i for i in range(12_000))
    problems = _spoilt(tmp_path, scene, "predictions.csv", flood)
    assert {problem.code for problem in problems} == {"unknown_id"}
    assert len(problems) == 10_000


def test_nothing_there(tmp_path, scene):
    (tmp_path / "sub.tar").write_bytes(b"")
    for name in ("nothing", "nothing.zip", "nothing.parquet", "sub.tar"):
        with pytest.raises(forgebench.NotFoundError, match=r"a folder, a \.zip or a \.parquet file"):
            forgebench.validate(tmp_path / name, scene.benchmark)
        with pytest.raises(forgebench.NotFoundError):
            forgebench.score(tmp_path / name, scene.benchmark)


def test_an_empty_folder(tmp_path, scene):
    (problem,) = forgebench.validate(tmp_path, scene.benchmark)
    assert (problem.code, problem.got) == ("manifest", "none")
