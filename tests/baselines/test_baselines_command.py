"""`python -m baselines` as people use it: one message and exit code 2 for what cannot be, JSON for machines."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from baselines.cli import app
from baselines.common.registry import METHODS
from forgebench.cli import app as forgebench_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def run(*arguments, code=0, of=app):
    done = CliRunner().invoke(of, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output if code else done.stdout


TINY = ("--preset", "tiny", "--split", "test")


def test_methods_are_listed():
    listed = json.loads(run("methods", "--json"))
    assert [one["name"] for one in listed] == list(METHODS)
    assert all(one["level"] in ("image", "box", "scribble", "pixel") and one["about"] for one in listed)
    assert all(name in run("methods") for name in METHODS)


def test_trained_exported_and_predicted_from_the_shell(bench, tmp_path):
    out = tmp_path / "run"
    arguments = ("train", "linear-probe", "--data", bench, "--out", out, *TINY, "--set", "training.epochs=1")
    said = json.loads(run(*arguments, "--json"))
    assert (said["run"], said["epochs"], said["best_epoch"]) == (str(out), 1, 1)
    assert "image_auc" in said["held_out"]
    assert "holds a run already" in run(*arguments, code=2)
    assert json.loads(run("export", out, "--out", tmp_path / "shared", "--json"))["path"] == str(tmp_path / "shared")
    names = {path.name for path in (tmp_path / "shared").iterdir()}
    assert names == {"model.safetensors", "config.yaml", "method.json", "README.md"}
    sub = tmp_path / "sub.parquet"
    run("predict", tmp_path / "shared", bench, "--out", sub, of=forgebench_app)
    assert json.loads(run("validate", sub, "--benchmark", bench, "--json", of=forgebench_app))["ok"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "vilacoo"), "Did you mean 'vilaco'"),
        (("train", "vilaco", "--preset", "huge"), "It has: tiny, small, paper"),
        (("train", "vilaco", "--set", "training.epochs"), "NAME=VALUE"),
        (("train", "vilaco", "--set", "training.epoch=3"), "Did you mean 'training.epochs'"),
        (("train", "vilaco", "--config", "nowhere.yaml"), "no configuration at"),
        (("train", "vilaco", "--preset", "tiny"), "Expected a benchmark"),
    ],
)
def test_what_cannot_be_is_one_message(tmp_path, arguments, told):
    data = ("--data", tmp_path / "nothing", "--out", tmp_path / "run")
    assert told in " ".join(run(*arguments, *data, code=2).split())
    assert not (tmp_path / "run" / "last.pt").exists()


def test_what_is_no_run_is_not_exported(tmp_path):
    assert "Expected a trained run" in run("export", tmp_path, code=2)


def test_nothing_to_resume(bench, tmp_path):
    told = run("train", "linear-probe", "--data", bench, "--out", tmp_path / "run", *TINY, "--resume", code=2)
    assert "Train without --resume first" in " ".join(told.split())
