"""What is known of a sample: all that is needed to make it again, as plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from forgebench.errors import InputError
from forgebench.synthesis.recipe import Blend, Fill, Finish, Format, Harmony, Kind, Retouch, Subsampling, Tables


@dataclass(frozen=True)
class Compression:
    """One JPEG compression."""

    quality: int
    tables: Tables
    subsampling: Subsampling


@dataclass(frozen=True)
class Retouching:
    """What was done to a whole photograph before the forgery."""

    what: Retouch
    box: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom of a crop, shares of the size."""
    keep: float = 1.0
    """Share of the size that resizing keeps."""
    gain: float = 1.0
    gamma: float = 1.0


@dataclass(frozen=True)
class Source:
    """A photograph as it was used."""

    name: str
    """Its path below the folder."""
    sha256: str
    format: str
    """Of its file."""
    size: tuple[int, int]
    """Width and height that it was brought to, pixels."""
    scale: float
    """By how much that is smaller than the file; 1 is untouched."""
    first: Compression | None
    """Compression before the edit."""
    retouching: Retouching


@dataclass(frozen=True)
class Shape:
    """A region of an image as a COCO run-length code; one on a coarser grid is enlarged smoothly."""

    size: tuple[int, int]
    """Height and width of the grid."""
    counts: str
    how: str
    """`superpixels` or `instance`."""
    category: str | None = None
    """What it shows, where that is known."""


@dataclass(frozen=True)
class Step:
    """One forgery in an image."""

    kind: Kind
    shape: Shape
    """In the donor for a splice, else in the image itself."""
    donor: Source | None
    """Of a splice."""
    corner: tuple[int, int]
    """Left and top of the pasted window, pixels."""
    offset: tuple[int, int]
    """From the window that it was taken from, pixels to the right and down."""
    scale: float = 1.0
    rotation: float = 0.0
    flip: bool = False
    perspective: float = 0.0
    seed: int = 0
    """Of what is random in it."""
    harmony: Harmony = "none"
    blend: Blend = "hard"
    width: float = 1.0
    """Half the width of a feathered seam, pixels."""
    smooth: bool = False
    fill: Fill | None = None
    """Of a removal."""
    radius: float = 0.0
    model: str | None = None
    prompt: str = ""
    inference_steps: int = 0
    texture: float = 0.0
    """Standard deviation of luma inside before the forgery, grey levels."""
    visibility: float = 0.0
    """Mean change of luma inside, grey levels; on a thumbnail for what is pasted."""
    contrast: float = 0.0
    """Between the mean colour inside and that of the ground around it, grey levels; on a thumbnail."""
    tries: int = 1
    """How many regions were looked at."""


@dataclass(frozen=True)
class Saving:
    """How the image was finished and saved."""

    finish: Finish
    amount: float
    seed: int
    format: Format
    compression: Compression
    again: Compression | None


@dataclass(frozen=True)
class Plan:
    """A sample's provenance."""

    suite: str
    """The version that made it."""
    recipe: str
    recipe_sha256: str
    seed: int
    index: int
    kind: Kind
    """Of the forgery; an authentic image has that of its match."""
    tampered: bool
    host: Source
    steps: tuple[Step, ...]
    saving: Saving

    def to_json(self) -> str:
        """As it is stored."""
        return str(_adapter().dump_json(self), "utf-8")


def read_plan(text: str | None) -> Plan:
    """A plan from a sample's `provenance`.

    Raises:
        InputError: If it is none.
    """
    try:
        plan: Plan = _adapter().validate_json(text or "")
        return plan
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"Expected the provenance of a synthetic sample, found {where}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Plan)
