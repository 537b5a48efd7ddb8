"""Forgeries as a data set for torch; imported only where one is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import torch.distributed as dist
from torch.utils.data import IterableDataset, get_worker_info

from forgebench.synthesis.photos import Photo
from forgebench.synthesis.recipe import Recipe
from forgebench.synthesis.stream import samples


class Stream(IterableDataset[dict[str, Any]]):
    """The samples of a seed, each made by one worker of one rank."""

    def __init__(self, recipe: Recipe, photos: Sequence[Photo], seed: int, n: int | None) -> None:
        self.recipe, self.photos, self.seed, self.n = recipe, photos, seed, n

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        rank, ranks = _rank()
        start, step = rank * workers + mine, ranks * workers
        return samples(self.recipe, self.photos, self.seed, n=self.n, start=start, step=step)


def _rank() -> tuple[int, int]:
    """Of this process among those that train together, and how many they are."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
