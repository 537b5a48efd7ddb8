"""What a method is: a configuration, presets of it, and a model with named losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor, nn

from baselines.common.config import Training

if TYPE_CHECKING:
    from baselines.common.data import Batch, Targets
    from forgebench.schema import Level


class Output(NamedTuple):
    """What a model says of a batch of images."""

    mask: Tensor
    """Shape (B, 1, h, w): probability of tampered, in [0, 1]."""
    score: Tensor
    """Shape (B,): probability that the image is tampered, in [0, 1]."""


class Progress(NamedTuple):
    """How far training is."""

    epoch: float
    """From 0, with its fraction."""
    epochs: int
    step: int
    """Batches done, from 0."""
    steps: int


_FREE = ("context", "contexts", "positions")


def decays(name: str, parameter: Tensor) -> bool:
    """Whether weight decay acts on a parameter: not on vectors, learned prompts and positions."""
    return parameter.ndim > 1 and name.rpartition(".")[2] not in _FREE


class Trainable(nn.Module, ABC):
    """What the training loop needs of a network."""

    @abstractmethod
    def losses(self, batch: Any, progress: Progress) -> dict[str, Tensor]:  # noqa: ANN401
        """Named scalar terms of a batch of the task's samples, weighted already; the loop minimises their sum."""

    def start(self) -> None:
        """Load what training alone begins with; an exported model holds its own weights, and needs it no more."""

    def parameter_groups(self, training: Training) -> list[dict[str, Any]]:
        """What the optimizer is given: parameters that are trained, without decay where `decays` says so."""
        trained = [(name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad]
        return [
            {"params": [p for name, p in trained if decays(name, p)], "weight_decay": training.weight_decay},
            {"params": [p for name, p in trained if not decays(name, p)], "weight_decay": 0.0},
        ]

    def after_step(self, batch: Any, progress: Progress) -> None:  # noqa: ANN401
        """What is done after each batch, such as filling a queue; nothing unless a method says otherwise."""

    def kept_state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: all but the frozen weights of named models, which are read from there again."""
        named = [name for name, module in self.named_modules() if getattr(module, "reloaded", False)]
        frozen = [name for name, parameter in self.named_parameters() if not parameter.requires_grad]
        left_out = {name for name in frozen if any(name.startswith(f"{home}.") for home in named)}
        return {name: tensor for name, tensor in self.state_dict().items() if name not in left_out}

    def load_kept_state(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `kept_state` gave.

        Raises:
            RuntimeError: If a tensor has no place or another shape, or one that is trained is missing.
        """
        missing, unexpected = self.load_state_dict(state, strict=False)
        lacking = set(missing) & set(self.kept_state())
        if unexpected or lacking:
            raise RuntimeError(f"The weights do not fit: unexpected {unexpected}, missing {sorted(lacking)}")


class Model(Trainable):
    """A method's network; the training loop and the predictor need no more than this."""

    @abstractmethod
    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Named scalar terms, weighted already; the loop minimises their sum."""

    @abstractmethod
    def predict(self, images: Tensor) -> Output:
        """What it says of images of shape (B, 3, H, W), float32 RGB in [0, 1], at the configured size."""

    def calibrate(self, scores: Sequence[float], labels: Sequence[bool]) -> None:
        """Set where `tampered` begins, by the held-out share; nothing unless a method says otherwise.

        Args:
            scores: Of the held-out images, as the model gives them uncalibrated; none at all undoes a calibration.
            labels: True for tampered.
        """


@dataclass(frozen=True)
class Method:
    """A trainable method."""

    name: str
    level: Level
    """The only level of annotation that its training loads."""
    config: type
    """Its frozen dataclass, with fields `training: Training` and `data: Data`."""
    presets: Mapping[str, Any]
    """`tiny` (random weights, for tests), `small` (what a laptop can train), `paper`."""
    build: Callable[[Any], Model]
    about: str = ""
    """One line for the list of methods."""
    ablations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What a study leaves out or changes: settings as `--set` takes them, by the ablation's name."""
    card: Callable[[Mapping[str, Tensor]], str] | None = None
    """Says in the model card what the weights tell beyond the configuration."""
    targets: Callable[[Any], Targets] | None = None
    """Makes a teacher of the configuration: maps to learn from, made of what the level shows."""
