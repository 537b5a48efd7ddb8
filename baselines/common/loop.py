"""Training: one loop for all methods, on any number of processes, resumed to the same losses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from baselines.common import checkpoint
from baselines.common.checkpoint import BEST, LAST, Place
from baselines.common.config import to_yaml
from baselines.common.data import Batches, Samples, held_out
from baselines.common.method import Method, Progress, Trainable
from baselines.common.schedule import rate
from baselines.common.task import Task, digest
from baselines.common.telling import progress_bar, tell_epoch
from baselines.common.validation import Validated, better, validate
from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS
from forgebench.schema import LEVELS

CONFIG, ABOUT = "config.yaml", "run.json"
LOGGED = ("pixel_f1", "pixel_auc", "pixel_ap", "image_auc", "image_if1", "fpr_authentic")
"""Held-out numbers of a method in losses.csv."""


@dataclass(frozen=True)
class Trained:
    """What a run came to."""

    folder: Path
    epochs: int
    best: Validated
    seconds: float
    waiting: float
    """Share of the time spent waiting for the loader."""


class Losses(nn.Module):
    """A model whose forward pass is its losses, so that what wraps it sees one call."""

    def __init__(self, model: Trainable) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Any, progress: Progress) -> dict[str, Tensor]:  # noqa: ANN401
        """Named terms."""
        return self.model.losses(batch, progress)


def train(
    method: Method, config: Any, benchmark: str | Path, out: str | Path, *, split: str = "train",  # noqa: ANN401
    resume: bool = False, stop_after: int | None = None, say: Any = None,  # noqa: ANN401
) -> Trained:  # fmt: skip
    """Train a method on a benchmark's split, from its own level of annotation alone.

    Args:
        method: What to train.
        config: Its configuration.
        benchmark: A built benchmark's folder, or a Hub name.
        out: The run's folder: config.yaml, run.json, losses.csv, checkpoints and TensorBoard logs.
        split: What to train on; a share of its groups is held out and chooses the best checkpoint.
        resume: Go on from the last checkpoint at `out`.
        stop_after: Stop after so many batches in all, as a kill would; at the next step of the optimizer.
        say: Told a line an epoch.

    Raises:
        InputError: If the benchmark or the folder cannot be used.
    """
    chosen = config.training.select_by
    if chosen:
        DEFINITIONS["forgebench"].metric(chosen)  # unknown names are refused before training
        if chosen.startswith("pixel_") and "mask" not in LEVELS[method.level]:
            raise InputError(f"Level {method.level!r} has no masks to measure {chosen} by.")

    def begin() -> Task:
        targets = method.targets(config) if method.targets is not None else None
        about = {"seed": config.training.seed, "split": split}
        samples = Samples(benchmark, method.level, config.data, targets=targets, **about)
        unseen = Samples(benchmark, method.level, config.data, training=False, **about)
        model = method.build(config)

        def measure(members: NDArray[np.integer], accelerator: Accelerator) -> dict[str, float]:
            return validate(model, unseen, members, config.training.batch_size, accelerator)

        return Task(
            {"method": method.name, "level": method.level}, samples, model, measure,
            lambda new, old: not chosen or better(new, old, chosen), LOGGED, chosen,
        )  # fmt: skip

    return train_task(begin, config, out, resume=resume, stop_after=stop_after, say=say)


def train_task(
    begin: Callable[[], Task], config: Any, out: str | Path, *, resume: bool = False,  # noqa: ANN401
    stop_after: int | None = None, say: Any = None,  # noqa: ANN401
) -> Trained:  # fmt: skip
    """Train whatever is a task; arguments as of `train`.

    Args:
        begin: Makes the task, after the generators have been seeded.
        config: Its configuration, with a field `training`.
        out: The run's folder.
        resume: Go on from the last checkpoint at `out`.
        stop_after: Stop after so many batches in all.
        say: Told a line an epoch.

    Raises:
        InputError: If the folder cannot be used, or a loss is not finite.
    """
    return _Run(begin, config, Path(out), resume).go(stop_after, say or (lambda _: None))


class _Run:
    def __init__(self, begin: Callable[[], Task], config: Any, out: Path, resume: bool) -> None:  # noqa: ANN401
        self.config, self.out, self.resume = config, out, resume
        training = config.training
        set_seed(training.seed)
        if training.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
            torch.backends.cudnn.benchmark = False
        AcceleratorState._reset_state()  # a process may train several methods, of different precisions
        # A batch need not reach all of a model: one of authentic images alone has no loss of masks.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        precision = training.precision  # "no" in words: of None the launcher's own would be taken
        self.accelerator = Accelerator(mixed_precision=precision, cpu=not _accelerated(), kwargs_handlers=[unused])
        self.task = begin()
        self.samples, self.model = self.task.samples, self.task.model
        out_there = held_out(self.samples.groups, training.validation_share, training.seed)
        self.inside, self.outside = np.flatnonzero(~out_there), np.flatnonzero(out_there)
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        self.begun = {"samples": digest(self.samples), "processes": processes}  # a resumed run must have the same
        self.batches = Batches(self.inside, self.samples.kinds, training, rank, processes)
        self.model.start()
        self.optimizer = torch.optim.AdamW(
            self.model.parameter_groups(training), lr=training.learning_rate, betas=training.betas
        )
        for group in self.optimizer.param_groups:
            group["full_rate"] = group["lr"]
        self.steps = training.epochs * len(self.batches)
        self.place, self.best = Place(0, 0, 0), Validated({}, -1)
        self.seen: list[dict[str, float]] = []
        self.seconds = self.waited = 0.0

    def go(self, stop_after: int | None, say: Any) -> Trained:  # noqa: ANN401
        if self.resume:
            self._take_up(checkpoint.load(self.out / LAST))
        self._make_room()
        self.wrapped, self.optimizer = self.accelerator.prepare(Losses(self.model), self.optimizer)
        for epoch in range(self.place.epoch, self.config.training.epochs):
            means = self._epoch(epoch, stop_after)
            if stop_after is not None and self.place.step >= stop_after and self.place.batch:
                return self._trained()
            self._validate(epoch, means, say)
        return self._trained()

    def _trained(self) -> Trained:
        self.accelerator.wait_for_everyone()  # the main process writes what the others may read next
        waiting = self.waited / self.seconds if self.seconds else 0.0
        return Trained(self.out, self.place.epoch, self.best, self.seconds, waiting)

    def _make_room(self) -> None:
        if not self.accelerator.is_main_process:
            return
        if not self.resume and (self.out / LAST).exists():
            raise InputError(f"{self.out} holds a run already. Go on with --resume, or choose another folder.")
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / CONFIG).write_text(to_yaml(self.config), encoding="utf-8")
        about = {
            **self.task.about, "training_samples": len(self.inside), "validation_samples": len(self.outside),
            "torch": torch.__version__,
            "device": str(self.accelerator.device), "processes": self.accelerator.num_processes,
        }  # fmt: skip
        (self.out / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")

    def _epoch(self, epoch: int, stop_after: int | None) -> dict[str, float]:
        """Train one epoch, from where it was left; the mean of each loss."""
        self.batches.epoch, self.batches.skip = epoch, self.place.batch
        loader: DataLoader[Any] = DataLoader(
            self.samples,  # type: ignore[arg-type]
            batch_sampler=self.batches, collate_fn=self.samples.collate,
            num_workers=self.config.training.workers, pin_memory=torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(0),  # its own: a loader begun again must not draw from the run's
        )  # fmt: skip
        self.wrapped.train()
        left = len(self.batches) - self.place.batch
        with progress_bar(self.accelerator.is_main_process, f"epoch {epoch + 1}", left) as advance:
            waiting_since = time.perf_counter()
            for batch in loader:
                self.waited += time.perf_counter() - waiting_since
                terms = self._step(batch.to(self.accelerator.device))
                self.seen.append(terms)
                advance(terms)
                self.seconds += time.perf_counter() - waiting_since
                waiting_since = time.perf_counter()
                if stop_after is not None and self.place.step >= stop_after and self._stepped():
                    self._save(LAST)
                    break
        names = dict.fromkeys(name for one in self.seen for name in one)
        return {name: float(np.mean([one.get(name, 0.0) for one in self.seen])) for name in names}

    def _step(self, batch: Any) -> dict[str, float]:  # noqa: ANN401
        training = self.config.training
        done, each = self.place, len(self.batches)
        progress = Progress(done.step / each, training.epochs, done.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["full_rate"] * rate(training, progress.epoch)
        with self.accelerator.autocast():
            terms = self.wrapped(batch, progress)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        if not bool(torch.isfinite(total)):
            shown = {name: float(term.detach()) for name, term in terms.items()}
            raise InputError(f"A loss is not finite at step {done.step}: {shown}. Try a lower learning rate.")
        together = min(training.accumulate, each - done.batch // training.accumulate * training.accumulate)
        self.accelerator.backward(total / together)
        self.place = Place(done.epoch, done.batch + 1, done.step + 1)
        if self._stepped():
            if training.clip_norm:
                self.accelerator.clip_grad_norm_(self.wrapped.parameters(), training.clip_norm)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        self.model.after_step(batch, progress)
        return {name: float(term.detach()) for name, term in terms.items()} | {"total": float(total.detach())}

    def _stepped(self) -> bool:
        """Whether the optimizer steps after the last batch: none of its gradients are gathered still."""
        return self.place.batch % self.config.training.accumulate == 0 or self.place.batch == len(self.batches)

    def _validate(self, epoch: int, means: Mapping[str, float], say: Any) -> None:  # noqa: ANN401
        """Score the held-out share, and keep what is best there."""
        self.place, self.seen = Place(epoch + 1, 0, self.place.step), []
        unseen = self.outside[self.accelerator.process_index :: self.accelerator.num_processes]
        numbers = self.task.measure(unseen, self.accelerator)
        validated = Validated(numbers, epoch + 1)
        best = not len(self.outside) or self.task.better(validated, self.best)
        if best:
            self.best = validated
        if self.accelerator.is_main_process:
            if best:
                checkpoint.save(self.out / BEST, {"model": checkpoint.on_cpu(self.model.kept_state())})
            kept = {f"held_out_{name}": numbers.get(name, float("nan")) for name in self.task.logged}
            tell_epoch(self.out, {"epoch": epoch + 1, **means, **kept})
            shown, told = ", ".join(f"{name} {value:.4f}" for name, value in means.items()), self.task.shown
            held = f"; held out: {told} {numbers[told]:.3f}" if told in numbers else ""
            say(f"epoch {epoch + 1}: {shown}{held}{' (best)' if best else ''}")
        self._save(LAST)

    def _save(self, name: str) -> None:
        if not self.accelerator.is_main_process:
            return
        state = {
            "model": checkpoint.on_cpu(self.model.kept_state()), "optimizer": self.optimizer.state_dict(),
            "place": asdict(self.place), "seen": self.seen,
            "best": {"numbers": dict(self.best.numbers), "epoch": self.best.epoch},
            "random": checkpoint.random_states(), "config": to_yaml(self.config), "begun": self.begun,
        }  # fmt: skip
        scaler = self.accelerator.scaler
        checkpoint.save(self.out / name, state | {"scaler": scaler.state_dict() if scaler is not None else {}})

    def _take_up(self, state: Mapping[str, Any]) -> None:
        if state["config"] != to_yaml(self.config):
            raise InputError(f"{self.out} was trained with another configuration: see its {CONFIG}.")
        if state["begun"] != self.begun:
            raise InputError(f"{self.out} was begun with {state['begun']}, not {self.begun}. Train anew.")
        self.model.load_kept_state(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler is not None and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.place, self.seen = Place(**state["place"]), state["seen"]
        self.best = Validated(state["best"]["numbers"], state["best"]["epoch"])
        checkpoint.set_random_states(state["random"])


def _accelerated() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()
