"""A score's folder: its record, its per-image table row by row, its predictions, and its name in FiftyOne."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark import Benchmark
from forgebench.errors import InputError, ProblemsError
from forgebench.metrics import Table
from forgebench.metrics.pixel import called_authentic, ratio
from forgebench.scoring import Record, per_image, read_record
from forgebench.scoring.per_image import open_table
from forgebench.scoring.score import INPUTS
from forgebench.submission import Submission, open_submission

PIXEL_NUMBERS = ("pixel_f1", "pixel_iou", "pixel_auc", "pixel_ap", "false_area")
"""Numbers that need masks; higher is better but for `false_area`, the share of an authentic image called tampered."""


@dataclass(frozen=True)
class Row:
    """What was counted of a sample's prediction."""

    sample_id: str
    size: tuple[int, int]
    """Height and width of the image."""
    status: str
    """`ok`, or the kind of problem."""
    numbers: dict[str, float | None]
    """`score` and the pixel numbers; None where undefined."""
    histogram: NDArray[np.int64]
    """Shape (256,): how many pixels were given each byte; zeros where none were counted."""


@dataclass(frozen=True)
class Scores:
    """A scored submission."""

    folder: Path
    record: Record
    slug: str
    """What its fields in FiftyOne begin with."""
    title: str
    """What people call it."""

    @property
    def predictions_hash(self) -> str:
        """Tells these predictions from any others."""
        return self.record.predictions.sha256

    @property
    def localizes(self) -> bool:
        """Whether there are masks."""
        return "mask" in self.record.method.outputs

    def field(self, name: str) -> str:
        """The name of one of its fields in FiftyOne."""
        return f"{self.slug}_{name}"

    def submission(self) -> Submission | None:
        """The predictions that were scored; None where they no longer lie where they did.

        Raises:
            InputError: If they, or the note of where they lie, cannot be read.
        """
        inputs = self.folder / INPUTS
        if not inputs.is_file():
            return None
        try:
            path = Path(json.loads(inputs.read_text(encoding="utf-8"))["submission"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{inputs} cannot be read: {error}. Score the submission again.") from error
        if not path.exists():
            return None
        opened, problems = open_submission(path)
        if opened is None:
            raise ProblemsError(f"{path} cannot be read:", problems)
        return opened

    def rows(self) -> Iterator[Row]:
        """The per-image table, streamed.

        Raises:
            NotFoundError, InputError: If it is missing or cannot be read.
        """
        stored = open_table(self.folder / per_image.FILE)
        table = stored.table()
        numbers = {"score": table.score, "false_area": _false_area(table), **table.pixel_numbers}
        names, statuses = table.sample_id.tolist(), stored.column("status").tolist()
        sizes = list(zip(stored.column("height").tolist(), stored.column("width").tolist(), strict=True))
        for rows, tampered, authentic in table.blocks():
            for index, histogram in zip(range(rows.start, rows.stop), tampered + authentic, strict=True):
                values = {name: float(numbers[name][index]) for name in ("score", *PIXEL_NUMBERS)}
                defined = {name: None if math.isnan(value) else value for name, value in values.items()}
                yield Row(names[index], sizes[index], statuses[index], defined, histogram)


def read_scores(
    folders: Sequence[str | Path], benchmark: Benchmark, split: str, taken: Mapping[str, Mapping[str, str]]
) -> list[Scores]:
    """The scores in some folders, each under a name of its own.

    Args:
        folders: What `forgebench score --out` wrote.
        benchmark: What they must be of.
        split: The split that they must be of.
        taken: By slug, the title of what is in the dataset already; a score of the same title replaces it.

    Raises:
        NotFoundError: If there is no record.
        InputError: If a record cannot be read or is of another benchmark or split.
    """
    found: dict[str, Scores] = {}
    for path in folders:
        record, folder = read_record(path)
        _check(record, folder, benchmark, split)
        if not any(_same(one.record, record) for one in found.values()):
            scores = _named(folder, record, found, taken)
            found[scores.slug] = scores
    return list(found.values())


def _check(record: Record, folder: Path, benchmark: Benchmark, split: str) -> None:
    expected = {"benchmark": benchmark.name, "content hash": benchmark.content_hash, "split": split}
    part = record.benchmark
    got = {"benchmark": part.name, "content hash": part.content_hash, "split": part.split}
    for what, value in expected.items():
        if got[what] != value:
            raise InputError(
                f"{folder} is not a score of what is browsed: expected {what} {value}, got {got[what]}. Browse the "
                "benchmark and --split that it was scored on."
            )


def _same(one: Record, other: Record) -> bool:
    """Whether both are of the same predictions, such as of a folder and of its zip."""
    return (one.method.method, one.method.version, one.predictions.sha256) == (
        other.method.method, other.method.version, other.predictions.sha256,
    )  # fmt: skip


def _named(folder: Path, record: Record, given: Collection[str], taken: Mapping[str, Mapping[str, str]]) -> Scores:
    method = record.method
    title = method.method if method.version == "1" else f"{method.method} {method.version}"
    slug = _slug(title)
    if slug in given or taken.get(slug, {"title": title})["title"] != title:
        title = f"{title} {record.predictions.sha256[:6]}"
        slug = _slug(title)
    return Scores(folder, record, slug, title)


def _slug(title: str) -> str:
    """A field's name: letters, digits and underscores, a letter first.

    >>> _slug("JPEG ghost 2.0"), _slug("3D-CNN")
    ('jpeg_ghost_2_0', 'm_3d_cnn')
    """
    slug = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return slug if slug[:1].isalpha() else f"m_{slug}"


def _false_area(table: Table) -> NDArray[np.float64]:
    """Share of each authentic image called tampered; NaN for tampered ones and where there is no valid mask."""
    called = table.per_image("called authentic", called_authentic)["called"]
    counted = ~table.tampered & table.valid & table.has_truth & table.localizes
    return ratio(called, table.authentic_px, where=counted)
