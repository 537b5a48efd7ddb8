"""A submission's maps as files that FiftyOne shows: the map, the mask at a threshold, and where that mask is wrong."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.benchmark.cells import label_png
from forgebench.browse.media import write
from forgebench.browse.scores import Row
from forgebench.errors import InputError, Problem
from forgebench.metrics.pixel import BINS
from forgebench.submission import Submission
from forgebench.submission.write import heat_png

HIT, MISS, FALSE_ALARM = 1, 2, 3
ERRORS = {HIT: "hit", MISS: "miss", FALSE_ALARM: "false alarm"}
"""What the pixels of an error map are; 0 is what is authentic and was left alone."""


@dataclass(frozen=True)
class Maps:
    """Where the files of one submission at one threshold lie."""

    folder: Path
    truth: Path
    """The folder of the truth's masks."""
    byte: int
    """Bytes of at least this are called tampered."""
    submission: Submission | None
    """The predictions; None where they are not there any more, and what lies here must do."""

    @property
    def folders(self) -> dict[str, Path]:
        """By what they hold, in the order that files are written in: where the mask is, everything is."""
        return {
            "map": self.folder / "map",
            "errors": self.folder / f"errors-{self.byte}",
            "mask": self.folder / f"mask-{self.byte}",
        }

    def prepare(self) -> None:
        """Make the folders, and remove those of other thresholds."""
        for path in self.folders.values():
            path.mkdir(parents=True, exist_ok=True)
        for path in set(self.folder.iterdir()) - set(self.folders.values()):
            shutil.rmtree(path)

    def of(self, row: Row) -> dict[str, str]:
        """The paths of a sample's files, written where they are not; none where there is no map.

        Raises:
            InputError: If the prediction is not the one that was scored.
        """
        paths = {name: folder / f"{row.sample_id}.png" for name, folder in self.folders.items()}
        if not paths["mask"].is_file():
            pixels = self._pixels(row, paths["map"])
            if pixels is not None:
                self._write(row, paths, pixels)
        return {name: str(path) for name, path in paths.items() if paths["mask"].is_file() and path.is_file()}

    def _pixels(self, row: Row, map_: Path) -> NDArray[np.uint8] | None:
        if map_.is_file():
            return _read(map_)
        if self.submission is None:
            return None
        said = self.submission.read(row.sample_id, row.size)
        pixels = None if isinstance(said, Problem) or said.score != row.numbers["score"] else said.mask
        if pixels is None or not _as_counted(pixels, row):
            raise InputError(
                f"{row.sample_id}: the prediction in {self.submission.path} is not the one that was scored. "
                "Score it again."
            )
        write(map_, heat_png(pixels))
        return pixels

    def _write(self, row: Row, paths: dict[str, Path], pixels: NDArray[np.uint8]) -> None:
        called = pixels >= self.byte
        truth = self.truth / f"{row.sample_id}.png"
        if truth.is_file():
            write(paths["errors"], label_png(errors(called, _read(truth) > 0)))
        write(paths["mask"], label_png(called * np.uint8(255)))


def errors(called: NDArray[np.bool_], tampered: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Where a mask is wrong, shape (H, W): 1 hit, 2 miss, 3 false alarm, 0 elsewhere.

    >>> errors(np.array([[True, False, True, False]]), np.array([[True, True, False, False]])).tolist()
    [[1, 2, 3, 0]]
    """
    found = np.zeros(called.shape, np.uint8)
    found[tampered] = MISS
    found[called] = FALSE_ALARM
    found[called & tampered] = HIT
    return found


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def _as_counted(pixels: NDArray[np.uint8], row: Row) -> bool:
    counted = not row.histogram.any() or np.bincount(pixels.ravel(), minlength=BINS) == row.histogram
    return bool(np.all(counted))
