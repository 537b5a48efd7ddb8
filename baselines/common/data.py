"""Samples of a benchmark at one level of annotation, decoded, brought to size and augmented in step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from baselines.common.augment import Augmented, augment
from baselines.common.config import Data, Training
from baselines.common.forging import forge
from forgebench.errors import InputError
from forgebench.schema import LEVELS, Level

AUTHENTIC, TAMPERED, SYNTHETIC = range(3)
"""Kinds of samples; wholly synthetic ones are told apart where the level has manipulations."""
Row = dict[str, Any]
Targets = Callable[[Row], NDArray[np.generic]]
"""Gives a map of an image's own size to learn from, shape (H, W), in [0, 1]; made of what the level shows."""


@dataclass
class Batch:
    """What a model trains on. What the level does not show is None."""

    sample_ids: list[str]
    images: Tensor
    """Shape (B, 3, S, S), float32 RGB in [0, 1]."""
    labels: Tensor
    """Shape (B,), float32: 1 tampered. Never derived from a mask, nor changed by a crop."""
    valid: Tensor
    """Shape (B, 1, S, S), bool: false where the image was padded."""
    boxes: list[Tensor] | None = None
    """For each image shape (k, 4), float32: left, top, right, bottom in pixels of the input."""
    scribbles: Tensor | None = None
    """Shape (B, S, S), uint8: 0 unlabelled, 1 tampered, 2 authentic."""
    masks: Tensor | None = None
    """Shape (B, 1, S, S), float32: 1 tampered; all 0 where there is no pixel truth."""
    has_mask: Tensor | None = None
    """Shape (B,), bool: whether there is pixel truth."""
    targets: Tensor | None = None
    """Shape (B, 1, S, S), float32 in [0, 1]: what a method's own teacher says, where it has one."""
    manipulations: list[str | None] | None = None
    explanations: list[dict[str, str] | None] | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The same on a device."""
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                moved[field.name] = value.to(device, non_blocking=True)
            elif field.name == "boxes" and value is not None:
                moved[field.name] = [one.to(device) for one in value]
        return replace(self, **moved)

    def __len__(self) -> int:
        return len(self.sample_ids)


class Samples(Dataset[Any]):
    """The samples of a split at one level.

    Args:
        benchmark: A built benchmark's folder, or a Hub name.
        level: The configuration that is loaded; nothing else is seen.
        data: Size and augmentation.
        split: Which split.
        seed: Of the augmentation, together with epoch and sample id: the same in every run and process.
        training: Whether to augment.
        targets: Further maps to learn from.

    Raises:
        InputError: If it cannot be loaded.
    """

    def __init__(
        self, benchmark: str | Path, level: Level, data: Data, *, split: str = "train", seed: int = 0,
        training: bool = True, targets: Targets | None = None,
    ) -> None:  # fmt: skip
        self.rows = load_level(benchmark, level, split)
        self.data, self.seed, self.training, self.targets = data, seed, training, targets
        self.level, self.epoch = level, 0
        names = self.rows.features["label"].names
        self.labels = np.array([names[label] == "tampered" for label in self.rows["label"]], bool)
        told = self.rows["manipulation"] if "manipulation" in self.rows.column_names else [None] * len(self.rows)
        synthetic = np.array([kind == "full_synthetic" for kind in told], bool)
        self.kinds = np.where(self.labels, np.where(synthetic, SYNTHETIC, TAMPERED), AUTHENTIC)
        self.sample_ids: list[str] = list(self.rows["sample_id"])
        self.groups: list[str] = list(self.rows["group"])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: tuple[int, int] | int) -> tuple[Row, Augmented]:
        """A row and its pictures; the key is an index, or epoch and index."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        row = dict(self.rows[index])
        rng = np.random.default_rng([self.seed, epoch, *hashlib.sha256(row["sample_id"].encode()).digest()[:8]])
        row["label"] = float(self.labels[index])
        image = decoded(row.pop("image")["bytes"], "RGB")
        maps: dict[str, NDArray[np.generic]] = {
            name: decoded(row[name]["bytes"], "L") for name in ("mask", "scribble") if row.get(name)
        }
        if self.targets is not None:
            maps["target"] = self.targets({**row, "image": image})
        boxes = row.get("boxes")
        if self.training and self.labels[index]:  # a label stays what is written
            image, maps, forged = forge(image, maps, self.data, rng)
            boxes = [*(boxes or ()), *forged]
        return row, augment(image, maps, boxes, self.data, rng if self.training else None)

    def collate(self, items: Sequence[tuple[Row, Augmented]]) -> Batch:
        """A batch of items."""
        rows, seen = zip(*items, strict=True)
        size = (self.data.size, self.data.size)
        columns = LEVELS[self.level]

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([one.maps.get(name, np.zeros(size, np.uint8)) for one in seen]))

        pixel = self.level == "pixel"
        return Batch(
            [row["sample_id"] for row in rows],
            torch.from_numpy(np.stack([one.image for one in seen])).permute(0, 3, 1, 2).float().div_(255),
            torch.tensor([row["label"] for row in rows], dtype=torch.float32),
            stacked("valid")[:, None] > 0,
            boxes=[torch.tensor(one.boxes).view(-1, 4) for one in seen] if "boxes" in columns else None,
            scribbles=stacked("scribble") if "scribble" in columns else None,
            masks=(stacked("mask")[:, None] > 127).float() if pixel else None,
            has_mask=torch.tensor([row["mask"] is not None for row in rows]) if pixel else None,
            targets=stacked("target")[:, None].float() if self.targets is not None else None,
            manipulations=[row["manipulation"] for row in rows] if pixel else None,
            explanations=[row["explanation"] for row in rows] if pixel else None,
        )  # fmt: skip


def load_level(benchmark: str | Path, level: Level, split: str) -> Any:  # noqa: ANN401
    """A split at a level, images as their files' bytes.

    Raises:
        InputError: If there is no such benchmark, level or split.
    """
    from datasets import Image as ImageFeature
    from datasets import load_dataset

    try:
        rows = load_dataset(str(benchmark), level, split=split)
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        raise InputError(f"Expected a benchmark with split {split!r} at {benchmark}: {error}") from error
    for name in ("image", "mask", "scribble", "source_mask"):
        if name in rows.column_names:
            rows = rows.cast_column(name, ImageFeature(decode=False))
    return rows


def decoded(data: bytes, mode: str) -> NDArray[np.uint8]:
    """A picture's pixels in the orientation that masks and boxes are stored in."""
    with Image.open(BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert(mode))


def held_out(groups: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """Which samples are held out for validation: whole groups, chosen by the hash of seed and name.

    Raises:
        InputError: If there are fewer than two groups to divide.
    """
    names = sorted(set(groups), key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest())
    if len(names) < 2 and share > 0:
        raise InputError(f"Expected two groups of images or more, to hold one out for validation; found {len(names)}.")
    chosen = set(names[: max(1, round(share * len(names)))] if share > 0 else [])
    return np.array([group in chosen for group in groups])


class Batches(Sampler[list[tuple[int, int]]]):
    """The batches of an epoch, the same in every run; a process takes its own of them.

    Args:
        members: Indexes of the samples.
        kinds: Of all samples: AUTHENTIC, TAMPERED or SYNTHETIC.
        training: Batch size, seed, how classes are mixed, and how long an epoch is.
        rank: Of this process.
        processes: How many there are.

    Raises:
        InputError: If a class that batches need has no sample.
    """

    def __init__(
        self, members: NDArray[np.integer], kinds: NDArray[np.integer], training: Training, rank: int = 0,
        processes: int = 1,
    ) -> None:  # fmt: skip
        self.classes = [members[kinds[members] == kind] for kind in (TAMPERED, AUTHENTIC, SYNTHETIC)]
        self.members, self.training = members, training
        self.rank, self.processes, self.epoch, self.skip = rank, processes, 0, 0
        self.tampered = members[kinds[members] != AUTHENTIC]
        found = [len(self.tampered), len(members) - len(self.tampered)]
        if training.batches == "balanced" and not all(found):
            raise InputError(f"Balanced batches need tampered and authentic images; the training split has {found}.")
        if (whole := len(self._epoch())) < processes:
            raise InputError(f"{whole} batches an epoch cannot be shared by {processes} processes. Take smaller ones.")

    def __len__(self) -> int:
        """Batches of a whole epoch of one process."""
        return max(1, len(self._epoch()) // self.processes)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        mine = self._epoch()[self.rank :: self.processes][: len(self)]
        for batch in mine[self.skip :]:
            yield [(self.epoch, int(index)) for index in batch]

    def _epoch(self) -> list[NDArray[np.integer]]:
        """The batches of all processes."""
        steps = self.training.steps_per_epoch
        if not steps:
            return self._pass(self.epoch)
        each, length = len(self._pass(0)), steps * self.training.accumulate * self.processes
        first, start = divmod(self.epoch * length, each)
        passes = (self._pass(number) for number in range(first, first + (start + length - 1) // each + 1))
        return [batch for one in passes for batch in one][start : start + length]

    def _pass(self, number: int) -> list[NDArray[np.integer]]:
        """The batches of a pass over all samples."""
        rng = np.random.default_rng([self.training.seed, number])
        size = self.training.batch_size
        if self.training.batches == "balanced":
            length = len(self.members) // 2
            both = self.tampered, self.classes[1]
            tampered, authentic = (_stretched(rng.permutation(one), length) for one in both)
            return _cut(np.stack([tampered, authentic], axis=1).ravel(), size)
        if self.training.batches == "one-class":
            # The order of the classes decides what the generator gives each.
            whole = [batch for one in self.classes for batch in _cut(rng.permutation(one), size)]
            return [whole[i] for i in rng.permutation(len(whole))]
        return _cut(rng.permutation(self.members), size)


def _stretched(indexes: NDArray[np.integer], length: int) -> NDArray[np.integer]:
    """The first so many, repeated where there are fewer."""
    return np.resize(indexes, max(1, length))


def _cut(indexes: NDArray[np.integer], size: int) -> list[NDArray[np.integer]]:
    """Whole batches; what is left over is dropped unless there is nothing else."""
    whole = len(indexes) // size * size
    return np.split(indexes[:whole], whole // size) if whole else [indexes] if len(indexes) else []
