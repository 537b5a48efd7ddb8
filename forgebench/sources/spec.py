"""What a source is: facts from its card, and the entries that its walk finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict

from forgebench.errors import NotFoundError, Problem
from forgebench.schema import Fix, Label


class Card(BaseModel):
    """The facts of a data set, from the head of its card in `dataset_cards/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The source's name, as `forgebench build` takes it."""
    title: str
    year: int
    licence: str
    redistributable: bool
    """Whether the licence lets anyone publish the images again."""
    homepage: str
    get: str
    """Where and how to get the data."""
    layout: str
    """The layout looked for."""
    expected: dict[Label, int]
    """How many samples a complete copy gives."""
    splits: list[str]
    citation: str


@dataclass(frozen=True)
class MaskFile:
    """Where a mask lies and how it is read."""

    path: str
    """Relative to the source's root."""
    crop: tuple[int, int] | None = None
    """Left and top of the image within a mask drawn on a larger canvas: a known defect."""
    resize: bool = False
    """Whether the mask is known to be drawn at another scale."""


@dataclass(frozen=True)
class Entry:
    """A sample found by a walk: where its files lie, and what their names say."""

    sample_id: str
    image: str
    """Path relative to the source's root."""
    label: Label
    group: str
    split: str = "test"
    manipulation: str | None = None
    mask: MaskFile | None = None
    source_mask: MaskFile | None = None
    mask_scope: str = "tampered"
    fixes: tuple[Fix, ...] = ()


Found: TypeAlias = Entry | Problem | Fix
"""A walk yields samples, problems by sample, and known defects that leave a sample out."""


@dataclass(frozen=True)
class SourceSpec:
    """A public data set that ForgeBench knows, or a generic layout."""

    name: str
    walk: Callable[[Path], Iterator[Found]]
    """Walks a folder and yields what it finds."""
    generic: bool = False
    """Whether this is a layout for anyone's data, not a published data set."""

    @property
    def card(self) -> Card:
        """The facts on the data set's card."""
        return Card.model_validate(yaml.safe_load(_split_card(self.name)[0]))

    @property
    def prose(self) -> str:
        """The text of the data set's card, Markdown."""
        return _split_card(self.name)[1].strip()


def duplicate(sample_id: str, what: str, paths: Sequence[str]) -> Problem:
    """Several files where one belongs: which of them is meant cannot be known."""
    fix = "Rename or remove all but one, or leave them all out with --allow-issues duplicate."
    return Problem("duplicate", sample_id, f"one {what}", " and ".join(paths), fix)


def cards_folder() -> Path:
    """The folder of the cards: beside the package in a checkout, inside it in the wheel."""
    package = Path(__file__).parent.parent
    inside = package / "dataset_cards"
    return inside if inside.is_dir() else package.parent / "dataset_cards"


def _split_card(name: str) -> tuple[str, str]:
    path = cards_folder() / f"{name}.md"
    if not path.is_file():
        raise NotFoundError(f"Expected the card of {name} at {path}. Install forgebench again.")
    _, head, prose = path.read_text(encoding="utf-8").split("---\n", 2)
    return head, prose
