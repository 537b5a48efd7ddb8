"""What every method must do, at preset tiny: learn, stop and go on alike, export, predict, repeat."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

import forgebench
from baselines.common.config import from_yaml, override, to_yaml
from baselines.common.data import Samples
from baselines.common.export import export, load_model
from baselines.common.loop import train
from baselines.common.method import Progress
from baselines.common.predictor import load
from baselines.common.registry import METHODS, get
from forgebench.errors import InputError
from forgebench.submission.predict import read_samples

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

NAMES = list(METHODS)
MIDWAY = Progress(1.0, 2, 4, 8)


def config_of(name: str, **settings: str):
    return override(get(name).presets["tiny"], {"training.validation_share": "0", **settings})


def batch_of(name: str, bench: Path, count: int = 8):
    method, config = get(name), config_of(name)
    targets = method.targets(config) if method.targets else None
    samples = Samples(bench, method.level, config.data, split="test", training=False, targets=targets)
    return samples.collate([samples[index] for index in np.linspace(0, len(samples) - 1, count).astype(int)])


def built(name: str, seed: int = 0, **settings: str):
    torch.manual_seed(seed)
    return get(name).build(config_of(name, **settings))


def total(model, batch, progress=MIDWAY):
    return torch.stack([term.float() for term in model.losses(batch, progress).values()]).sum()


def steps(model, batch, count: int, rate: float, at: Progress | None = None) -> list[float]:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    seen = []
    for step in range(count):
        progress = at or Progress(2.0 * step / count, 2, step, count)
        loss = total(model, batch, progress)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.after_step(batch, progress)
        seen.append(float(loss.detach()))
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_whole_and_round_trip(name):
    method = get(name)
    assert set(method.presets) >= {"tiny", "small", "paper"}
    assert method.about
    for preset in method.presets.values():
        assert from_yaml(method.config, to_yaml(preset)) == preset


@pytest.mark.parametrize("name", NAMES)
def test_maps_and_scores_are_probabilities_of_the_right_shape(name, bench):
    model, batch = built(name).eval(), batch_of(name, bench, 3)
    with torch.no_grad():
        mask, score = model.predict(batch.images)
    assert mask.shape[:2] == (3, 1)
    assert score.shape == (3,)
    for one in (mask, score):
        assert bool(((one >= 0) & (one <= 1)).all())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_all_that_is_trained_and_nothing_frozen(name, bench):
    model, batch = built(name).train(), batch_of(name, bench)
    for _ in range(3):  # queues fill, and what begins at zero moves
        steps(model, batch, 2, 1e-3)
    model.zero_grad()
    total(model, batch).backward()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    assert trained
    assert reached == trained


@pytest.mark.parametrize("name", NAMES)
def test_frozen_weights_stay_as_they_are(name, bench):
    model, batch = built(name).train(), batch_of(name, bench)
    before = {n: p.detach().clone() for n, p in model.named_parameters() if not p.requires_grad}
    steps(model, batch, 2, 1e-2)
    after = dict(model.named_parameters())
    assert all(torch.equal(before[n], after[n]) for n in before)


@pytest.mark.parametrize("name", NAMES)
def test_losses_fall_on_the_whole_benchmark(name, bench):
    seen = steps(built(name).train(), batch_of(name, bench, 32), 12, 3e-3, MIDWAY)
    assert np.isfinite(seen).all()
    assert np.mean(seen[-3:]) < np.mean(seen[:3])


@pytest.mark.parametrize("name", NAMES)
def test_it_can_know_eight_pictures_by_heart(name, eight):
    model, batch = built(name).train(), batch_of(name, eight, 8)
    steps(model, batch, 60, 5e-3)
    model.eval()
    with torch.no_grad():
        score = model.predict(batch.images).score
    assert float(score[batch.labels > 0].min()) > float(score[batch.labels == 0].max())


@pytest.mark.parametrize("name", NAMES)
def test_stopped_anywhere_it_goes_on_to_the_same_weights(name, bench, tmp_path):
    method, config = get(name), config_of(name, **{"training.epochs": "2"})
    train(method, config, bench, tmp_path / "whole", split="test")
    train(method, config, bench, tmp_path / "cut", split="test", stop_after=3)
    train(method, config, bench, tmp_path / "cut", split="test", resume=True)
    whole, cut = (torch.load(tmp_path / run / "last.pt", weights_only=True) for run in ("whole", "cut"))
    assert whole["place"] == cut["place"]
    assert all(torch.equal(whole["model"][n], cut["model"][n]) for n in whole["model"])
    texts = [(tmp_path / run / "losses.csv").read_text(encoding="utf-8") for run in ("whole", "cut")]
    whole_rows, cut_rows = (list(csv.DictReader(text.splitlines())) for text in texts)
    assert whole_rows[1] == cut_rows[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name, bench, tmp_path):
    method = get(name)
    made = {}
    for run, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        config = config_of(name, **{"training.epochs": "1", "training.seed": seed})
        train(method, config, bench, tmp_path / run, split="test")
        made[run] = torch.load(tmp_path / run / "best.pt", weights_only=True)["model"]
    assert all(torch.equal(made["a"][n], made["b"][n]) for n in made["a"])
    assert any(not torch.equal(made["a"][n], made["c"][n]) for n in made["a"])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_exported_predicts_alike_at_the_images_own_size(name, bench, tmp_path):
    method, config = get(name), config_of(name, **{"training.epochs": "1"})
    train(method, config, bench, tmp_path / "run", split="test")
    export(tmp_path / "run", tmp_path / "shared")
    submission = forgebench.predict(str(tmp_path / "shared"), bench, tmp_path / "sub.zip", device="cpu")
    assert submission.manifest.supervision == method.level
    assert forgebench.validate(submission, bench) == []
    samples = list(islice(read_samples(forgebench.open_benchmark(bench), "test"), 3))
    predictor = load(tmp_path / "shared", device="cpu")
    _, _, model = load_model(tmp_path / "shared")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), predictor.model.parameters(), strict=True))
    for sample, said in zip(samples, predictor.predict(samples), strict=True):
        assert said.mask.shape == (sample.height, sample.width)
        assert 0 <= said.score <= 1


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_in_bf16(name, bench, tmp_path):
    config = config_of(name, **{"training.epochs": "1", "training.precision": "bf16"})
    trained = train(get(name), config, bench, tmp_path / "run", split="test")
    assert trained.epochs == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_run_with_another_configuration_is_not_taken_up(name, bench, tmp_path):
    method, config = get(name), config_of(name)
    train(method, config, bench, tmp_path / "run", split="test", stop_after=1)
    other = replace(config, training=replace(config.training, learning_rate=0.5))
    with pytest.raises(InputError, match="another configuration"):
        train(method, other, bench, tmp_path / "run", split="test", resume=True)
    with pytest.raises(InputError, match="holds a run already"):
        train(method, config, bench, tmp_path / "run", split="test")
