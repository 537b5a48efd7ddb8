"""What the student learns from: a teacher's pseudo mask for each image, made of the image and its boxes alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.boxpromptiml.config import Config, TeacherConfig
from baselines.boxpromptiml.store import Store, key_of
from baselines.boxpromptiml.teacher import Boxes, Logits, Teacher, make_teacher, union
from baselines.common.config import Data
from forgebench import loosen

Row = dict[str, Any]


def targets(config: Config) -> PseudoMasks:
    """The maps that a configuration learns from."""
    return PseudoMasks(config.teacher, config.data)


class PseudoMasks:
    """Pseudo masks of samples, taken from the store, or made and put there.

    Args:
        config: The teacher, the store, and how coarse the boxes are.
        data: How images come to the student's size.
        device: Where a teacher runs that has to be loaded.

    Raises:
        InputError: If the store holds another teacher's masks.
    """

    def __init__(self, config: TeacherConfig, data: Data, device: str | None = None) -> None:
        self.config, self.data, self.device = config, data, device
        self.store = Store(Path(config.folder), config) if config.folder else None
        self._teacher: Teacher | None = None

    def __call__(self, row: Row) -> NDArray[np.float32]:
        """The map of a sample at its image's own size, shape (H, W), in [0, 1]; 0 where there is no box.

        Args:
            row: A sample at level `box`, `image` its pixels.
        """
        boxes = self.boxes(row)
        if not boxes:
            return np.zeros(row["image"].shape[:2], np.float32)
        logits = self.find(row, boxes)
        if logits is None:
            (logits,) = self.make([row], [boxes])
        return self._as_target(logits)

    def boxes(self, row: Row) -> list[list[float]]:
        """The boxes that the teacher is prompted with: as coarse as configured, seeded by the sample's id."""
        seed = int.from_bytes(hashlib.sha256(f"coarse:{row['sample_id']}".encode()).digest()[:8])
        size = {"width": row["width"], "height": row["height"]}
        return loosen(row["boxes"] or [], self.config.coarseness, seed, **size)

    def find(self, row: Row, boxes: Boxes) -> Logits | None:
        """The logits that the store has, shape (H, W)."""
        return self.store.get(key_of(row["sha256"], boxes)) if self.store is not None else None

    def make(self, rows: Sequence[Row], boxes: Sequence[Boxes]) -> list[Logits]:
        """Logits of several samples by the teacher, put into the store; shape (H, W) each."""
        teacher = self.teacher
        made = [
            union(maps, own, self.config)
            for maps, own in zip(teacher.logits([row["image"] for row in rows], boxes), boxes, strict=True)
        ]
        if self.store is not None:
            for row, own, logits in zip(rows, boxes, made, strict=True):
                self.store.put(key_of(row["sha256"], own), logits, teacher.weights)
        return made

    @property
    def teacher(self) -> Teacher:
        """Loaded when it is first needed: a full store needs none."""
        if self._teacher is None:
            self._teacher = make_teacher(self.config, self.device)
        return self._teacher

    def _as_target(self, logits: Logits) -> NDArray[np.float32]:
        hard = (logits > 0).astype(np.float32)
        soft: NDArray[np.float32] = (1 / (1 + np.exp(-logits))).astype(np.float32)
        target = soft if self.config.soft else hard
        if self.config.resize == "hard":
            return target
        # Augmentation takes the nearest pixel; averaged over what a pixel of the student covers, it is an area mean.
        height, width = logits.shape
        fits = {"squash": (width, height), "crop": (min(logits.shape),) * 2, "pad": (max(logits.shape),) * 2}
        kernel = tuple(max(1, round(side / self.data.size)) for side in fits[self.data.fit])
        return np.asarray(cv2.blur(target, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
