"""Robustness: every point and area against a computation by hand, and what must be refused."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import forgebench
from forgebench import InputError, NotFoundError, Prediction, controls
from forgebench.benchmark import Benchmark
from forgebench.benchmark.grid import Cell
from forgebench.degrade import families, load_recipes, parent_of, steps
from forgebench.metrics.significance import ALPHA, holm, paired_bootstrap_p
from forgebench.scoring.robust import Robustness, read_robustness
from forgebench.scoring.robustness import CLEAN_AT

from .edits import by_sample, seal

RECIPES = ("blur", "resize-0.5", "resize-2", "jpeg-70", "x")
FROZEN = {"benchmark": "other", "split": "val", "content_hash": "0" * 64, "record_sha256": "1" * 64,
          "per_image_sha256": "2" * 64, "byte": 100, "score": 0.5}  # fmt: skip
WITHOUT = ("boundary", "regions")
FAST = ("--without", "boundary", "--without", "regions")
Hit = Callable[[str, str], bool]
"""Whether a method finds the region of a sample, under a recipe; its F1 is 1 or 0."""
module = importlib.import_module("forgebench.scoring.robustness")


def chance(*words: str) -> float:
    return zlib.crc32(" ".join(words).encode()) / 2**32


def able(sample_id: str, recipe: str) -> bool:
    return chance(sample_id) < 0.7


def shaky(sample_id: str, recipe: str) -> bool:
    return chance(sample_id) < 0.7 and (not recipe or chance(sample_id, recipe) < 0.6)


def failing(sample_id: str, recipe: str) -> bool:
    """Sees nothing from sigma 2 on."""
    return able(sample_id, recipe) and recipe not in ("blur-2", "blur-3")


def submit(hit: Hit, benchmark: Benchmark, path: Path, recipe: str = "", **about: str) -> Path:
    """Predictions that are the truth, at its size, or nothing."""
    found = []
    for row in benchmark.rows("test", ["sample_id", "mask"]):
        name = parent_of(row["sample_id"]).sample_id if recipe else row["sample_id"]
        truth = np.asarray(Image.open(BytesIO(row["mask"]["bytes"]))) > 0
        found.append(Prediction(row["sample_id"], 0.5, (truth * 255 * hit(name, recipe)).astype(np.uint8)))
    about = {"method": "by hand", "supervision": "pixel"} | about
    forgebench.write_submission(path, found, benchmark=benchmark, **about)
    return path


@pytest.fixture(scope="module")
def grid(scene, tmp_path_factory) -> Path:
    """Of small images some are left out under resizing."""
    out = tmp_path_factory.mktemp("grid") / "grid"
    forgebench.degrade_grid(scene.benchmark, out, recipes=RECIPES, allow_issues="all", workers=1)
    return out


@pytest.fixture(scope="module")
def run(scene, grid, tmp_path_factory):
    """Score a method on the clean benchmark and over the grid, once: the clean score, and the folder of the others."""
    known: dict[Hit, tuple[Path, Path]] = {}

    def score(hit: Hit) -> tuple[Path, Path]:
        if hit not in known:
            root = tmp_path_factory.mktemp(hit.__name__)
            (root / "subs").mkdir()
            submit(hit, scene.benchmark, root / "clean.zip")
            forgebench.score(root / "clean.zip", scene.benchmark, root / "clean", without=WITHOUT, workers=1)
            for cell in forgebench.open_grid(grid).cells:
                made = forgebench.open_benchmark(grid / cell.path)
                submit(hit, made, root / "subs" / f"{cell.recipe}.parquet", cell.recipe)
            forgebench.score_grid(root / "subs", grid, root / "out", clean=root / "clean", without=WITHOUT, workers=1)
            known[hit] = root / "clean", root / "out"
        return known[hit]

    return score


def points(made: Robustness):
    return {point.recipe: point for curve in made.curves for point in curve.points}


def curves(made: Robustness):
    return {curve.family: curve for curve in made.curves}


def ends(drawn):
    return tuple(np.quantile(drawn[~np.isnan(drawn)], [0.025, 0.975]))


def by_hand(clean: Path, cell: str, hit: Hit, seed: int, count: int):
    """Means of hits over tampered samples: value, clean value, and both in resamples of groups of all clean samples."""
    rows = pq.read_table(clean / "per_image.parquet", columns=["sample_id", "group", "label"]).to_pylist()
    weights = by_sample([row["group"] for row in rows], seed, count)
    other = pq.read_table(clean.parent / "out" / cell / "per_image.parquet", columns=["sample_id"])
    there = {parent_of(name.as_py()).sample_id for name in other["sample_id"]}
    inside = np.array([row["label"] == "tampered" and row["sample_id"] in there for row in rows])
    hits = [np.array([hit(row["sample_id"], recipe) for row in rows])[inside] for recipe in (cell, "")]
    with np.errstate(invalid="ignore"):
        drawn = [(weights[:, inside] @ one) / weights[:, inside].sum(axis=1) for one in hits]
    return [one.mean() for one in hits], drawn, len(rows) - len(there)


@pytest.mark.parametrize("cell", ["blur-0.5", "blur-3", "resize-0.5", "resize-2", "jpeg-70", "x"])
def test_points_are_those_by_hand(run, grid, cell):
    clean, out = run(shaky)
    found = points(forgebench.robustness(clean, [out], grid, seed=5, resamples=400))[cell]
    (value, before), (drawn, drawn_before), left_out = by_hand(clean, cell, shaky, 5, 400)
    assert (found.value, found.clean, found.left_out) == (pytest.approx(value), pytest.approx(before), left_out)
    assert found.difference == pytest.approx(value - before)
    assert (found.ci_low, found.ci_high) == pytest.approx(ends(drawn), abs=1e-9)
    gaps = drawn - drawn_before
    assert (found.difference_low, found.difference_high) == pytest.approx(ends(gaps), abs=1e-9)
    defined = gaps[~np.isnan(gaps)]
    rarer = min((defined <= 0).sum(), (defined >= 0).sum())
    assert found.p == pytest.approx(min(1, 2 * (rarer + 1) / (len(defined) + 1)))
    assert (left_out > 0) == (cell == "resize-0.5")
    record = json.loads((out / cell / "record.json").read_text())
    assert found.value == next(one["value"] for one in record["metrics"] if one["metric"] == "pixel_f1")
    assert (found.record_sha256, found.content_hash) == (record["record_sha256"], record["benchmark"]["content_hash"])


@pytest.mark.parametrize("hit", [shaky, failing])
def test_p_values_are_corrected_over_all_points(run, grid, hit):
    clean, out = run(hit)
    ordered = sorted(points(forgebench.robustness(clean, [out], grid)).values(), key=lambda one: one.p)
    corrected = [one.p * (len(ordered) - place) for place, one in enumerate(ordered)]
    expected = [min(1.0, max(corrected[: place + 1])) for place in range(len(ordered))]
    assert [one.p_holm for one in ordered] == pytest.approx(expected)
    assert [one.separated for one in ordered] == [one < 0.05 for one in expected]


def test_all_recipes_at_once_can_be_told_from_clean():
    least = paired_bootstrap_p(np.full(module.RESAMPLES, -0.1))
    assert holm([least] * len(load_recipes("grid"))).max() < ALPHA / 2


def test_areas_are_the_trapezoids_by_hand(run, grid):
    clean, out = run(shaky)
    made = forgebench.robustness(clean, [out], grid, seed=2, resamples=300)
    order = {
        "blur": ["", "blur-0.5", "blur-1", "blur-2", "blur-3"],
        "resize": ["resize-0.5", "", "resize-2"],
        "jpeg": ["", "jpeg-70"],
    }
    for family, cells in order.items():
        area = curves(made)[family].area
        parts = {cell: by_hand(clean, cell, shaky, 2, 300) for cell in cells if cell}
        whole = next(one for name, one in parts.items() if not name.startswith("r")) if family != "resize" else (
            by_hand(clean, "x", shaky, 2, 300)
        )  # fmt: skip
        axis = np.linspace(0, 1, len(cells))
        value = np.trapezoid([parts[c][0][0] if c else whole[0][1] for c in cells], axis)
        drawn = np.trapezoid(np.stack([parts[c][1][0] if c else whole[1][1] for c in cells]), axis, axis=0)
        gap = np.trapezoid([parts[c][0][0] - parts[c][0][1] if c else 0 for c in cells], axis)
        zero = np.zeros(300)
        gaps = np.trapezoid(np.stack([parts[c][1][0] - parts[c][1][1] if c else zero for c in cells]), axis, axis=0)
        assert area.value == pytest.approx(value)
        assert 0 <= area.value <= 1
        assert (area.ci_low, area.ci_high) == pytest.approx(ends(drawn), abs=1e-9)
        assert area.difference == pytest.approx(gap)
        assert (area.difference_low, area.difference_high) == pytest.approx(ends(gaps), abs=1e-9)
    assert (curves(made)["x"].area, curves(made)["x"].clean_at) == (None, None)
    assert (curves(made)["resize"].axis, curves(made)["resize"].clean_at) == (["resize-0.5", "resize-2"], 1)


def test_a_method_that_sees_no_difference_loses_nothing(run, grid):
    clean, out = run(able)
    made = forgebench.robustness(clean, [out], grid)
    for point in points(made).values():
        gap = (point.difference, point.difference_low, point.difference_high)
        assert (*gap, point.p, point.p_holm, point.separated) == (0, 0, 0, 1, 1, False)
    for family in ("blur", "jpeg"):
        area = curves(made)[family].area
        assert (area.value, area.ci_low, area.ci_high) == (made.clean, made.ci_low, made.ci_high)
        assert (area.difference, area.difference_low, area.difference_high) == (0, 0, 0)
    resized = curves(made)["resize"]
    assert resized.points[0].clean != made.clean, "some were left out, which is no loss"
    assert resized.area.difference == 0


def test_a_method_that_fails_from_a_strength_on(run, grid):
    clean, out = run(failing)
    made = forgebench.robustness(clean, [out], grid)
    blur = curves(made)["blur"]
    assert [point.value for point in blur.points] == [made.clean, made.clean, 0, 0]
    assert blur.area.value == pytest.approx(made.clean * (0.5 + 1 + 1) / 4)
    assert blur.area.difference_high < 0
    assert [point.separated for point in blur.points] == [False, False, True, True]


def test_unpaired_intervals_would_be_wider(run, grid, monkeypatch):
    """The planted fault: each degraded score in resamples of its own."""
    clean, out = run(shaky)
    paired = forgebench.robustness(clean, [out], grid, resamples=1000)
    draw, calls = module.bootstrap, iter(range(100))
    monkeypatch.setattr(module, "bootstrap", lambda what, units, seed, count: draw(what, units, next(calls), count))
    unpaired = forgebench.robustness(clean, [out], grid, resamples=1000)

    def width(made):
        return {name: one.difference_high - one.difference_low for name, one in points(made).items()}

    pairs = [(width(paired)[name], width(unpaired)[name]) for name in ("blur-0.5", "blur-1", "blur-2", "jpeg-70")]
    assert all(narrow < 0.95 * wide for narrow, wide in pairs), pairs


def test_cells_that_were_not_scored_are_named_and_have_no_area(run, grid):
    clean, out = run(failing)
    made = forgebench.robustness(clean, [out / "blur-1", out / "blur-3", out / "x"], grid)
    assert made.missing == ["blur-0.5", "blur-2", "resize-0.5", "resize-2", "jpeg-70"]
    assert list(curves(made)) == ["blur", "x"]
    blur = curves(made)["blur"]
    assert (blur.area, [point.recipe for point in blur.points]) == (None, ["blur-1", "blur-3"])
    assert blur.axis == ["blur-0.5", "blur-1", "blur-2", "blur-3"]


def test_undefined_is_null_and_not_a_loss(run, grid):
    clean, out = run(able)
    made = forgebench.robustness(clean, [out], grid, metric="boundary_f")
    assert {(point.value, point.p, point.p_holm) for point in points(made).values()} == {(None, None, None)}
    assert all(curve.area is None for curve in made.curves)
    assert (points(made)["x"].n, points(made)["x"].n_undefined) == (10, 10)


def test_what_is_written_is_what_was_computed(run, grid, tmp_path):
    clean, out = run(shaky)
    made = read_robustness(out)
    assert made == forgebench.robustness(clean, [out], grid)
    assert (out / "record.json").read_bytes() == (clean / "record.json").read_bytes()
    assert forgebench.verify(out) == []
    frame = made.to_frame()
    assert list(frame["recipe"]) == list(points(made))
    assert list(frame["family"].unique()) == ["blur", "resize", "jpeg", "x"]
    (tmp_path / "robustness.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        read_robustness(tmp_path)


def copied(folder: Path, out: Path, **changes) -> Path:
    """A score whose record was changed and sealed again."""
    shutil.copytree(folder, out)
    fields = json.loads((out / "record.json").read_text())
    for path, value in changes.items():
        part, _, name = path.partition("__")
        fields[part] = fields[part] | {name: value} if name else value
    (out / "record.json").write_text(json.dumps(seal(fields)))
    return out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method__method": "another"}, ["other_method", "by hand", "another"]),
        ({"method__version": "2"}, ["other_version"]),
        ({"benchmark__split": "train"}, ["other_split"]),
        ({"benchmark__content_hash": "0" * 64}, ["other_benchmark", "small--blur-1"]),
        ({"per_image__sha256": "0" * 64}, ["changed", "forgebench verify"]),
        ({"calibration": FROZEN}, ["other_thresholds", "none frozen", "frozen in record 11111"]),
    ],
)  # fmt: skip
def test_other_scores_are_refused(run, grid, tmp_path, changes, words):
    clean, out = run(able)
    wrong = copied(out / "blur-1", tmp_path / "wrong", **changes)
    with pytest.raises(InputError) as caught:
        forgebench.robustness(clean, [wrong, out / "x"], grid)
    assert all(word in str(caught.value) for word in words), caught.value


def test_an_edited_record_a_second_one_and_none_are_refused(run, grid, tmp_path):
    clean, out = run(able)
    edited = Path(shutil.copytree(out / "blur-1", tmp_path / "edited"))
    text = (edited / "record.json").read_text()
    (edited / "record.json").write_text(text.replace('"created_utc": "2', '"created_utc": "3', 1))
    with pytest.raises(InputError, match=r"(?s)changed.*twice"):
        forgebench.robustness(clean, [edited, out / "x", out], grid)
    with pytest.raises(InputError, match="at least one record"):
        forgebench.robustness(clean, [clean], grid)
    with pytest.raises(InputError, match="was changed after"):
        forgebench.robustness(edited, [out], grid)


def test_a_score_of_another_parent_is_refused(run, grid, tmp_path):
    clean, out = run(able)
    with pytest.raises(InputError, match=r"grid was made from small .*Score the method on the grid's parent"):
        forgebench.robustness(out / "blur-1", [out], grid)
    with pytest.raises(InputError, match="grid was made from small"):
        forgebench.score_grid(out.parent / "subs", grid, tmp_path / "new", clean=out / "x")
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match="seed of at least 0"):
        forgebench.robustness(clean, [out], grid, seed=-1)


def test_samples_that_are_no_ones_children_are_refused(run, grid, tmp_path):
    """A record that says it is of another cell than its table."""
    clean, out = run(able)
    other = next(cell.content_hash for cell in forgebench.open_grid(grid).cells if cell.recipe == "blur-2")
    wrong = copied(out / "blur-1", tmp_path / "wrong", benchmark__content_hash=other)
    with pytest.raises(InputError, match="no sample of the clean score after blur-2"):
        forgebench.robustness(clean, [wrong], grid)


def test_scores_are_not_written_over_others(run, grid, tmp_path):
    clean, out = run(able)
    subs = out.parent / "subs"
    taken = Path(shutil.copytree(out / "x", tmp_path / "taken"))
    with pytest.raises(InputError, match="another score"):
        forgebench.score_grid(subs, grid, taken, clean=clean, workers=1)
    with pytest.raises(NotFoundError, match=r"blur-0\.5\.parquet.*forgebench predict"):
        forgebench.score_grid(tmp_path, grid, tmp_path / "new", clean=clean, workers=1)
    two = Path(shutil.copytree(subs, tmp_path / "two"))
    shutil.copy(two / "x.parquet", two / "x.zip")
    with pytest.raises(InputError, match="Keep one submission for x"):
        forgebench.score_grid(two, grid, tmp_path / "new", clean=clean, workers=1)


def test_every_step_says_where_clean_is():
    union, _ = get_args(steps.Step)
    ops = {get_args(step.model_fields["op"].annotation)[0] for step in get_args(union)}
    assert set(CLEAN_AT) == ops - {"png"}, "which takes no strength"


@pytest.mark.parametrize("family", [one for one in families() if one.strengths], ids=lambda one: one.name)
def test_shipped_families_go_from_clean_to_the_strongest(family):
    op = next(step["op"] for step in family.steps if "strength" in step.values())
    cells = [
        Cell(recipe=one.name, family=one.family, version=1, strength=one.strength, unit=one.unit, path="",
             content_hash="", samples=1)
        for one in family.recipes()
    ]  # fmt: skip
    axis, clean_at = module._axis(sorted(cells, key=lambda cell: cell.recipe), CLEAN_AT[op])
    both_ways = {"gamma": 2, "resize": 3}
    assert [cell.recipe for cell in axis] == [cell.recipe for cell in cells]
    assert clean_at == both_ways.get(family.name, 0)


def test_a_grid_is_predicted_once(scene, grid, tmp_path):
    made = forgebench.predict_grid(controls.centre_box(), grid, tmp_path / "subs")
    cells = forgebench.open_grid(grid).cells
    assert [one.path.name for one in made] == [f"{cell.recipe}.parquet" for cell in cells]
    assert [one.manifest.content_hash for one in made] == [cell.content_hash for cell in cells]
    (tmp_path / "subs" / "x.parquet").unlink()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "subs").iterdir()}
    forgebench.predict_grid(controls.centre_box(), grid, tmp_path / "subs")
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "subs").iterdir()}
    assert {path.name for path in after.keys() - before.keys()} == {"x.parquet"}
    assert {path: after[path] for path in before} == before
    with pytest.raises(InputError, match="does not hold predictions of"):
        forgebench.predict_grid(controls.all_black(), grid, tmp_path / "subs")


def command(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "forgebench", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_the_command_from_grid_to_report(scene, grid, tmp_path):
    bench, method = scene.benchmark.path, "baselines.controls:centre_box"
    assert "8 submissions" in command("predict", method, grid, "--out", tmp_path / "subs")
    command("predict", method, bench, "--out", tmp_path / "sub")
    command("score", tmp_path / "sub", "-b", bench, "--out", tmp_path / "clean", *FAST)
    assert "--clean" in command("score", tmp_path / "subs", "-b", grid, "--out", tmp_path / "out", code=2)
    plain = ("score", tmp_path / "sub", "-b", bench, "--out", tmp_path / "no", "--clean", tmp_path / "clean")
    assert "is no grid" in command(*plain, code=2)
    (tmp_path / "subs" / "blur-2.parquet").unlink()
    score = ("score", tmp_path / "subs", "-b", grid, "--out", tmp_path / "out", "--clean", tmp_path / "clean")
    said = command(*score, *FAST, "--workers", 1)
    assert "Not scored, so without an area: blur-2" in said
    assert "resize: area" in said
    assert "blur: area" not in said
    made = read_robustness(tmp_path / "out")
    again = json.loads(command("robustness", tmp_path / "out", "-b", grid, "--clean", tmp_path / "clean", "--json"))
    assert again == made.model_dump()
    assert read_robustness(tmp_path / "clean") == made
    command("score", tmp_path / "sub", "-b", bench, "--out", tmp_path / "clean", *FAST)
    assert not (tmp_path / "clean" / "robustness.json").exists(), "it was of the score that is gone"
    image = ("robustness", tmp_path / "out", "-b", grid, "--clean", tmp_path / "clean", "--metric", "image_auc")
    assert "image_auc of" in command(*image, "--out", tmp_path / "other")
    assert read_robustness(tmp_path / "other").metric == "image_auc"
    command(*image, "--out", tmp_path / "out" / "x", code=2)
