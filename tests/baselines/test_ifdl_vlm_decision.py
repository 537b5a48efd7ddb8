"""IFDL-VLM's image decision: where `tampered` begins, fitted on what is held out, and what hangs on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.common.config import override
from baselines.common.data import Samples, held_out
from baselines.common.export import export, load_model
from baselines.common.loop import train
from baselines.ifdl_vlm import METHOD
from baselines.ifdl_vlm.decision import Decision, equal_error
from baselines.ifdl_vlm.heads import REAL, SYNTHETIC, TAMPERED

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TINY = METHOD.presets["tiny"]


def errors(scores, labels, threshold):
    """Shares of tampered images missed and of authentic ones that raise an alarm, one by one."""
    missed = [score <= threshold for score, label in zip(scores, labels, strict=True) if label]
    alarmed = [score > threshold for score, label in zip(scores, labels, strict=True) if not label]
    return sum(missed) / len(missed), sum(alarmed) / len(alarmed)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_errs_more_alike(seed):
    rng = np.random.default_rng(seed)
    labels = rng.random(60) < 0.3
    scores = 0.05 * rng.random(60) + 0.02 * labels  # all far below a half
    found = 1 / (1 + np.exp(-equal_error(scores, labels)))
    gaps = [abs(np.subtract(*errors(scores, labels, cut))) for cut in (*scores, found)]
    assert gaps[-1] == min(gaps)
    assert 0 < errors(scores, labels, found)[0] < 1


def test_without_a_choice_there_is_no_bias():
    assert equal_error(np.array([0.1, 0.2]), np.array([True, True])) == 0
    assert equal_error(np.array([0.1, 0.2]), np.array([False, False])) == 0
    assert equal_error(np.array([0.3, 0.3]), np.array([True, False])) == 0
    assert equal_error(np.array([]), np.array([], bool)) == 0
    assert np.isfinite(equal_error(np.array([0.0, 1.0]), np.array([False, True])))


def test_uncalibrated_it_is_one_less_the_probability_of_real():
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    score, classes = Decision()(logits)
    assert torch.allclose(score, 1 - logits.softmax(dim=1)[:, REAL], atol=1e-6)
    assert ((classes != REAL) == (score > 0.5)).all()
    assert (classes[score > 0.5] == 1 + logits[score > 0.5, 1:].argmax(dim=1)).all()
    assert {REAL, SYNTHETIC, TAMPERED} == set(classes.tolist())


def test_calibrated_it_keeps_the_order_and_moves_a_half():
    logits = torch.randn(40, 3, generator=torch.Generator().manual_seed(1)) + torch.tensor([9.0, 0, 0])
    labels = (logits[:, TAMPERED] > 0.3).tolist()
    decision = Decision()
    before = decision(logits)
    assert (before.classes == REAL).all()
    decision.fit(before.score.tolist(), labels)
    after = decision(logits)
    assert torch.equal(before.score.argsort(), after.score.argsort())
    missed, alarmed = errors(after.score.tolist(), labels, 0.5)
    assert abs(missed - alarmed) < 0.1
    assert (after.classes[after.score > 0.5] != REAL).all()
    assert 0 < int((after.score > 0.5).sum()) < 40


@pytest.fixture(scope="module")
def run(bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decision") / "run"
    config = override(TINY, {"training.epochs": "1", "training.validation_share": "0.4"})
    train(METHOD, config, bench, folder, split="test")
    return export(folder)


def test_training_fits_it_on_the_held_out_share_and_the_folder_says_so(run, bench):
    _, config, model = load_model(run)
    assert float(model.decision.bias) != 0
    samples = Samples(bench, "pixel", config.data, split="test", training=False)
    out = np.flatnonzero(held_out(samples.groups, 0.4, config.training.seed))
    batch = samples.collate([samples[int(index)] for index in out])
    labels = (batch.labels > 0).tolist()
    with torch.no_grad():
        score = model.predict(batch.images).score
        model.calibrate([], [])
        plain = model.predict(batch.images).score
    missed, alarmed = errors(score.tolist(), labels, 0.5)
    assert abs(missed - alarmed) <= 1 / min(sum(labels), len(labels) - sum(labels))
    model.calibrate(plain.tolist(), labels)
    assert float(model.decision.bias) == pytest.approx(float(load_model(run)[2].decision.bias), abs=1e-4)
    assert f"{float(model.decision.bias):.3f}"[:-1] in (run / "README.md").read_text()


def test_it_is_left_out_where_the_configuration_says_so(bench, tmp_path):
    settings = {"training.epochs": "1", "training.validation_share": "0.4", "calibrate": "false"}
    train(METHOD, override(TINY, settings), bench, tmp_path, split="test")
    assert float(torch.load(tmp_path / "best.pt", weights_only=True)["model"]["decision.bias"]) == 0
    assert not METHOD.presets["paper"].calibrate
