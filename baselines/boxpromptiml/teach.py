"""Pseudo masks of a whole benchmark, written once, with previews."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from baselines.boxpromptiml.config import Config
from baselines.boxpromptiml.store import key_of
from baselines.boxpromptiml.targets import PseudoMasks, Row
from baselines.boxpromptiml.teacher import Boxes, Logits, inside
from baselines.common.data import decoded, load_level
from forgebench.errors import InputError

TABLE = "pseudo-masks.csv"
_PREVIEW = 512
_AHEAD = 4


@dataclass(frozen=True)
class Taught:
    """A sample's pseudo mask."""

    sample_id: str
    key: str
    """The name of its files."""
    boxes: int
    share: float
    """Of the image that the mask covers."""
    of_boxes: float
    """Share of the boxes' pixels that the mask covers."""


def teach(
    config: Config, benchmark: str | Path, *, split: str = "train", previews: int = 20, device: str | None = None
) -> list[Taught]:
    """Make the pseudo mask of every tampered sample that has none yet, seeing level `box` alone.

    Beside the masks, the teacher's folder gets `pseudo-masks.csv`, a row a sample, and `previews/SAMPLE.jpg`: boxes
    red, the mask's outline yellow.

    Args:
        config: Its teacher's `folder` is where to.
        benchmark: A built benchmark's folder, or a Hub name.
        split: Which split.
        previews: How many pictures to draw.
        device: Where the teacher runs; the accelerator unless said, else the CPU.

    Returns:
        The samples in the benchmark's order.

    Raises:
        InputError: If there is no folder to write to, or it holds another teacher's masks.
    """
    if not config.teacher.folder:
        raise InputError("There is nowhere to keep pseudo masks: say --set teacher.folder=DIR")
    pseudo = PseudoMasks(config.teacher, config.data, device)
    taught, folder = [], Path(config.teacher.folder)
    for batch in _batches(_tampered(benchmark, split), pseudo, config.teacher.batch_size):
        for row, boxes, logits in _made(batch, pseudo):
            taught.append(_about(row, boxes, logits))
            if len(taught) <= previews:
                _save_preview(folder / "previews" / f"{row['sample_id']}.jpg", row["image"], boxes, logits)
    _write_table(folder / TABLE, taught)
    return taught


def _tampered(benchmark: str | Path, split: str) -> Iterator[Row]:
    """Samples with boxes, decoded ahead while the teacher works."""
    rows = load_level(benchmark, "box", split)
    wanted = (index for index, boxes in enumerate(rows["boxes"]) if boxes)

    def read(index: int) -> Row:
        row = dict(rows[index])
        return {**row, "image": decoded(row["image"]["bytes"], "RGB")}

    with ThreadPoolExecutor(_AHEAD) as pool:
        waiting = deque(pool.submit(read, index) for index in islice(wanted, 2 * _AHEAD))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(read, index) for index in islice(wanted, 1))


Known = tuple[Row, Boxes, Logits | None]


def _batches(rows: Iterator[Row], pseudo: PseudoMasks, size: int) -> Iterator[list[Known]]:
    """Samples, with what the store has, in batches that hold so many that it lacks."""
    batch: list[Known] = []
    for row in rows:
        boxes = pseudo.boxes(row)
        batch.append((row, boxes, pseudo.find(row, boxes)))
        if sum(logits is None for _, _, logits in batch) == size:
            yield batch
            batch = []
        elif batch[0][2] is not None:
            yield [batch.pop(0)]
    if batch:
        yield batch


def _made(batch: Sequence[Known], pseudo: PseudoMasks) -> Iterator[tuple[Row, Boxes, Logits]]:
    new = [(row, boxes) for row, boxes, logits in batch if logits is None]
    made = iter(pseudo.make([row for row, _ in new], [boxes for _, boxes in new]) if new else [])
    for row, boxes, logits in batch:
        yield row, boxes, next(made) if logits is None else logits


def _about(row: Row, boxes: Boxes, logits: Logits) -> Taught:
    mask, within = logits > 0, np.zeros(logits.shape, bool)
    for box in boxes:
        within[inside(box, logits.shape)] = True
    shares = float(mask.mean()), float(mask[within].mean())
    return Taught(row["sample_id"], key_of(row["sha256"], boxes), len(boxes), *shares)


def _write_table(path: Path, taught: Sequence[Taught]) -> None:
    temporary = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Taught.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(one) for one in taught)
    temporary.replace(path)


def _save_preview(path: Path, image: NDArray[np.uint8], boxes: Boxes, logits: Logits) -> None:
    drawn: Any = image.copy()
    outline, _ = cv2.findContours((logits > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(drawn, outline, -1, (255, 220, 0), 2)
    for box in boxes:
        rows, columns = inside(box, logits.shape)
        cv2.rectangle(drawn, (columns.start, rows.start), (columns.stop - 1, rows.stop - 1), (230, 30, 30), 2)
    picture = Image.fromarray(drawn)
    picture.thumbnail((_PREVIEW, _PREVIEW))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    picture.save(temporary, "JPEG", quality=85)
    temporary.replace(path)
