"""What a run trains, on what, and how it is measured; the loop knows no more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray

from baselines.common.method import Trainable
from baselines.common.validation import Validated

Measure = Callable[[NDArray[np.integer], Accelerator], dict[str, float]]


class Learned(Protocol):
    """Samples that a network learns from: a map-style dataset, whose keys are pairs of epoch and index."""

    sample_ids: list[str]
    groups: list[str]
    """Of each sample: what is held out is whole groups."""
    kinds: NDArray[np.integer]
    """Of each sample: AUTHENTIC, TAMPERED or SYNTHETIC."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: tuple[int, int] | int) -> Any: ...  # noqa: ANN401

    def collate(self, items: Sequence[Any]) -> Any:  # noqa: ANN401
        """A batch of items, with a method `to(device)`."""


def digest(samples: Learned) -> str:
    """A hash of the samples' names, kinds and groups, in their order."""
    told = list(zip(samples.sample_ids, samples.kinds.tolist(), samples.groups, strict=True))
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Task:
    """One thing to train."""

    about: Mapping[str, Any]
    """What run.json says of it."""
    samples: Learned
    model: Trainable
    measure: Measure
    """Numbers of held-out samples, given their indexes: those of this process, gathered from all."""
    better: Callable[[Validated, Validated], bool]
    """Whether the first is to be kept rather than the second."""
    logged: tuple[str, ...]
    """Which of the numbers losses.csv has."""
    shown: str
    """Which of them is told after each epoch; none where empty."""
