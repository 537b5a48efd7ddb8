"""What a source is: facts from its card, and the entries that its walk finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field

from forgebench.errors import NotFoundError, Problem
from forgebench.schema import Fix, Label, Rectangle
from forgebench.sources.masks import RuleName


class Protocol(BaseModel):
    """A published division of a data set into splits, by a list of some of its images or over all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    """Who divides so, and what for."""
    split: str
    """The split of the images that are listed; of all where nothing is listed."""
    rest: str | None = None
    """The split of the tampered images that are not listed; None leaves them out."""
    names: list[str] = Field(default_factory=list)
    """The listed images, where the list is short enough to stand on the card."""
    file: str | None = None
    """The published list's file name, where the user has to get it."""
    get: str = ""
    """Where the list is published."""
    count: int | None = None
    """How many images the published list names."""
    mask_rule: RuleName | None = None
    """Another reading of the masks."""


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
    """The layouts looked for."""
    expected: dict[Label, int]
    """How many samples a complete copy gives; empty where copies differ."""
    splits: list[str]
    citation: str
    quirks: list[str] = Field(default_factory=list)
    """Oddities of the published files that the source handles, in a few words each."""
    checked: Literal["real files", "look-alikes"]
    """What the source was tested on: files of the data set itself, or generated ones with their names and kinds."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """How an annotation came about, where it is not published masks and what is derived from them."""
    protocols: dict[str, Protocol] = Field(default_factory=dict)
    """Published divisions, by the name that `--protocol` takes."""


@dataclass(frozen=True)
class MaskFile:
    """Where a mask lies and how it is read."""

    path: str
    """Relative to the source's root; `CONTAINER::MEMBER` inside Parquet or LMDB."""
    crop: tuple[int, int] | None = None
    """Left and top of the image within a mask drawn on a larger canvas: a known defect."""
    resize: bool = False
    """Whether the mask is known to be drawn at another scale."""
    rule: RuleName = "above_127"
    """How the file's values become truth."""
    more: tuple[str, ...] = ()
    """Further files, one a region: the mask is their union, and each region gives a box."""
    original: str | None = None
    """The authentic original: a mask of another size is fitted to what the forgery changed in it."""


@dataclass(frozen=True)
class Shapes:
    """A mask given as COCO segmentations."""

    segmentations: str
    """JSON: a list of polygon lists or RLE objects; the mask is their union."""


WHOLE: Literal["whole"] = "whole"
"""The mask of an image that is synthetic in full."""

Truth: TypeAlias = MaskFile | Shapes | Literal["whole"]


@dataclass(frozen=True)
class Entry:
    """A sample found by a walk: where its files lie, and what their names say."""

    sample_id: str
    image: str
    """Path relative to the source's root; `CONTAINER::MEMBER` inside Parquet or LMDB."""
    label: Label
    group: str
    split: str = "test"
    manipulation: str | None = None
    mask: Truth | None = None
    source_mask: MaskFile | None = None
    mask_scope: str = "tampered"
    boxes: tuple[Rectangle, ...] | None = None
    """Boxes that people drew: COCO `[x, y, width, height]`, pixels."""
    scribble: str | None = None
    """A scribble that people drew: 0 unlabelled, 1 tampered, 2 authentic."""
    fixes: tuple[Fix, ...] = ()

    @property
    def files(self) -> list[str]:
        """All files that the sample is read from, the image first."""
        masks = [mask for mask in (self.mask, self.source_mask) if isinstance(mask, MaskFile)]
        found = [path for mask in masks for path in (mask.path, *mask.more)]
        return [self.image, *found, *([self.scribble] if self.scribble else [])]


Found: TypeAlias = Entry | Problem | Fix
"""A walk yields samples, problems by sample, and known defects that leave a sample out."""


def stem_key(name: str) -> str:
    """What a name in a list and a file's path have in common: the file's stem."""
    return PurePosixPath(name.partition("::")[0]).stem.casefold()


@dataclass(frozen=True)
class SourceSpec:
    """A public data set that ForgeBench knows, or a generic layout."""

    name: str
    walk: Callable[[Path], Iterator[Found]]
    """Walks a folder and yields what it finds."""
    generic: bool = False
    """Whether this is a layout for anyone's data, not a published data set."""
    key: Callable[[str], str] = stem_key
    """What a name in a protocol's list is matched by, whatever the renaming state."""

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


def unpaired(sample_id: str, expected: str, fix: str = "") -> Problem:
    """An image whose mask is not there."""
    fix = fix or "Add the mask, or leave the image out with --allow-issues unpaired."
    return Problem("unpaired", sample_id, expected, "no such file", fix)


def missing(sample_id: str, path: str) -> Problem:
    """A mask whose image is not there: reported, but no reason to stop."""
    return Problem("missing", sample_id, f"the image of {path}", "no such file", "Add the image if you have it.")


def bad_name(sample_id: str, path: str) -> Problem:
    """A file whose name gives no sample id."""
    expected = "letters, digits, dot, dash and underscore, at most 128"
    fix = "Rename the file, or leave it out with --allow-issues bad_name."
    return Problem("bad_name", sample_id, expected, path, fix)


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
