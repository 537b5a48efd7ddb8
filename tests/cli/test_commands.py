"""The command as people and scripts use it: every verb, its JSON, its exit codes, its messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forgebench.demo import PHOTOS


def run(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "forgebench", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout if code == 0 or "--json" in arguments else done.stdout + done.stderr


def run_json(*arguments: str | Path, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark with two submissions and their scores, made by the command alone."""
    root = tmp_path_factory.mktemp("cli")
    assert run_json("synth", "--photos", PHOTOS, "--out", root / "bench", "-n", "10")["samples"] == 10
    for name, out in (("centre_box", "box.zip"), ("jpeg_ghost", "ghost.parquet")):
        method = f"baselines.controls:{name}"
        about = run_json("predict", method, root / "bench", "--out", root / out)
        assert about["benchmark"] == "synth-demo"
        assert run_json("validate", root / out, "--benchmark", root / "bench")["ok"]
        score = ("score", root / out, "--benchmark", root / "bench", "--out", root / "scores" / name)
        assert run_json(*score)["benchmark"]["n"] == 10
    return root


def test_verify_says_yes_and_no(scored: Path, tmp_path: Path) -> None:
    assert "verified" in run("verify", scored / "bench")
    assert run_json("verify", scored / "scores/centre_box") == {
        "path": str(scored / "scores/centre_box"), "ok": True, "problems": [],
    }  # fmt: skip
    record = json.loads((scored / "scores/centre_box/record.json").read_text())
    record["metrics"][0]["value"] = 0.99
    copy = tmp_path / "score"
    copy.mkdir()
    (copy / "record.json").write_text(json.dumps(record))
    (copy / "per_image.parquet").write_bytes((scored / "scores/centre_box/per_image.parquet").read_bytes())
    codes = {problem["code"] for problem in run_json("verify", copy, code=1)["problems"]}
    assert codes == {"record_hash", "number"}


def test_rescore_is_identical_from_table_and_from_predictions(scored: Path) -> None:
    assert run_json("rescore", scored / "scores/centre_box")["identical"]
    again = ("rescore", scored / "scores/centre_box", "--predictions", scored / "box.zip", "-b", scored / "bench")
    assert run_json(*again)["identical"]


def test_compare_and_report(scored: Path) -> None:
    pair = (scored / "scores/centre_box", scored / "scores/jpeg_ghost")
    found = run_json("compare", *pair, "--metric", "pixel_auc")
    assert list(found["values"]) == ["JPEG ghost", "centre box"]
    assert len(found["differences"]) == 1
    page = Path(run_json("report", scored / "scores", "--out", scored / "report.html")["report"])
    assert "JPEG ghost" in page.read_text(encoding="utf-8")


def test_everything_that_a_score_can_hold(scored: Path, tmp_path: Path) -> None:
    score = ("score", scored / "ghost.parquet", "-b", scored / "bench", "--out", tmp_path / "s", "--definitions", "all")
    slices = [word for name in ("manipulation", "region_size", "jpeg_quality", "source") for word in ("--slice", name)]
    found = run_json(*score, *slices, "--interval", "bca", "--without", "boundary")
    assert {one["definition"] for one in found["metrics"]} == set(found["definitions"]) > {"forgebench", "trufor"}
    subsets = {one["subset"] for one in found["metrics"]}
    assert {None, "manipulation=splice", "source=demo"} <= subsets
    boundary = next(one for one in found["metrics"] if one["metric"] == "boundary_f")
    assert (boundary["value"], boundary["n_undefined"]) == (None, boundary["n"])
    assert found["statistics"]["interval"] == "bca"
    assert run_json("verify", tmp_path / "s")["ok"]
    assert run_json("rescore", tmp_path / "s")["identical"]
    text = run("score", scored / "box.zip", "-b", scored / "bench", "--out", tmp_path / "t")
    assert "Undefined for all samples: " in text


def test_a_permutation_test_of_one_slice(scored: Path) -> None:
    pair = (scored / "scores/centre_box", scored / "scores/jpeg_ghost")
    found = run_json("compare", *pair, "--test", "permutation", "--slice", "manipulation=splice")
    assert (found["test"], found["subset"]) == ("permutation", "manipulation=splice")
    assert 0 < found["differences"][0]["p"] <= 1


def test_people_get_tables_and_what_to_do_next(scored: Path, tmp_path: Path) -> None:
    text = run("score", scored / "box.zip", "-b", scored / "bench", "--out", tmp_path / "s")
    assert "pixel_f1" in text
    assert "forgebench report" in text
    assert "tier" in run("compare", scored / "scores/centre_box", scored / "scores/jpeg_ghost")
    assert "casia-v1" in run("sources")
    assert "Kaggle" in run("sources", "casia-v1")
    assert run_json("sources", "coverage")[0]["expected"] == {"authentic": 100, "tampered": 100}
    assert "sample_id" not in run("validate", "--schema")[:20]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("build", "casia-v3", "--from", ".", "--out", "x"), ["No source", "Did you mean casia-v2"]),
        (("build", "coverage", "--from", "nowhere", "--out", "x"), ["Expected the folder", "nowhere", "github.com"]),
        (("verify", "nowhere"), ["nowhere"]),
        (("score", "nowhere.zip", "-b", "{bench}", "--out", "x"), ["Expected a submission", "nowhere.zip"]),
        (("predict", "no.such:method", "{bench}", "--out", "x"), ["No method", "package.module:factory"]),
        (("predict", "baselines.controls:random", "{bench}", "--out", "x", "--split", "train"), ["no split 'train'"]),
        (("compare", "{scores}/centre_box"), ["two records or more"]),
        (("compare", "{scores}/centre_box", "{scores}/jpeg_ghost", "--metric", "pixel_f2"), ["no metric 'pixel_f2'"]),
        (("score", "{bench}/../box.zip", "-b", "{bench}", "--out", "x", "--definitions", "ours"), ["No definition"]),
        (("score", "{bench}/../box.zip", "-b", "{bench}", "--out", "x", "--slice", "colour"), ["No slice colour"]),
        (("score", "{bench}/../box.zip", "-b", "{bench}", "--out", "x", "--interval", "t"), ["No interval 't'", "bca"]),
        (("score", "{bench}/../box.zip", "-b", "{bench}", "--out", "x", "--engine", "gpu"), ["No engine 'gpu'", "ray"]),
        (
            ("score", "{bench}/../box.zip", "-b", "{bench}", "--out", "x", "--calibration", "{scores}/centre_box"),
            ["would be tuned on the test"],
        ),
        (("compare", "{scores}/centre_box", "{scores}/jpeg_ghost", "--test", "t"), ["No test 't'", "permutation"]),
        (("compare", "{scores}/centre_box", "{scores}/jpeg_ghost", "--slice", "a=b"), ["No slice a"]),
        (("sign", "{scores}/centre_box", "--key", "nowhere.pem"), ["Expected a key", "openssl genpkey"]),
        (("report", "nowhere"), ["nowhere"]),
        (("rescore", "nowhere"), ["nowhere"]),
        (("validate",), ["validate SUB --benchmark BENCH"]),
        (("scroe",), ["scroe"]),
    ],
)  # fmt: skip
def test_bad_input_gives_one_message_and_exit_code_2(
    scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    filled = [part.format(bench=scored / "bench", scores=scored / "scores") for part in arguments]
    text = " ".join(run(*filled, code=2).split())
    for word in words:
        assert word in text
    assert not list(tmp_path.iterdir()), "nothing half-written"


def test_errors_are_json_where_json_was_asked_for(tmp_path: Path) -> None:
    assert (
        "Expected the folder"
        in run_json("build", "coverage", "--from", tmp_path / "none", "--out", "x", code=2)["error"]
    )


def test_importing_is_light() -> None:
    code = "import sys, forgebench; print([m for m in ('numpy', 'torch', 'pyarrow', 'datasets') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
