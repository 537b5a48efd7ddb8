"""The sample, its columns and the four levels of annotation: one schema for every data set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError

if TYPE_CHECKING:
    from datasets import Features

Label: TypeAlias = Literal["authentic", "tampered"]
Level: TypeAlias = Literal["image", "box", "scribble", "pixel"]
Mask: TypeAlias = NDArray[np.bool_]
Rectangle: TypeAlias = tuple[float, float, float, float]
"""COCO `[x, y, width, height]`, pixels."""

SCHEMA_VERSION = 1
LABELS: tuple[Label, ...] = ("authentic", "tampered")
SAMPLE_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")

_IMAGE = ("sample_id", "image", "label", "width", "height", "group", "sha256")
COLUMNS = (
    "sample_id", "image", "label", "manipulation", "boxes", "scribble", "mask", "source_mask", "mask_scope",
    "width", "height", "explanation", "group", "provenance", "sha256",
)  # fmt: skip
LEVELS: dict[Level, tuple[str, ...]] = {
    "image": _IMAGE,
    "box": (*_IMAGE, "boxes"),
    "scribble": (*_IMAGE, "scribble"),
    "pixel": COLUMNS,
}
"""The columns that each level of annotation may see."""


class Explanation(TypedDict):
    """What was done to an image, in four fields."""

    type: str
    area: str
    content: str
    evidence: str


FIELDS: tuple[Literal["type", "area", "content", "evidence"], ...] = ("type", "area", "content", "evidence")
"""The fields of an explanation."""


@dataclass(frozen=True)
class Fix:
    """A known defect of a data set and what was done about it."""

    sample_id: str
    """The sample concerned."""
    issue: str
    """What is wrong with the published file."""
    action: str
    """What was done about it."""


@dataclass(frozen=True)
class Item:
    """A sample on its way into a benchmark: original bytes and truth, nothing derived yet."""

    sample_id: str
    label: Label
    image: bytes
    """The image file's bytes, as found."""
    image_name: str
    """The image file's base name."""
    sha256: str
    """Of the image file's bytes."""
    size: tuple[int, int]
    """Height and width of the image as displayed."""
    group: str
    """The host original: samples made from one share it."""
    split: str = "test"
    manipulation: str | None = None
    mask: Mask | None = None
    """Shape (H, W), true is tampered, in the image's displayed orientation; None where no truth exists."""
    source_mask: Mask | None = None
    """Shape (H, W), true where copied pixels came from."""
    mask_scope: str = "tampered"
    boxes: tuple[Rectangle, ...] | None = None
    """Boxes that people drew; None where they are to be derived from the mask."""
    scribble: NDArray[np.uint8] | None = None
    """Shape (H, W), uint8: a scribble that people drew; None where it is to be derived from the mask."""
    explanation: Explanation | None = None
    provenance: str | None = None
    fixes: tuple[Fix, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every source file read, by its path below the root."""


@dataclass(frozen=True)
class Sample:
    """What a method sees of a sample: the image and nothing of the truth."""

    sample_id: str
    data: bytes
    """The image file's bytes: forensic traces live in them."""
    image: NDArray[np.uint8]
    """Shape (H, W, 3), uint8, RGB, EXIF orientation applied."""
    width: int
    height: int


class Box(NamedTuple):
    """A predicted box, in pixels of the image as displayed, from its top left corner."""

    x: float
    y: float
    width: float
    height: float
    score: float
    """Probability in [0, 1] that what is in the box is tampered."""


@dataclass(frozen=True)
class Prediction:
    """What a method says of a sample.

    Of the three classes, real has the probability `1 - score`, full synthetic `synthetic`, and tampered
    `score - synthetic`.

    Raises:
        InputError: If the score is not a number in [0, 1], `synthetic` not one in [0, score], the mask not uint8
            (H, W), or a box not five numbers.
    """

    sample_id: str
    score: float
    """Probability in [0, 1] that the image is tampered or synthetic."""
    mask: NDArray[np.uint8] | None = None
    """Shape (H, W), uint8, the image's own size; byte v is the probability v / 255 of tampered."""
    boxes: Sequence[Box] | None = None
    """Boxes around tampered regions, at most 100, empty where nothing is found; rows of five numbers become boxes."""
    explanation: Explanation | None = None
    """What was done and what gives it away; None where there is nothing to say of this image."""
    synthetic: float | None = None
    """Probability in [0, score] that the whole image is synthetic."""

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise InputError(f"{self.sample_id}: expected a score in [0, 1], got {self.score}")
        if self.synthetic is not None and not 0 <= self.synthetic <= self.score:
            raise InputError(
                f"{self.sample_id}: expected a probability of synthetic in [0, {self.score}], got {self.synthetic}. "
                "The score is that of tampered or synthetic together."
            )
        if self.mask is not None and (self.mask.dtype != np.uint8 or self.mask.ndim != 2):
            raise InputError(
                f"{self.sample_id}: expected a uint8 mask of shape (H, W), got {self.mask.dtype} of shape "
                f"{self.mask.shape}. For probabilities p in [0, 1] give numpy.round(p * 255).astype(numpy.uint8)."
            )
        if self.boxes is not None:
            object.__setattr__(self, "boxes", tuple(_box(self.sample_id, box) for box in self.boxes))


def _box(sample_id: str, numbers: Sequence[float]) -> Box:
    try:
        return Box(*map(float, numbers))
    except (TypeError, ValueError) as error:
        raise InputError(f"{sample_id}: expected a box of x, y, width, height and score, got {numbers!r}") from error


def features() -> Features:
    """The benchmark's columns as Hugging Face features."""
    from datasets import ClassLabel, Features, Image, List, Value

    text = Value("string")
    kinds = {
        "image": Image(), "scribble": Image(), "mask": Image(), "source_mask": Image(),
        "label": ClassLabel(names=list(LABELS)), "width": Value("int32"), "height": Value("int32"),
        "boxes": List(List(Value("float32"), length=4)),
        "explanation": dict.fromkeys(FIELDS, text),
    }  # fmt: skip
    return Features({name: kinds.get(name, text) for name in COLUMNS})
