"""Tampered samples whose truth is explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.common.data import TAMPERED, decoded, load_level
from forgebench import Explanation


@dataclass(frozen=True)
class Case:
    """A tampered image whose truth is explained."""

    sample_id: str
    group: str
    image: NDArray[np.uint8]
    """Shape (H, W, 3)."""
    mask: NDArray[np.bool_]
    """Shape (H, W)."""
    explanation: Explanation


@dataclass(frozen=True)
class Shown:
    """A batch of them; what a model makes of it goes to the device, not the pictures."""

    cases: Sequence[Case]

    def to(self, device: object) -> Shown:
        """The same."""
        return self


class Cases:
    """The tampered samples of a split that have a mask and an explanation, decoded when they are asked for.

    Args:
        benchmark: A built benchmark's folder, or a Hub name.
        split: Which split.

    Raises:
        InputError: If it cannot be loaded.
    """

    def __init__(self, benchmark: str | Path, split: str) -> None:
        self.rows = load_level(benchmark, "pixel", split)
        told = self.rows["explanation"]
        masked = [row["mask"] is not None for row in self.rows.select_columns(["mask"])]
        pairs = enumerate(zip(told, masked, strict=True))
        self.members = [index for index, (one, there) in pairs if there and one and one["type"]]
        groups, names = self.rows["group"], self.rows["sample_id"]
        self.sample_ids: list[str] = [names[index] for index in self.members]
        self.groups: list[str] = [groups[index] for index in self.members]
        self.kinds = np.full(len(self.members), TAMPERED)

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Case]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: tuple[int, int] | int) -> Case:
        """A case by its index, or by epoch and index."""
        row = self.rows[self.members[key[1] if isinstance(key, tuple) else key]]
        image, mask = decoded(row["image"]["bytes"], "RGB"), decoded(row["mask"]["bytes"], "L") > 127
        fields = {name: row["explanation"][name] or "" for name in ("type", "area", "content", "evidence")}
        return Case(row["sample_id"], row["group"], image, mask, Explanation(**fields))  # type: ignore[typeddict-item]

    def collate(self, items: Sequence[Case]) -> Shown:
        """A batch."""
        return Shown(items)
