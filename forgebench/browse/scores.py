"""A score's folder: its record, its per-image table row by row, its predictions, and its name in FiftyOne."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark import Benchmark
from forgebench.browse.numbers import PIXEL_NUMBERS, by_definition, numbers
from forgebench.errors import InputError, ProblemsError
from forgebench.metrics import Definition, Table
from forgebench.metrics.pixel import BINS, THRESHOLD, Floats
from forgebench.scoring import Record, per_image, read_record
from forgebench.scoring.per_image import PerImage, open_table
from forgebench.scoring.score import INPUTS
from forgebench.scoring.scored import table_of
from forgebench.submission import Submission, open_submission

LOCALIZING = ("mask", "errors", "map", "score", "status", *PIXEL_NUMBERS)
"""What is shown of a submission with masks; of one without, `score` and `status`."""


@dataclass(frozen=True)
class Row:
    """What was counted of a sample's prediction."""

    sample_id: str
    size: tuple[int, int]
    """Height and width of the image."""
    status: str
    """`ok`, or the kind of problem."""
    numbers: dict[str, float | None]
    """`score`, the pixel numbers and those of the definition; None where undefined."""
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
    byte: int = THRESHOLD
    """Bytes of at least this are called tampered."""
    definition: Definition | None = None
    """Whose per-image numbers are shown beside ForgeBench's own."""

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

    @cached_property
    def names(self) -> list[str]:
        """What it has fields of."""
        return [*(LOCALIZING if self.localizes else ("score", "status")), *self._defined]

    @property
    def defined_fields(self) -> list[str]:
        """The fields of the definition's numbers."""
        return [self.field(name) for name in self._defined]

    @property
    def heading(self) -> str:
        """Its title in the sidebar, with the threshold where it is not the fixed one."""
        return self.title if self.byte == THRESHOLD else f"{self.title}, threshold {self.byte / (BINS - 1):.3g}"

    @cached_property
    def table(self) -> Table:
        """The per-image table.

        Raises:
            NotFoundError, InputError: If it is missing or cannot be read.
        """
        return table_of(self._stored, self.record)

    @cached_property
    def _stored(self) -> PerImage:
        return open_table(self.folder / per_image.FILE)

    @cached_property
    def _defined(self) -> dict[str, Floats]:
        """The definition's numbers of each image, by `<definition>_<metric>`."""
        if self.definition is None:
            return {}
        found = by_definition(self.table, self.definition)
        return {f"{slug_of(self.definition.name)}_{name}": values for name, values in found.items()}

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
        known = numbers(self.table, self.byte) | self._defined
        names, statuses = self.table.sample_id.tolist(), self._stored.column("status").tolist()
        sizes = list(zip(*(self._stored.column(side).tolist() for side in ("height", "width")), strict=True))
        for rows, tampered, authentic in self.table.blocks():
            for index, histogram in zip(range(rows.start, rows.stop), tampered + authentic, strict=True):
                values = {name: float(some[index]) for name, some in known.items()}
                defined = {name: None if math.isnan(value) else value for name, value in values.items()}
                yield Row(names[index], sizes[index], statuses[index], defined, histogram)


def read_scores(
    folders: Sequence[str | Path],
    benchmark: Benchmark,
    split: str,
    taken: Mapping[str, Mapping[str, str]],
    *,
    byte: int = THRESHOLD,
    definition: Definition | None = None,
) -> list[Scores]:
    """The scores in some folders, each under a name of its own.

    Args:
        folders: What `forgebench score --out` wrote.
        benchmark: What they must be of.
        split: The split that they must be of.
        taken: By slug, the title of what is in the dataset already; a score of the same title replaces it.
        byte: Bytes of at least this are called tampered.
        definition: Whose per-image numbers are shown too.

    Raises:
        NotFoundError: If there is no record.
        InputError: If a record cannot be read or is of another benchmark or split.
    """
    found: dict[str, Scores] = {}
    for path in folders:
        record, folder = read_record(path)
        _check(record, folder, benchmark, split)
        if not any(_same(one.record, record) for one in found.values()):
            _check_definition(record, folder, definition)
            slug, title = _named(record, found, taken)
            found[slug] = Scores(folder.resolve(), record, slug, title, byte, definition)
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


def _check_definition(record: Record, folder: Path, definition: Definition | None) -> None:
    if definition is not None and definition.name not in record.definitions:
        raise InputError(
            f"{folder} was not scored by definition {definition.name}, but by {', '.join(record.definitions)}. "
            f"Score it again with --definitions {definition.name}"
        )


def _named(record: Record, given: Collection[str], taken: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """Slug and title of its own."""
    method = record.method
    title = method.method if method.version == "1" else f"{method.method} {method.version}"
    slug = slug_of(title)
    if slug in given or taken.get(slug, {"title": title})["title"] != title:
        title = f"{title} {record.predictions.sha256[:6]}"
        slug = slug_of(title)
    return slug, title


def slug_of(title: str) -> str:
    """A field's name: letters, digits and underscores, a letter first.

    >>> slug_of("JPEG ghost 2.0"), slug_of("3D-CNN")
    ('jpeg_ghost_2_0', 'm_3d_cnn')
    """
    slug = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return slug if slug[:1].isalpha() else f"m_{slug}"

