"""The audit as one document: what `audit.json` holds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from forgebench.version import VERSION

SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Feature(_Part):
    """What one number alone tells of the label."""

    name: str
    auc_either_way: float | None
    """max(AUC, 1 - AUC), at least 0.5 and above it by chance; None without both classes."""
    direction: Literal["higher is tampered", "lower is tampered", "neither"]
    n: int
    """Samples that have it."""


class Probe(_Part):
    """How well a classifier that sees no content tells tampered from authentic."""

    name: Literal["container", "statistics"]
    sees: str
    verdict: Literal["shortcut", "weak", "none found", "below chance", "undefined"]
    text: str
    """The verdict in words."""
    auc: float | None
    """Out of fold; 0.5 is chance. None where undefined."""
    ci_low: float | None
    ci_high: float | None
    n: int
    n_units: int
    """Groups, those joined that share a duplicate: folds and resamples keep them whole."""
    features: list[Feature]
    """From the most telling."""


class Place(_Part):
    """A sample in a benchmark."""

    benchmark: str
    split: str
    sample_id: str
    group: str
    label: Literal["authentic", "tampered"]


class Pair(_Part):
    """Two samples that are the same image, or nearly so."""

    kind: Literal["exact", "near"]
    across: Literal["benchmarks", "splits", "groups", "labels"]
    """What it crosses; the first that holds. `labels` is within a group: one image under both labels."""
    distance: int
    """Of the 256-bit perceptual hashes, bits; 0 for the same bytes."""
    a: Place
    b: Place


class PairCount(_Part):
    """How many pairs of a kind there are between two places."""

    kind: Literal["exact", "near"]
    across: Literal["benchmarks", "splits", "groups", "labels"]
    between: tuple[str, str]
    """Benchmark and split on either side, as `benchmark/split`."""
    pairs: int


class Recurring(_Part):
    """Something that several splits share."""

    what: Literal["group", "photograph"]
    benchmark: str
    name: str
    """The group, or the photograph's SHA-256."""
    samples: dict[str, int]
    """How many samples of each split it is in."""


class Finding(_Part):
    """Something wrong, or odd, in the truth of a sample."""

    code: str
    benchmark: str
    split: str
    sample_id: str
    text: str


class Originals(_Part):
    """Masks held against the difference to the authentic original, where one of the group has the same size."""

    compared: int
    undecided: int
    """Where the two images do not differ visibly, or differ all over."""
    median_covered: float | None
    """Of the difference, the share that the mask covers; 1 is best."""


class Bins(_Part):
    """A histogram by label."""

    edges: list[float]
    authentic: list[int]
    tampered: list[int]


class Categories(_Part):
    """Counts by label of what samples are one of several of."""

    names: list[str]
    authentic: list[int]
    tampered: list[int]


class Manipulation(_Part):
    """The regions of one manipulation."""

    name: str
    samples: int
    with_regions: int
    median_area: float | None
    """Share of the image that is tampered."""
    regions: dict[str, int]
    """Samples by number of regions: `1`, `2`, `3`, `4 or more`."""


class Statistics(_Part):
    """What a benchmark holds."""

    megapixels: Bins
    formats: Categories
    jpeg_quality: Bins
    area: Bins
    """Share of the image that is tampered; tampered images with a mask."""
    manipulations: list[Manipulation]
    heat: list[list[float]]
    """Rows of 32 by 32 cells: the share of the masks' area there is, the mean over masks; empty without masks."""


class BenchmarkAudit(_Part):
    """One benchmark."""

    name: str
    """Unique in the audit."""
    content_hash: str
    splits: list[str]
    n: int
    n_authentic: int
    n_tampered: int
    n_groups: int
    n_without_mask: int
    """Tampered samples without pixel truth."""
    n_flat: int
    """Images of next to no contrast: not searched for near duplicates."""
    probes: list[Probe]
    originals: Originals
    statistics: Statistics


class Verdict(_Part):
    """One conclusion."""

    code: str
    benchmarks: list[str]
    """Those that it is about."""
    negative: bool
    """Whether the command exits 1 for it."""
    text: str


class Audit(_Part):
    """All of it; the same benchmarks give the same document."""

    schema_version: int = SCHEMA_VERSION
    forgebench_version: str = VERSION
    seed: int
    resamples: int
    verdicts: list[Verdict]
    benchmarks: list[BenchmarkAudit]
    pair_counts: list[PairCount]
    pairs: list[Pair]
    """The first 10 000, the worst before the others."""
    recurring: list[Recurring] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)

    @property
    def negative(self) -> bool:
        """Whether any verdict is."""
        return any(verdict.negative for verdict in self.verdicts)

    def to_json(self) -> str:
        """The text of `audit.json`."""
        return self.model_dump_json(indent=1) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `audit.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Audit.model_json_schema()}
