"""IFDL-VLM, both stages: trained one beside the other, stopped and gone on, and what reaches a submission."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import load_dataset
from PIL import Image

import forgebench
from baselines.common.config import override
from baselines.common.export import export
from baselines.common.loop import train as train_first
from baselines.ifdl_vlm import METHOD
from baselines.ifdl_vlm.explain import predictor, study, train
from baselines.ifdl_vlm.explain.answer import write
from baselines.ifdl_vlm.explain.cases import Cases
from baselines.ifdl_vlm.explain.config import PRESETS
from baselines.ifdl_vlm.explain.model import Explainer
from forgebench.errors import InputError, NotFoundError
from forgebench.submission.predict import read_samples

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:Answers of more than"
)  # fmt: skip
QUICK = {"training.validation_share": "0.3", "training.batch_size": "2", "lora_dropout": "0.2"}
TINY = override(PRESETS["tiny"], QUICK)
TRUTH = {"type": "splice", "area": "top left, 2.0 % of the image", "content": "a cat", "evidence": "It is brighter."}


@pytest.fixture(scope="module")
def first(told, tmp_path_factory):
    """Stage 1, trained a little."""
    folder = tmp_path_factory.mktemp("first") / "run"
    settings = {"training.epochs": "1", "training.validation_share": "0.4"}
    train_first(METHOD, override(METHOD.presets["tiny"], settings), told, folder)
    return export(folder)


@pytest.fixture
def beside(first, tmp_path):
    """Copies of stage 1 to train beside."""
    return lambda name: shutil.copytree(first, tmp_path / name)


@pytest.fixture(scope="module")
def run(first, told, tmp_path_factory):
    folder = shutil.copytree(first, tmp_path_factory.mktemp("both") / "run")
    train.train(TINY, told, folder, say=lambda _: None)
    return folder


def rows_of(told: Path) -> list[dict]:
    return list(load_dataset(str(told), "pixel", split="test"))


def losses(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "explain" / "losses.csv").read_text().splitlines()))


def test_both_stages_are_saved_and_predict_together(run, told, tmp_path):
    submission = forgebench.predict(str(run), told, tmp_path / "said.parquet")
    assert submission.manifest.method == "ifdl-vlm-explained"
    assert "mask" in submission.manifest.outputs
    one = Cases(told, "test")[0]
    again, other = (train.load_explainer(run) for _ in range(2))
    features = again.see([one.image], [one.mask])
    assert torch.equal(features, other.see([one.image], [one.mask]))
    assert again.answer(features) == other.answer(features)
    assert [row["epoch"] for row in losses(run)] == ["1", "2"]
    assert all(np.isfinite(float(row[name])) for row in losses(run) for name in ("loss", "held_out_loss"))
    assert list((run / "explain" / "tensorboard").glob("events.*"))


def test_it_learns_from_explained_forgeries_alone(told):
    found = Cases(told, "train")
    rows = load_dataset(str(told), "pixel", split="train")
    assert [case.sample_id for case in found] == [row["sample_id"] for row in rows if row["label"] == 1]
    for case, row in zip(found, [row for row in rows if row["label"] == 1], strict=True):
        assert case.explanation == {name: row["explanation"][name] for name in case.explanation}
        assert case.mask.shape == case.image.shape[:2]
        assert case.mask.any()
    assert found.groups == [case.group for case in found]


@pytest.mark.parametrize("stops", [(1,), (2, 4)])
def test_stopped_within_an_epoch_it_goes_on_to_the_same_losses_and_weights(beside, told, stops):
    whole, cut = beside("whole"), beside("cut")
    train.train(TINY, told, whole, say=lambda _: None)
    for index, stop in enumerate(stops):
        train.train(TINY, told, cut, stop_after=stop, resume=index > 0, say=lambda _: None)
        assert not (cut / "explain" / "model.safetensors").exists()
    train.train(TINY, told, cut, resume=True, say=lambda _: None)
    assert (cut / "explain" / "losses.csv").read_bytes() == (whole / "explain" / "losses.csv").read_bytes()
    ours, theirs = (torch.load(one / "explain" / "last.pt", weights_only=True)["model"] for one in (cut, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    weights = [(one / "explain" / "model.safetensors").read_bytes() for one in (cut, whole)]
    assert weights[0] == weights[1]


def test_it_trains_in_bf16(beside, told):
    config = override(TINY, {"training.precision": "bf16", "training.epochs": "1"})
    assert train.train(config, told, beside("run"), say=lambda _: None).epochs == 1


@pytest.mark.soak
def test_two_processes_train_as_one_with_batches_twice_as_large(beside, told):
    together, alone = beside("together"), beside("alone")
    settings = {"training.epochs": "1", "training.batch_size": "2", "lora_dropout": "0", "training.precision": "'no'"}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "baselines"]
    chosen = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    arguments = ["explain-train", str(together), "--data", str(told), "--preset", "tiny", *chosen]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, *launch, *arguments], capture_output=True, text=True, env=environment,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((together / "explain" / "run.json").read_text())["processes"] == 2
    assert (together / "explain" / "model.safetensors").is_file()
    config = override(PRESETS["tiny"], settings | {"training.batch_size": "4"})
    train.train(config, told, alone, say=lambda _: None)
    # Two means of two answers are not one of four, whose tokens are counted together: nearly the same.
    assert float(losses(together)[0]["loss"]) == pytest.approx(float(losses(alone)[0]["loss"]), rel=0.1)
    ours, theirs = (float(losses(one)[0]["held_out_loss"]) for one in (together, alone))
    assert ours == pytest.approx(theirs, rel=0.1)


def test_explanations_reach_the_submission_once_the_decision_is_calibrated(run, told, tmp_path, monkeypatch):
    """A classifier that calls nothing tampered at a half explains nothing; calibrated, it does, and it is scored."""
    answers = {case.sample_id: write(case.explanation) for case in Cases(told, "test")}
    monkeypatch.setattr(Explainer, "answer", lambda self, seen: [next(iter(answers.values())) for _ in seen])
    method = predictor.load(run)
    model = method.first.model
    model.classify[2].bias.data[0] += 9.0
    model.calibrate([], [])
    samples = list(read_samples(forgebench.open_benchmark(told), "test"))
    plain = [one.score for one in method.first.predict(samples)]
    assert max(plain) < 0.5
    silent = forgebench.predict(method, told, tmp_path / "silent.parquet")
    record = forgebench.score(silent, told, tmp_path / "silent", without=("boundary", "regions"))
    assert np.isnan(record.value("text_f1"))
    tampered = {row["sample_id"]: row["label"] == 1 for row in rows_of(told)}
    model.calibrate(plain, [tampered[one.sample_id] for one in samples])
    said = forgebench.predict(method, told, tmp_path / "said.parquet")
    found = {row["sample_id"]: said.read(row["sample_id"], (row["height"], row["width"])) for row in rows_of(told)}
    explained = {name for name, one in found.items() if one.explanation is not None}
    assert explained == {name for name, one in found.items() if one.score > 0.5}
    assert 0 < len(explained) < len(found)
    record = forgebench.score(said, told, tmp_path / "score", without=("boundary", "regions"))
    assert record.value("text_f1") > 0


def test_the_malformed_are_counted_and_left_out(run, told, tmp_path, monkeypatch):
    said = iter([write(TRUTH), "nothing of that form"] * 100)
    monkeypatch.setattr(Explainer, "answer", lambda self, seen: [next(said) for _ in seen])
    method = predictor.load(run)
    method.first.model.classify[2].bias.data[2] = 50.0  # everything is tampered
    submission = forgebench.predict(method, told, tmp_path / "said.parquet")
    rows = rows_of(told)
    found = [submission.read(r["sample_id"], (r["height"], r["width"])).explanation for r in rows]
    assert method.malformed == len(rows) // 2
    assert [one for one in found if one is not None] == [TRUTH] * (len(rows) // 2)


def test_authentic_images_are_not_explained(run, told, tmp_path, monkeypatch):
    monkeypatch.setattr(Explainer, "answer", lambda self, seen: [write(TRUTH) for _ in seen])
    method = predictor.load(run)
    method.first.model.classify[2].bias.data[0] = 50.0  # everything is real
    submission = forgebench.predict(method, told, tmp_path / "said.parquet")
    assert all(submission.read(r["sample_id"], (r["height"], r["width"])).explanation is None for r in rows_of(told))


def test_a_study_of_the_four_masks(run, told, tmp_path):
    report = study.study(run, told, tmp_path, limit=4, say=lambda _: None)
    assert set(report["conditions"]) == {
        "true mask", "predicted mask", "no mask", "region only", "untrained", "template",
    }  # fmt: skip
    assert report["conditions"]["template"]["type"]["mean"] == 1  # all truths are splices
    assert report["conditions"]["untrained"]["malformed"] == 4
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert set(answers["true mask"]) <= {case.sample_id for case in Cases(told, "test")}
    assert len(answers["true mask"]) == 4
    with Image.open(tmp_path / "examples.png") as drawn:
        assert drawn.width == 1200


def test_what_cannot_be_trained_is_told(run, beside, bench, told, tmp_path):
    with pytest.raises(NotFoundError, match="explain-train"):
        train.load_explainer(tmp_path)
    with pytest.raises(NotFoundError, match="exported run"):
        train.train(TINY, told, tmp_path)
    with pytest.raises(InputError, match="holds a run already"):
        train.train(TINY, told, run)
    with pytest.raises(InputError, match="mask and an explanation"):
        train.train(TINY, bench, beside("untold"), split="test")
    with pytest.raises(InputError, match="select_by must be empty"):
        train.train(override(TINY, {"training.select_by": "image_auc"}), told, beside("chosen"))
