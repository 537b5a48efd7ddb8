"""What stands beside a record on the board: who sent it and when, and how entries differ by paired tests."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forgebench.errors import InputError

FILE = "entry.json"
COMPARISONS = "comparisons.json"
EARLIER = "earlier"
"""In an entry's folder: a folder for each of its records before a rescoring."""

Model = TypeVar("Model", bound=BaseModel)
Kind = Literal["method", "control", "ceiling"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    def write(self, path: Path) -> Path:
        """Write it under a temporary name and rename it."""
        temporary = path.with_name(f".{path.name}.partial")
        temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)  # noqa: PTH105
        return path


class Entry(_Part):
    """`entry.json`: what the board knows of an entry and its record does not say."""

    schema_version: Literal[1] = 1
    kind: Kind = "method"
    """A control knows nothing of forgery, a ceiling was told the truth; the board marks both."""
    account: str | None = None
    """The display name of who sent it."""
    submitted_utc: datetime | None = None
    superseded_by: str | None = None
    """The id of the entry that took its place; a superseded row stays."""
    state: Literal["published", "withdrawn"] = "published"
    note: str | None = None
    """A moderator's words, shown with the entry."""


class Pair(_Part):
    """How much the first of two entries is ahead of the second; null is undefined."""

    first: str
    second: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_holm: float | None
    """Corrected over all pairs of the comparison (Holm 1979)."""
    detectable: float | None
    """The smallest true difference that the test finds with 80 % power on these images."""


class Compared(_Part):
    """Entries of one benchmark by one metric, by entry id: what `forgebench.compare` says of them."""

    content_hash: str
    """Of the benchmark."""
    split: str
    metric: str
    definition: str
    higher_is_better: bool
    test: str
    seed: int
    resamples: int
    records: dict[str, str]
    """The record's hash of each entry that was compared: a changed record makes the comparison void."""
    tiers: dict[str, int]
    pairs: list[Pair]


class Comparisons(_Part):
    """`comparisons.json`, beside the entries' folders: from whoever may read the per-image tables."""

    schema_version: Literal[1] = 1
    comparisons: list[Compared] = Field(default_factory=list)


def read_entry(folder: Path) -> Entry:
    """The entry's `entry.json`; the defaults where there is none.

    Raises:
        InputError: If it cannot be read.
    """
    return _read(folder / FILE, Entry)


def read_comparisons(records: Path) -> Comparisons:
    """The `comparisons.json` of a folder of entries; none where there is no such file.

    Raises:
        InputError: If it cannot be read.
    """
    return _read(records / COMPARISONS, Comparisons)


def _read(file: Path, model: type[Model]) -> Model:
    if not file.is_file():
        return model()
    try:
        return model.model_validate_json(file.read_bytes())
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors()[:10])
        raise InputError(f"{file} cannot be read: {wrong}. Write it with leaderboard.entry.") from error
