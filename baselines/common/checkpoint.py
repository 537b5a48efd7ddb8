"""Checkpoints of a run: weights, optimizer, random states and how far it is; written whole or not at all."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forgebench.errors import InputError, NotFoundError

LAST, BEST = "last.pt", "best.pt"


@dataclass(frozen=True)
class Place:
    """How far a run is."""

    epoch: int
    batch: int
    """Batches of this epoch that are done."""
    step: int
    """Batches done in all."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint under a temporary name, and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    torch.save(state, temporary)
    temporary.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values only, nothing that could run.

    Raises:
        NotFoundError: If there is none.
        InputError: If it cannot be read.
    """
    if not path.is_file():
        raise NotFoundError(f"Expected a checkpoint at {path}, found none. Train without --resume first.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path} is no checkpoint, or is damaged: {error}") from error
    return state


def random_states() -> dict[str, Any]:
    """The states of all generators that training draws from, as plain values."""
    kind, keys, place, has_gauss, gauss = np.random.get_state()  # noqa: NPY002  libraries draw from it
    version, numbers, after = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys).astype(np.int64)), place, has_gauss, gauss],
        "python": [version, list(numbers), after],
    }


def set_random_states(states: dict[str, Any]) -> None:
    """Put generators back to what `random_states` saw."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    kind, keys, place, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), place, has_gauss, gauss))  # noqa: NPY002
    version, numbers, after = states["python"]
    random.setstate((version, tuple(numbers), after))


def on_cpu(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies of tensors in main memory."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}
