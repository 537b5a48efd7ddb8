"""The manifest `forgebench.json`: what a built benchmark says of itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from forgebench.errors import Problem
from forgebench.schema import SCHEMA_VERSION, Fix, Label

MANIFEST = "forgebench.json"


class Parent(BaseModel):
    """The benchmark that another was made from, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    content_hash: str
    recipe: str
    """As `forgebench degrade --recipe` takes it, such as `jpeg-70`."""
    family: str
    """The recipe without its strength."""
    version: int
    """The recipe's."""
    strength: float | None
    """None for a recipe of one strength."""
    unit: str | None
    """What the strength counts."""
    steps: list[dict[str, Any]]
    """Every step with its parameters, in order."""
    seed: int
    parent: Parent | None = None
    """What the parent was itself made from."""


class Facts(BaseModel):
    """What is known of a benchmark before it is built."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The benchmark's name; submissions are made for it."""
    title: str
    source: str
    """The source or recipe it was made with."""
    licence: str
    redistributable: bool
    homepage: str
    citation: str
    prose: str
    """What the data set is, Markdown."""
    year: int | None
    expected: dict[Label, int]
    """How many samples a complete copy gives; empty where unknown."""
    derived: dict[str, str]
    """How each annotation came about: published, or derived from what."""
    protocol: str | None = None
    """The division into splits: a published one by its name, one's own by its file and SHA-256; None is the card's."""
    parent: Parent | None = None
    """The benchmark that this one was degraded from."""


class Hidden(BaseModel):
    """What the public half of a benchmark says of the truth that it does not hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    splits: list[str]
    """Splits without truth: their labels are null and not counted, and their groups are the samples themselves."""
    public_hash: str
    """Over what this half holds, as the content hash is over the private half, which submissions are scored on."""


class SplitCounts(BaseModel):
    """How many samples a split holds."""

    samples: int = 0
    authentic: int = 0
    tampered: int = 0


class Manifest(BaseModel):
    """All of it."""

    model_config = ConfigDict(extra="forbid")

    schema_version: int = SCHEMA_VERSION
    forgebench_version: str
    """The version that built the benchmark."""
    facts: Facts
    splits: dict[str, SplitCounts]
    content_hash: str
    """Over all that scoring reads; see `forgebench.benchmark.hashing`."""
    annotation_hash: str
    """Over boxes, scribbles and explanations."""
    hidden: Hidden | None = None
    """Where this is the public half of a benchmark; its content hash is then the private half's."""
    missing: list[str] = Field(default_factory=list)
    """Samples whose truth was found but not their image."""
    known_issues: list[Fix] = Field(default_factory=list)
    """Known defects of the data set, and what was done about each."""
    skipped: list[Problem] = Field(default_factory=list)
    """Samples left out because `allow_issues` said so."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of every source file, by its path below the source's root."""
    rows: dict[str, str] = Field(default_factory=dict)
    """SHA-256 over every stored value of each sample, by sample id."""

    @property
    def total(self) -> SplitCounts:
        """Counts over all splits."""
        counts = [split.model_dump() for split in self.splits.values()]
        return SplitCounts(**{key: sum(c[key] for c in counts) for key in SplitCounts.model_fields})
