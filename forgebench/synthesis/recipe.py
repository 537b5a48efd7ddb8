"""Recipes: how forgeries of one kind are made, in TOML."""

from __future__ import annotations

import tomllib
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from forgebench.errors import InputError

Kind = Literal["splice", "copy_move", "removal", "mixed"]
Blend = Literal["hard", "feathered", "laplacian", "poisson"]
Harmony = Literal["none", "reinhard", "histogram"]
Fill = Literal["telea", "navier_stokes", "biharmonic", "patch", "diffusion"]
Retouch = Literal["none", "crop", "resize", "tone"]
Finish = Literal["none", "blur", "sharpen", "noise", "tone"]
Tables = Literal["standard", "camera", "editor"]
Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]
Format = Literal["jpeg", "png", "webp", "tiff"]

_FOLDER = Path(__file__).parent / "recipes"
Name = TypeVar("Name", bound=str)


def _ordered(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(values):
        raise ValueError("the smallest number first")
    return values


def _some(weights: dict[Name, float]) -> dict[Name, float]:
    if not sum(weights.values()) > 0:
        raise ValueError("at least one weight above 0")
    return weights


_Share = Annotated[float, Field(gt=0, le=1)]
_Percent = Annotated[float, Field(ge=1, le=100)]
_Positive = Annotated[float, Field(gt=0)]
_Length = Field(min_length=2)
Shares = Annotated[tuple[_Share, ...], _Length, AfterValidator(_ordered)]
Qualities = Annotated[tuple[_Percent, ...], _Length, AfterValidator(_ordered)]
Factors = Annotated[tuple[_Positive, ...], _Length, AfterValidator(_ordered)]
Amounts = Annotated[tuple[float, ...], _Length, AfterValidator(_ordered)]
Counts = Annotated[tuple[Annotated[int, Field(ge=1, le=8)], ...], _Length, AfterValidator(_ordered)]
Weights = Annotated[dict[Name, Annotated[float, Field(ge=0)]], AfterValidator(_some)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Jpeg(_Part):
    """One JPEG compression."""

    quality: Qualities = (85, 95)
    """On the scale of libjpeg."""
    tables: Weights[Tables] = {"standard": 1}
    """Quantization tables: `standard` scales those of the JPEG standard; `camera` cuts them instead of rounding, with
    the chroma half again as coarse; `editor` takes those of a well-known picture editor that come nearest."""
    subsampling: Weights[Subsampling] = {"4:4:4": 1}
    """Of the chroma."""


class PhotoPart(_Part):
    """What a photograph is before the edit."""

    scale: Shares = (1, 1)
    """Share of the photograph's size that is kept."""
    max_side: Annotated[int, Field(ge=64)] | None = None
    """Larger photographs are made smaller until their longer side has as many pixels."""
    first: Jpeg | None = None
    """Compression before the edit; without it a photograph is taken as its file gives it."""
    donor: Jpeg | None = None
    """Of the photograph that a splice is taken from; as `first` unless said."""
    retouch: Weights[Retouch] = {"none": 1}
    """What is done to the whole photograph before the forgery, and to the authentic image alike: an edit that leaves
    the image authentic."""
    keep: Shares = (0.7, 0.95)
    """Share of each side that `crop` keeps, and of the size that `resize` keeps."""


class Region(_Part):
    """What is taken."""

    area: Shares = (0.02, 0.12)
    """Share of the forged image that one region covers."""
    min_side: Annotated[int, Field(ge=4)] = 12
    """Least width and height where it is pasted, pixels."""
    min_solidity: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Least share of its convex hull that it fills: objects are no ribbons."""
    min_texture: Annotated[float, Field(ge=0)] = 6
    """Least standard deviation of luma inside, grey levels: no flat sky."""
    min_visibility: Annotated[float, Field(ge=0)] = 10
    """Least mean change of luma inside, grey levels."""
    min_contrast: Annotated[float, Field(ge=0)] = 4
    """Least distance of its mean colour from that of the ground around it at the target, grey levels."""


class Geometry(_Part):
    """How a region is placed."""

    scale: Factors = (1, 1)
    """By how much it is resized."""
    rotation: Amounts = (0, 0)
    """Degrees, counter-clockwise."""
    flip: Annotated[float, Field(ge=0, le=1)] = 0
    """How often it is mirrored."""
    perspective: Annotated[tuple[float, ...], _Length, AfterValidator(_ordered)] = (0, 0)
    """How far its corners move, as a share of its sides; 0 is none."""
    drift: Annotated[float, Field(gt=0, le=1)] = 1
    """How far up or down from its old height it may go, as a share of the image's height."""


class Seam(_Part):
    """How a region is joined to its new ground."""

    blend: Weights[Blend] = {"feathered": 1}
    """Methods; every one of them changes pixels of the mask alone."""
    width: Factors = (0.6, 1.6)
    """Half the width of a feathered seam, pixels; it is blended inward."""
    harmonize: Weights[Harmony] = {"none": 1}
    """Colours brought towards those of the new ground: mean and deviation in Lab (Reinhard et al. 2001), or the
    whole histogram."""
    smooth: Annotated[float, Field(ge=0, le=1)] = 0
    """How often the inside of the seam is blurred."""


class Removal(_Part):
    """How what is removed is filled."""

    fill: Weights[Fill] = {"telea": 1, "navier_stokes": 1, "biharmonic": 1, "patch": 1}
    """Methods: two of OpenCV, biharmonic of scikit-image, patches copied from the same image, or a diffusion model."""
    radius: Factors = (3, 6)
    """Of the neighbourhood that OpenCV's methods look at, pixels."""
    model: str | None = None
    """Name or folder of an inpainting model for `diffusion`."""
    prompt: str = ""
    """What the diffusion model is told."""
    steps: Annotated[int, Field(ge=1)] = 30
    """Of the diffusion model."""


class Save(_Part):
    """How the edited image is finished and saved; the authentic one alike."""

    finish: Weights[Finish] = {"none": 1}
    """What is done to the whole image at the end."""
    format: Weights[Format] = {"jpeg": 1}
    """Of the file."""
    jpeg: Jpeg = Jpeg()
    """For JPEG; its quality is WebP's too."""
    again: Jpeg | None = None
    """A second compression, as by a site that the file is put on; it makes every file JPEG."""


class Recipe(_Part):
    """How samples are made.

    A list of numbers gives the quantiles, equally spaced, of the values that are drawn: two are the ends of a uniform
    range. A table gives weights.
    """

    name: str
    """The file's name."""
    description: str
    """One sentence for the benchmark's card."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)]
    """Taken in turn."""
    copies: Counts = (1, 1)
    """How many copies a copy-move pastes."""
    steps: Counts = (2, 3)
    """How many forgeries a mixed one is made of."""
    photo: PhotoPart = PhotoPart()
    region: Region = Region()
    geometry: Geometry = Geometry()
    seam: Seam = Seam()
    removal: Removal = Removal()
    save: Save = Save()

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        return sha256(self.model_dump_json().encode()).hexdigest()


def draw(quantiles: tuple[float, ...], rng: np.random.Generator) -> float:
    """One value of the distribution that these quantiles give; four decimals."""
    at = float(rng.random()) * (len(quantiles) - 1)
    return round(float(np.interp(at, range(len(quantiles)), quantiles)), 4)


def draw_count(quantiles: tuple[float, ...], rng: np.random.Generator) -> int:
    """One whole number; the ends of a range are as likely as what lies between."""
    widened = (quantiles[0] - 0.5, *quantiles[1:-1], quantiles[-1] + 0.5)
    return int(np.clip(round(draw(widened, rng)), quantiles[0], quantiles[-1]))


def pick(weights: dict[Name, float], rng: np.random.Generator) -> Name:
    """One name by its weight, whatever the order that they are written in."""
    names = sorted(weights)
    shares = np.cumsum([weights[name] for name in names])
    return names[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]


def shipped_recipes() -> list[str]:
    """Their names."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(name: str) -> Recipe:
    """A shipped recipe by its name, or one of your own by the path of its TOML file.

    Raises:
        InputError: If there is no such recipe, or it is not valid: every field that is wrong is named.
    """
    path = _FOLDER / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)
    if not path.is_file():
        shipped = ", ".join(shipped_recipes())
        raise InputError(f"No recipe {name!r}. Shipped: {shipped}; or give the path of a .toml file.")
    try:
        return Recipe.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors()]
        raise InputError("\n  ".join([f"{path} is not a valid recipe:", *faults])) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid recipe: {error}") from error
