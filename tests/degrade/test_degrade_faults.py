"""What cannot be degraded is told, all at once; what was killed is continued."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import parents
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counts import count
from PIL import Image

import forgebench
from forgebench.benchmark import Benchmark, open_benchmark, write
from forgebench.errors import InputError, NotFoundError, ProblemsError

SCRIPT = Path(__file__).with_name("killing.py")


def problems(caught: pytest.ExceptionInfo[ProblemsError]) -> list[tuple[str, str]]:
    return [(problem.code, problem.sample_id) for problem in caught.value.problems]


@pytest.fixture
def awkward(tmp_path) -> Benchmark:
    """Sound as a benchmark, but four samples cannot be resized to a quarter."""
    mask = parents.region("colour")
    good, _ = parents.file_of("colour", parents.scene(mask, 1))
    speck = np.zeros_like(mask)
    speck[30, 30] = True
    floats = parents.saved(Image.fromarray(np.ones((88, 120), np.float32)), "TIFF")
    small = parents.saved(Image.new("RGB", (120, 60)), "PNG")
    items = [
        parents.item("good", good, mask, mask.shape),
        parents.item("x" * 120, good, mask, mask.shape),
        parents.item("floats", floats, np.zeros_like(mask), mask.shape),
        parents.item("small", small, np.zeros((60, 120), bool), (60, 120)),
        parents.item("speck", good, speck, mask.shape),
    ]
    return parents.build(tmp_path / "awkward", items)


def test_all_problems_are_told_at_once_and_nothing_is_left(awkward, tmp_path):
    with pytest.raises(ProblemsError) as caught:
        forgebench.degrade(awkward, tmp_path / "out", recipe="resize-0.25", workers=1)
    assert problems(caught) == [
        ("empty_mask", "speck--resize-0.25"),
        ("long_id", "x" * 120 + "--resize-0.25"),
        ("too_small", "small--resize-0.25"),
        ("unreadable", "floats--resize-0.25"),
    ]
    told = str(caught.value)
    for words in ("16 pixels a side after resize-0.25, got 30x15", "mode F", "--allow-issues empty_mask,long_id"):
        assert words in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["awkward"]


def test_samples_may_be_left_out(awkward, tmp_path):
    for number, allowed in enumerate(("all", ["empty_mask", "long_id", "too_small", "unreadable"])):
        out = tmp_path / f"out{number}"
        made = forgebench.degrade(awkward, out, recipe="resize-0.25", allow_issues=allowed, workers=1)
        assert list(made.manifest.rows) == ["good--resize-0.25"]
        assert len(made.manifest.skipped) == 4
        assert "speck--resize-0.25" in (out / "README.md").read_text(encoding="utf-8")
        assert forgebench.verify(out, workers=1) == []


def test_a_grid_tells_the_problems_of_all_recipes(awkward, tmp_path):
    with pytest.raises(ProblemsError, match="2 of 3 recipes are made and kept") as caught:
        forgebench.degrade_grid(
            awkward, tmp_path / "g", recipes=["x", "resize-0.25", "jpeg-90"], allow_issues=["long_id", "unreadable"],
            workers=1,
        )  # fmt: skip
    assert [code for code, _ in problems(caught)] == ["empty_mask", "too_small"]
    assert sorted(path.name for path in (tmp_path / "g").iterdir()) == ["jpeg-90", "x"]
    grid = forgebench.degrade_grid(
        awkward, tmp_path / "g", recipes=["x", "resize-0.25", "jpeg-90"], allow_issues="all", workers=1
    )
    assert {cell.recipe: cell.samples for cell in grid.cells} == {"x": 4, "resize-0.25": 1, "jpeg-90": 3}


def test_bad_input(shapes, tmp_path):
    with pytest.raises(InputError, match="No recipe 'jpgg'"):
        forgebench.degrade(shapes, tmp_path / "out", recipe="jpgg")
    with pytest.raises(InputError, match="comes as: jpeg-100"):
        forgebench.degrade(shapes, tmp_path / "out", recipe="jpeg")
    with pytest.raises(InputError, match="seed of 0 or more"):
        forgebench.degrade(shapes, tmp_path / "out", recipe="x", seed=-1)
    with pytest.raises(NotFoundError, match="Expected a benchmark"):
        forgebench.degrade(tmp_path / "none", tmp_path / "out", recipe="x")
    with pytest.raises(InputError, match="exists already"):
        forgebench.degrade(shapes, shapes.path, recipe="x")
    assert not list(tmp_path.iterdir())


def test_a_benchmark_that_was_changed_is_refused(shapes, tmp_path):
    """Every changed sample is named: one label, one image, one mask; and a row that is gone."""
    shutil.copytree(shapes.path, tmp_path / "copy")
    (file,) = (tmp_path / "copy" / "data").glob("test-*.parquet")
    table = pq.read_table(file)
    rows = {row["sample_id"]: row for row in table.to_pylist()}
    rows["grey-t"]["label"] = 0
    rows["colour-t"]["image"]["bytes"] = rows["colour-a"]["image"]["bytes"]
    rows["jpeg-t"]["mask"] = rows["jpeg-a"]["mask"]
    del rows["webp-a"]
    pq.write_table(pa.Table.from_pylist(list(rows.values()), schema=table.schema), file)
    for call in (
        lambda: forgebench.degrade(tmp_path / "copy", tmp_path / "out", recipe="x", workers=1),
        lambda: forgebench.degrade_grid(tmp_path / "copy", tmp_path / "out", recipes=["x"], workers=1),
    ):
        with pytest.raises(ProblemsError, match="is not what was built") as caught:
            call()
        assert problems(caught) == [
            ("changed", "colour-t"), ("changed", "grey-t"), ("changed", "jpeg-t"), ("missing", "webp-a"),
        ]  # fmt: skip
        assert not (tmp_path / "out").exists()


def test_a_parent_rebuilt_at_the_same_path_is_read_anew(tmp_path):
    items = parents.samples(("colour", "jpeg"))
    first = parents.build(tmp_path / "parent", items)
    one = forgebench.degrade(first, tmp_path / "one", recipe="jpeg-70", workers=1)
    shutil.rmtree(first.path)
    mask = parents.region("colour")
    data, _ = parents.file_of("colour", parents.scene(mask, 99))
    second = parents.build(tmp_path / "parent", [parents.item("colour-t", data, mask, mask.shape), *items[1:]])
    two = forgebench.degrade(second, tmp_path / "two", recipe="jpeg-70", workers=1)
    bytes_of = [next(made.rows("test"))["image"]["bytes"] for made in (one, two)]
    assert bytes_of[0] != bytes_of[1]
    buffer = BytesIO()
    Image.fromarray(parents.displayed(data)).save(buffer, "JPEG", quality=70, subsampling=2)
    assert bytes_of[1] == buffer.getvalue()


def test_boxes_or_scribbles_without_a_mask_are_not_dropped_in_silence(tmp_path, monkeypatch):
    from forgebench.benchmark import rows

    mask = parents.region("colour")
    data, _ = parents.file_of("colour", parents.scene(mask, 1))
    monkeypatch.setattr(rows, "_derived", lambda item: ([[30.0, 20.0, 54.0, 42.0]], None))
    parent = parents.build(tmp_path / "boxes", [parents.item("a", data, None, mask.shape)])
    monkeypatch.undo()
    with pytest.raises(ProblemsError) as caught:
        forgebench.degrade(parent, tmp_path / "out", recipe="x", workers=1)
    assert problems(caught) == [("no_mask", "a--x")]


def test_known_issues_of_the_parent_are_kept(tmp_path):
    from lookalikes import coverage

    coverage(tmp_path / "in")
    parent = forgebench.build("coverage", tmp_path / "in", tmp_path / "cover", workers=1)
    made = forgebench.degrade(parent, tmp_path / "out", recipe="resize-2", workers=1)
    assert parent.manifest.known_issues
    assert [(fix.sample_id, fix.action) for fix in made.manifest.known_issues] == [
        (f"{fix.sample_id}--resize-2", fix.action) for fix in parent.manifest.known_issues
    ]
    assert made.manifest.facts.citation == parent.manifest.facts.citation
    before = {row["sample_id"]: row for row in parent.rows("test")}
    for row in made.rows("test"):
        source = parents.bits(before[row["sample_id"].removesuffix("--resize-2")]["source_mask"])
        if source is None:
            assert row["source_mask"] is None
        else:
            assert np.array_equal(parents.bits(row["source_mask"]), source.repeat(2, 0).repeat(2, 1))


# --- kills ------------------------------------------------------------------------------------------------------------


def shards(out: Path) -> dict[str, int]:
    """The finished shards of finished and unfinished benchmarks, by their folder and name, and their inodes."""
    found = {}
    for file in out.glob("*/data/*.parquet"):
        folder = file.parents[1].name
        if file.with_suffix(".json").is_file() or not folder.endswith(".partial"):
            recipe = folder.removeprefix(".").removesuffix(".partial")
            found[f"{recipe}/{file.name}"] = file.stat().st_ino
    return found


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.soak
def test_a_grid_killed_at_any_moment_is_continued(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_ROWS", 3)
    recipes = ["noise-3", "crop-0.5"]
    forgebench.degrade_grid(shapes, tmp_path / "whole", recipes=recipes, workers=1)
    expected, kept = digests(tmp_path / "whole"), []
    here = os.environ | {"PYTHONPATH": str(Path(forgebench.__file__).parents[1])}
    for moment in range(2, 500, count(21, 2)):
        out = tmp_path / f"killed{moment}"
        command = [sys.executable, SCRIPT, shapes.path, out, ",".join(recipes), str(moment)]
        status = subprocess.run(command, env=here, stderr=subprocess.DEVNULL, check=False).returncode
        before = shards(out)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        forgebench.degrade_grid(shapes, out, recipes=recipes, workers=1)
        assert digests(out) == expected
        after = shards(out)
        assert {name: after[name] for name in before} == before, "made again"
        kept.append(len(before))
    assert status == 0
    assert len(kept) > 2
    assert kept[-1] > kept[0]


# --- the command ------------------------------------------------------------------------------------------------------


def run(*arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "forgebench", "degrade", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout if code == 0 or "--json" in arguments else " ".join((done.stdout + done.stderr).split())


def test_the_command(shapes, awkward, tmp_path):
    listed = json.loads(run("--list", "--json"))
    assert {"jpeg", "whatsapp"} <= {family["name"] for family in listed}
    text = run("--list")
    for words in ("motion-blur", "An approximation", "jpeg-70"):
        assert words in text
    made = json.loads(run(shapes.path, "--recipe", "jpeg-70", "--out", tmp_path / "j", "--workers", "1", "--json"))
    assert made == {
        "path": str(tmp_path / "j"), "name": "shapes--jpeg-70",
        "content_hash": open_benchmark(tmp_path / "j").content_hash, "samples": 16, "authentic": 8, "tampered": 8,
    }  # fmt: skip
    assert "2 benchmarks" in run(shapes.path, "--recipe", "x,gamma-2", "--out", tmp_path / "g", "--workers", "1")
    assert [cell.recipe for cell in forgebench.open_grid(tmp_path / "g").cells] == ["x", "gamma-2"]
    left_out = run(awkward.path, "--recipe", "resize-0.25", "--out", tmp_path / "r", "--allow-issues", "all")
    assert "4 left out" in left_out


def test_the_command_in_error(awkward, tmp_path):
    assert "--recipe NAME --out B2" in run(code=2)
    assert "Did you mean jpeg?" in run(awkward.path, "--recipe", "jpg", "--out", tmp_path / "o", code=2)
    told = json.loads(run(awkward.path, "--recipe", "resize-0.25", "--out", tmp_path / "o", "--json", code=2))
    assert [problem["code"] for problem in told["problems"]] == ["empty_mask", "long_id", "too_small", "unreadable"]
    assert not (tmp_path / "o").exists()


def test_the_package_and_the_function_go_by_one_name(shapes, tmp_path):
    code = (
        "import sys, forgebench, forgebench.degrade.transforms; "
        "print(forgebench.degrade(sys.argv[1], sys.argv[2], recipe='jpeg-90', workers=1).name)"
    )
    command = [sys.executable, "-c", code, str(shapes.path), str(tmp_path / "out")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "shapes--jpeg-90\n"
