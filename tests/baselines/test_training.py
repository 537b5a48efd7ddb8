"""Training as it is run: killed and gone on, on two processes, told what fails, chosen on what is held out."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import forgebench
from baselines.common import checkpoint, loop
from baselines.common.config import override
from baselines.common.loop import train
from baselines.common.registry import METHODS, get
from baselines.common.validation import Validated, better
from forgebench.demo import PHOTOS
from forgebench.errors import InputError, NotFoundError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

PROBE = get("linear-probe")
SOAK = bool(os.environ.get("FORGEBENCH_SOAK"))


def tiny(name: str = "linear-probe", **settings: str):
    changes = {name.replace("__", "."): value for name, value in settings.items()}
    return override(get(name).presets["tiny"], changes)


def weights(run: Path, name: str = "last.pt") -> dict[str, torch.Tensor]:
    return torch.load(run / name, weights_only=True)["model"]


def same(first: Path, second: Path, name: str = "last.pt") -> bool:
    ours, theirs = weights(first, name), weights(second, name)
    return all(torch.equal(ours[part], theirs[part]) for part in ours)


def rows(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "losses.csv").read_text(encoding="utf-8").splitlines()))


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "baselines", "train", *map(str, arguments)]


def options(bench: Path, out: Path, epochs: int) -> list[str]:
    return [*map(str, ("--data", bench, "--split", "test", "--preset", "tiny", "--set", f"training.epochs={epochs}")),
            "--out", str(out)]  # fmt: skip


@pytest.mark.soak
def test_killed_it_goes_on_to_the_same_losses_and_weights(bench, tmp_path):
    epochs = 25
    for name in METHODS if SOAK else ["linear-probe"]:
        whole, cut = tmp_path / name / "whole", tmp_path / name / "cut"
        config = tiny(name, training__epochs=str(epochs))
        process = subprocess.Popen(command(name, *options(bench, cut, epochs)), stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 120
            while time.monotonic() < until and not (cut / "last.pt").is_file():
                time.sleep(0.005)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert 1 <= len(rows(cut)) < epochs
        train(get(name), config, bench, whole, split="test")
        train(get(name), config, bench, cut, split="test", resume=True)
        assert (cut / "losses.csv").read_bytes() == (whole / "losses.csv").read_bytes()
        assert same(whole, cut)
        assert same(whole, cut, "best.pt")


@pytest.mark.parametrize("stops", [(1,), (3, 7, 9)])
def test_stopped_within_an_epoch_its_losses_are_those_of_the_whole_epoch(bench, tmp_path, stops):
    config = tiny(training__epochs="2")
    train(PROBE, config, bench, tmp_path / "whole", split="test")
    for index, stop in enumerate(stops):
        train(PROBE, config, bench, tmp_path / "cut", split="test", stop_after=stop, resume=index > 0)
    train(PROBE, config, bench, tmp_path / "cut", split="test", resume=True)
    assert (tmp_path / "cut" / "losses.csv").read_bytes() == (tmp_path / "whole" / "losses.csv").read_bytes()


def test_what_a_kill_leaves_between_a_row_and_its_checkpoint_is_not_counted_twice(bench, tmp_path, monkeypatch):
    config = tiny(training__epochs="3")
    train(PROBE, config, bench, tmp_path / "whole", split="test")
    write, calls = checkpoint.save, []

    def dying(path: Path, state: dict[str, object]) -> None:
        calls.append(path.name)
        if calls.count("last.pt") == 2:
            raise KeyboardInterrupt
        write(path, state)

    monkeypatch.setattr(checkpoint, "save", dying)
    with pytest.raises(KeyboardInterrupt):
        train(PROBE, config, bench, tmp_path / "cut", split="test")
    monkeypatch.undo()
    train(PROBE, config, bench, tmp_path / "cut", split="test", resume=True)
    assert (tmp_path / "cut" / "losses.csv").read_bytes() == (tmp_path / "whole" / "losses.csv").read_bytes()
    assert same(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.soak
def test_two_processes_train_as_one_with_batches_twice_as_large(bench, tmp_path):
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "baselines", "train"]
    for name in METHODS if SOAK else ["linear-probe", "ifdl-vlm"]:
        out = tmp_path / name
        arguments = [name, *options(bench, out, 1), "--set", "data.flip=0", "--set", "training.batch_size=4"]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run([sys.executable, *launch, *arguments], capture_output=True, text=True, env=environment,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads((out / "run.json").read_text())["processes"] == 2
        assert len(rows(out)) == 1
        assert np.isfinite(float(rows(out)[0]["total"]))
    one = tiny(training__epochs="1", training__batch_size="8", data__flip="0")
    train(PROBE, one, bench, tmp_path / "one", split="test")
    ours, theirs = weights(tmp_path / "linear-probe"), weights(tmp_path / "one")
    for part in ours:
        assert torch.allclose(ours[part], theirs[part], atol=1e-5), part


def test_what_is_held_out_is_not_learned_from_and_chooses_the_best(bench, tmp_path, monkeypatch):
    config = tiny(training__epochs="3", training__validation_share="0.25")
    scripted = iter([{"image_auc": 0.6}, {"image_auc": 0.9}, {"image_auc": 0.7}])
    seen = {}

    def validate(model, samples, members, *_):
        seen["held out"] = {samples.groups[index] for index in members}
        return next(scripted)

    trained_on = []
    take = loop.Samples.__getitem__
    monkeypatch.setattr(loop, "validate", validate)
    monkeypatch.setattr(
        loop.Samples, "__getitem__", lambda self, key: trained_on.append(self.groups[key[1]]) or take(self, key)
    )
    trained = train(PROBE, config, bench, tmp_path / "run", split="test")
    assert trained.best.epoch == 2
    assert len(seen["held out"]) >= 2
    assert seen["held out"].isdisjoint(trained_on)
    best, last = weights(tmp_path / "run", "best.pt"), weights(tmp_path / "run", "last.pt")
    assert any(not torch.equal(best[part], last[part]) for part in best)


def test_better_goes_by_the_metrics_direction():
    def one(value, metric="image_auc"):
        return Validated({metric: value}, 1)

    nothing = Validated({}, -1)
    assert better(one(0.6), one(0.5), "image_auc")
    assert not better(one(0.5), one(0.5), "image_auc")
    assert better(one(0.1), nothing, "image_auc")
    assert not better(one(float("nan")), one(0.1), "image_auc")
    assert better(one(0.1, "image_eer"), one(0.2, "image_eer"), "image_eer")


def test_with_nothing_to_choose_by_the_last_epoch_is_kept(bench, tmp_path):
    config = tiny(training__epochs="3", training__validation_share="0.3", training__select_by="''")
    assert train(PROBE, config, bench, tmp_path / "run", split="test").best.epoch == 3
    last, kept = weights(tmp_path / "run"), weights(tmp_path / "run", "best.pt")
    assert all(torch.equal(last[name], kept[name]) for name in kept)


def test_an_unknown_metric_to_choose_by_is_refused_before_training(bench, tmp_path):
    with pytest.raises(InputError, match="image_au"):
        train(PROBE, tiny(training__select_by="image_au"), bench, tmp_path / "run", split="test")
    with pytest.raises(InputError, match="'image' has no masks"):
        train(PROBE, tiny(training__select_by="pixel_auc"), bench, tmp_path / "run", split="test")
    assert not (tmp_path / "run").exists()


def test_numbers_on_what_is_held_out_are_those_of_the_metric_module(bench, tmp_path):
    level = {name: get(name).level for name in METHODS}
    config = tiny(training__epochs="1", training__validation_share="0.3")
    assert level["linear-probe"] == "image"
    trained = train(PROBE, config, bench, tmp_path / "run", split="test")
    row = rows(tmp_path / "run")[0]
    assert float(row["held_out_image_auc"]) == pytest.approx(trained.best.numbers["image_auc"], abs=1e-5)
    assert np.isnan(float(row["held_out_pixel_f1"]))
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_a_loss_that_is_not_finite_is_told(bench, tmp_path):
    config = tiny(training__learning_rate="1e30", training__warmup_epochs="0", training__clip_norm="0")
    with pytest.raises(InputError, match="not finite at step"):
        train(PROBE, config, bench, tmp_path / "run", split="test")


def test_gradients_are_clipped_and_accumulated(bench, tmp_path, monkeypatch):
    seen = []
    step = torch.optim.AdamW.step

    def watched(self, *arguments, **named):
        grads = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        seen.append(float(torch.stack([grad.norm() for grad in grads]).norm()))
        return step(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    config = tiny(training__epochs="1", training__accumulate="3", training__clip_norm="0.01")
    train(PROBE, config, bench, tmp_path / "run", split="test")
    batches = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["place"]["step"]
    assert len(seen) == -(-batches // 3)
    assert max(seen) <= 0.0101


def test_stopped_within_an_accumulation_it_goes_on_to_the_same_weights(bench, tmp_path):
    config = tiny(training__epochs="2", training__accumulate="3", training__validation_share="0")
    train(PROBE, config, bench, tmp_path / "whole", split="test")
    train(PROBE, config, bench, tmp_path / "cut", split="test", stop_after=1)
    place = torch.load(tmp_path / "cut" / "last.pt", weights_only=True)["place"]
    assert place["step"] == 3
    train(PROBE, config, bench, tmp_path / "cut", split="test", resume=True)
    assert same(tmp_path / "whole", tmp_path / "cut")


def test_what_is_accumulated_is_a_mean_where_the_last_are_fewer(bench, tmp_path):
    for accumulate in (8, 80):
        config = tiny(training__epochs="1", training__accumulate=str(accumulate), training__validation_share="0",
                      training__clip_norm="0", training__batch_size="4")  # fmt: skip
        train(PROBE, config, bench, tmp_path / str(accumulate), split="test")
    first, second = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("8", "80"))
    assert first["place"]["step"] == 8
    for ours, theirs in zip(*(one["optimizer"]["state"].values() for one in (first, second)), strict=True):
        assert torch.allclose(ours["exp_avg"], theirs["exp_avg"], rtol=1e-4)


def test_a_refused_resume_leaves_the_configuration_that_it_names(bench, tmp_path):
    train(PROBE, tiny(training__epochs="1"), bench, tmp_path, split="test")
    before = (tmp_path / "config.yaml").read_bytes()
    with pytest.raises(InputError, match="another configuration"):
        train(PROBE, tiny(training__epochs="2"), bench, tmp_path, split="test", resume=True)
    assert (tmp_path / "config.yaml").read_bytes() == before


def test_a_run_goes_on_with_its_own_samples_and_processes_alone(bench, tmp_path):
    train(PROBE, tiny(training__epochs="2"), bench, tmp_path / "run", split="test", stop_after=1)
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    forgebench.synthesize(PHOTOS, tmp_path / "other", n=32, splits={"test": 1.0}, workers=1, seed=1)
    with pytest.raises(InputError, match="was begun with"):
        train(PROBE, tiny(training__epochs="2"), tmp_path / "other", tmp_path / "run", split="test", resume=True)
    checkpoint.save(tmp_path / "run" / "last.pt", state | {"begun": state["begun"] | {"processes": 2}})
    with pytest.raises(InputError, match="'processes': 2"):
        train(PROBE, tiny(training__epochs="2"), bench, tmp_path / "run", split="test", resume=True)


def test_the_launchers_precision_does_not_stand_in_for_the_configured_one(bench, tmp_path, monkeypatch):
    train(PROBE, tiny(training__epochs="1"), bench, tmp_path / "plain", split="test")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    train(PROBE, tiny(training__epochs="1"), bench, tmp_path / "launched", split="test")
    assert same(tmp_path / "plain", tmp_path / "launched")
    train(PROBE, tiny(training__epochs="1", training__precision="bf16"), bench, tmp_path / "bf16", split="test")
    assert not same(tmp_path / "plain", tmp_path / "bf16")


def test_loader_processes_change_nothing(bench, tmp_path):
    config = tiny(training__epochs="1", data__crop_area="0.6")
    for name, workers in (("here", 0), ("ahead", 2)):
        made = replace(config, training=replace(config.training, workers=workers))
        train(PROBE, made, bench, tmp_path / name, split="test")
    assert same(tmp_path / "here", tmp_path / "ahead")


def test_checkpoints_that_cannot_be_read(tmp_path):
    with pytest.raises(NotFoundError, match="Train without --resume first"):
        checkpoint.load(tmp_path / "last.pt")
    (tmp_path / "last.pt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="damaged"):
        checkpoint.load(tmp_path / "last.pt")
