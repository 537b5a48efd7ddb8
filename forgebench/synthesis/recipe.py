"""Recipes: how forgeries of one kind are made, in TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from forgebench.errors import InputError

Kind = Literal["splice", "copy_move"]
_FOLDER = Path(__file__).parent / "recipes"


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("the smaller number first")
    return pair


Quality = Annotated[
    tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]], AfterValidator(_ordered)
]
Share = Annotated[
    tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]], AfterValidator(_ordered)
]
Range = Annotated[tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], AfterValidator(_ordered)]


class Recipe(BaseModel):
    """How samples are made; every pair is a range from which a value is drawn uniformly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    kinds: Annotated[list[Kind], Field(min_length=1)]
    """Taken in turn."""
    scale: Share
    """Of the photograph's size."""
    first_quality: Quality
    """JPEG quality of the photograph before the edit."""
    donor_quality: Quality
    """JPEG quality of the photograph that a splice is taken from."""
    final_quality: Quality
    """JPEG quality of the edited image as saved."""
    area: Share
    """Of the region, as a share of the image that it is taken from."""
    region_scale: Range
    """By how much a spliced region is resized."""
    feather: Range
    """Half the width of the seam, pixels; it is blended inward."""
    min_visibility: float
    """Least mean change of luma inside the region, grey levels: nothing is pasted where it does not show."""


def load_recipe(name: str) -> Recipe:
    """A shipped recipe by its name, or one of your own by the path of its TOML file.

    Raises:
        InputError: If there is no such recipe, or it is not valid.
    """
    path = _FOLDER / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in _FOLDER.glob("*.toml")))
        raise InputError(f"No recipe {name!r}. Shipped: {shipped}; or give the path of a .toml file.")
    try:
        return Recipe.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid recipe: {error}") from error
