"""The record: one JSON document that says what was scored, how, and what came out, under a hash."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forgebench.errors import InputError, NotFoundError
from forgebench.submission import SubmissionManifest

if TYPE_CHECKING:
    import pandas as pd

FILE = "record.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Suite(_Part):
    """The scorer."""

    version: str
    commit: str | None
    """Git commit, where it ran from a checkout."""
    dirty: bool | None
    """Whether the checkout had uncommitted changes."""


class BenchmarkPart(_Part):
    """What was predicted."""

    name: str
    content_hash: str
    split: str
    n: int
    n_authentic: int
    n_tampered: int


class PredictionsPart(_Part):
    """What was submitted."""

    sha256: str
    """Over ids, scores and mask pixels, whatever the container."""
    n_valid: int
    problems: dict[str, int]
    """How many samples scored worst, by kind of problem."""


class PerImagePart(_Part):
    """The table that every number follows from."""

    file: str
    sha256: str
    """Over its values, independent of Parquet."""
    families: list[str] = Field(default_factory=list)
    """The families of counts in it beside the plain histograms."""


class Statistics(_Part):
    """How the intervals were made: 95 %, by a bootstrap clustered by group, or exact for a share of images."""

    interval: Literal["percentile", "bca"] = "percentile"
    resamples: int = Field(ge=1, le=100_000)
    seed: int = Field(ge=0)
    n_groups: int


class CalibrationPart(_Part):
    """Thresholds that were chosen on another split, before this one was scored."""

    benchmark: str
    split: str
    content_hash: str
    record_sha256: str
    """Of the record on the calibration split."""
    per_image_sha256: str
    """Of the per-image table that they were chosen from."""
    rule: str = "byte of the highest mean pixel F1 over tampered images; score of the highest balanced accuracy"
    byte: int = Field(ge=0, le=256)
    """Bytes of at least this are called tampered."""
    score: float
    """Scores of at least this are called tampered."""


class RoundedPart(_Part):
    """What a board did to a record because the truth of its split is hidden."""

    digits: int = Field(ge=1)
    """Decimals of every number."""
    exact_record_sha256: str
    """Hash of the record with all digits, which the board keeps with its per-image table."""


class Signature(_Part):
    """A board's signature of the record's hash."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str
    """Raw public key, base64."""
    value: str
    """Signature over the 32 bytes of `record_sha256`, base64."""


class MetricValue(_Part):
    """One number."""

    metric: str
    definition: str
    version: int
    subset: str | None
    """The slice that it is over; null for all that its definition takes in."""
    value: float | None
    """Null where undefined."""
    ci_low: float | None
    ci_high: float | None
    n: int
    n_undefined: int
    """How many of the n samples it is undefined for."""
    rankable: bool
    higher_is_better: bool


class Edit(_Part):
    """A change to the record after it was made."""

    author: str
    reason: str
    timestamp: str


class Record(_Part):
    """All of it."""

    schema_version: int = 1
    suite: Suite
    benchmark: BenchmarkPart
    predictions: PredictionsPart
    per_image: PerImagePart
    method: SubmissionManifest
    definitions: dict[str, int]
    """Name and version of each definition."""
    statistics: Statistics
    slices: list[str] = Field(default_factory=list)
    """What the score is sliced by: subsets `name=value` in `metrics`."""
    subsets: dict[str, list[str]] = Field(default_factory=dict)
    """Chosen samples by the name of the choice: scored as `subset=name` in `metrics`, beside all samples."""
    calibration: CalibrationPart | None = None
    metrics: list[MetricValue]
    packages: dict[str, str]
    python: str
    platform: str
    created_utc: str
    edits: list[Edit] = Field(default_factory=list)
    rounded: RoundedPart | None = None
    """Where the truth is hidden: no one but the board can compute such a record again; its signature vouches for it."""
    record_sha256: str = ""
    """Over the canonical form of everything above."""
    signature: Signature | None = None

    def canonical(self) -> bytes:
        """The bytes that the hash is over: JSON with sorted keys, no blanks, without hash and signature."""
        # Records without such parts keep the hash that they had before there were any.
        absent = {name for name, there in (("subsets", self.subsets), ("rounded", self.rounded)) if not there}
        fields = self.model_dump(exclude={"record_sha256", "signature", *absent})
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

    def sealed(self) -> Record:
        """The record with its hash; a signature of another hash falls away."""
        digest = hashlib.sha256(self.canonical()).hexdigest()
        signature = self.signature if digest == self.record_sha256 else None
        return self.model_copy(update={"record_sha256": digest, "signature": signature})

    def value(self, metric: str, definition: str = "forgebench", subset: str | None = None) -> float:
        """One number; NaN where it is undefined.

        Raises:
            InputError: If the record has no such number.
        """
        for one in self.metrics:
            if (one.metric, one.definition, one.subset) == (metric, definition, subset):
                return math.nan if one.value is None else one.value
        known = ", ".join(sorted({m.metric for m in self.metrics if m.definition == definition}))
        raise InputError(f"The record has no {metric!r} of definition {definition!r}. It has: {known or 'none'}")

    def to_frame(self) -> pd.DataFrame:
        """The numbers, one row each."""
        import pandas as pd

        return pd.DataFrame([one.model_dump() for one in self.metrics])

    def write(self, folder: Path) -> Path:
        """Write `record.json` under a temporary name and rename it."""
        path, temporary = folder / FILE, folder / f".{FILE}.partial"
        temporary.write_text(json.dumps(self.model_dump(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)  # noqa: PTH105
        return path


def read_record(path: str | Path) -> tuple[Record, Path]:
    """Read a record, from its file or from the folder that holds it; the folder comes back too.

    Raises:
        NotFoundError: If there is none.
        InputError: If it is not a record.
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise NotFoundError(f"Expected a record at {file}, found none. Make one with: forgebench score")
    try:
        return Record.model_validate_json(file.read_bytes()), file.parent
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors()[:10])
        raise InputError(f"{file} is not a record: {wrong}. Score the submission again.") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `record.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Record.model_json_schema()}
