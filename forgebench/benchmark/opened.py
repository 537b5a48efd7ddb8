"""A built benchmark on disk: open it, load a level of it, read its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from forgebench.benchmark.manifest import MANIFEST, Manifest
from forgebench.errors import InputError, NotFoundError
from forgebench.schema import COLUMNS, LEVELS, Level

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset, IterableDataset


@dataclass(frozen=True)
class RowGroup:
    """At most 100 rows of one shard: the unit that workers read."""

    file: Path
    index: int
    rows: int

    def read(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """The rows, with these columns alone read from disk.

        Raises:
            InputError: If they cannot be read.
        """
        import pyarrow.parquet as pq

        with _reading(self.file), pq.ParquetFile(self.file) as shard:
            return list(shard.read_row_group(self.index, columns=list(columns)).to_pylist())


def row_groups_of(file: Path) -> list[RowGroup]:
    """The row groups of one shard, in order.

    Raises:
        InputError: If the shard cannot be read.
    """
    import pyarrow.parquet as pq

    with _reading(file), pq.ParquetFile(file) as shard:
        meta = shard.metadata
        return [RowGroup(file, i, meta.row_group(i).num_rows) for i in range(meta.num_row_groups)]


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{file} cannot be read: {error}. Run: forgebench verify {file.parent.parent}") from error


@dataclass(frozen=True)
class Benchmark:
    """A built data set."""

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The benchmark's name; submissions are made for it."""
        return self.manifest.facts.name

    @property
    def content_hash(self) -> str:
        """SHA-256 over all that scoring reads."""
        return self.manifest.content_hash

    @property
    def splits(self) -> list[str]:
        """The names of the splits."""
        return list(self.manifest.splits)

    def load(
        self, level: Level = "pixel", split: str = "test", *, streaming: bool = False
    ) -> Dataset | IterableDataset:
        """One level of one split through `datasets.load_dataset`; a level sees only its own columns.

        Raises:
            InputError: If there is no such level or split.
        """
        from datasets import load_dataset

        if level not in LEVELS:
            raise InputError(f"No level is called {level!r}. There are: {', '.join(LEVELS)}")
        self.check_split(split)
        return load_dataset(str(self.path), level, split=split, streaming=streaming)

    def check_split(self, split: str) -> None:
        """Make sure that there is such a split.

        Raises:
            InputError: If there is none.
        """
        if split not in self.splits:
            raise InputError(f"{self.name} has no split {split!r}. It has: {', '.join(self.splits)}")

    def check_truth(self, split: str) -> None:
        """Make sure that there is such a split, and that its truth is here.

        Raises:
            InputError: If there is none, or this is the public half of a benchmark that hides it.
        """
        self.check_split(split)
        hidden = self.manifest.hidden
        if hidden is not None and split in hidden.splits:
            raise InputError(
                f"The truth of {self.name} {split} is hidden. Send predictions to its board: forgebench submit"
            )

    def shards(self, split: str) -> list[Path]:
        """The Parquet files of a split, in order: those that `datasets` reads."""
        self.check_split(split)
        return sorted((self.path / "data").glob(f"{split}-*.parquet"))

    def row_groups(self, split: str) -> list[RowGroup]:
        """The row groups of a split, in order.

        Raises:
            InputError: If there is no such split, or a shard of it cannot be read.
        """
        return [group for file in self.shards(split) for group in row_groups_of(file)]

    def rows(self, split: str, columns: Sequence[str] = COLUMNS) -> Iterator[dict[str, Any]]:
        """All rows of a split, streamed, with these columns alone read from disk."""
        for group in self.row_groups(split):
            yield from group.read(columns)

    def to_frame(self, split: str = "test") -> pd.DataFrame:
        """A split without its pixels, one row a sample."""
        import pandas as pd

        pixels = {"image", "scribble", "mask", "source_mask"}
        return pd.DataFrame(list(self.rows(split, [name for name in COLUMNS if name not in pixels])))


def open_benchmark(path: str | Path | Benchmark) -> Benchmark:
    """Open a built benchmark; one that is open already comes back as it is.

    Raises:
        NotFoundError: If there is no benchmark there.
        InputError: If its manifest cannot be read.
    """
    if isinstance(path, Benchmark):
        return path
    path = Path(path)
    file = path / MANIFEST
    if not file.is_file():
        raise NotFoundError(f"Expected a benchmark at {path}, found no {MANIFEST}. Make one with: forgebench build")
    try:
        return Benchmark(path, Manifest.model_validate_json(file.read_text(encoding="utf-8")))
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not a benchmark's manifest: {error}. Build the benchmark again.") from error
