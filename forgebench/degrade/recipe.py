"""Recipes: what a picture goes through, step by step, in TOML; most of them at several strengths."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from forgebench.degrade.steps import Crop, Encoder, Fit, Resize, Size, Step
from forgebench.errors import InputError

GRID = "grid"
"""All shipped recipes at all their strengths."""

_FOLDER = Path(__file__).parent / "recipes"
_STRENGTH = "strength"
_WORDS = r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*"
_NUMBER = r"\d+(?:\.\d{1,6})?"
_NAME = re.compile(rf"(?P<family>.+?)(?:-(?P<strength>{_NUMBER}))?")
_DERIVED = re.compile(rf"(?P<parent>.+)--(?P<recipe>(?P<family>{_WORDS})(?:-(?P<strength>{_NUMBER}))?)")


class Recipe(BaseModel):
    """A chain of steps with all parameters set; the last one writes the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The family's name, and the strength behind a hyphen where there is one: `jpeg-70`."""
    family: str
    version: int
    description: str
    strength: float | None
    """None for a recipe of one strength."""
    unit: str | None
    """What the strength counts."""
    steps: Annotated[list[Step], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_in_a_file(self) -> Recipe:
        if not isinstance(self.steps[-1], Encoder):
            raise ValueError("the last step must write a file: jpeg, webp or png")
        return self

    @property
    def encoder(self) -> Encoder:
        """The step that writes the file."""
        return cast("Encoder", self.steps[-1])

    @property
    def moves(self) -> bool:
        """Whether a step may change where things lie."""
        return any(isinstance(step, Resize | Fit | Crop) for step in self.steps)

    def sizes(self, size: Size) -> list[Size]:
        """Width and height before the first step and after each."""
        found = [size]
        for step in self.steps:
            found.append(step.size(found[-1]))
        return found


class Family(BaseModel):
    """A recipe's file: its steps, in which the word `strength` stands for each strength in turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=rf"^{_WORDS}$")]
    version: Annotated[int, Field(ge=1)]
    """Raised with every change that changes a byte."""
    description: Annotated[str, Field(min_length=1)]
    unit: str | None = None
    """What the strength counts."""
    strengths: list[int] | list[float] = Field(default_factory=list)
    """From the mildest to the strongest, or in the order of the number where it goes both ways. Six decimals."""
    steps: list[dict[str, Any]]

    @model_validator(mode="after")
    def _all_strengths_are_valid(self) -> Family:
        if bool(self.strengths) != (self.unit is not None):
            raise ValueError("strengths need a unit, and a unit needs strengths")
        if any(not re.fullmatch(_NUMBER, _text(one)) or float(_text(one)) != one for one in self.strengths):
            raise ValueError("strengths are numbers of at most six decimals, 0 or more")
        self.recipes()
        return self

    def recipes(self) -> list[Recipe]:
        """The recipe at each of its strengths, or the one that there is."""
        return [self.at(strength) for strength in self.strengths or [None]]

    def at(self, strength: float | None) -> Recipe:
        """The recipe at one strength, within the range of those listed.

        Raises:
            InputError: If the family has no such strength.
        """
        if (strength is None) != (not self.strengths):
            comes_as = ", ".join(f"{self.name}-{_text(one)}" for one in self.strengths) or f"{self.name} alone"
            raise InputError(f"Expected one strength of the recipe {self.name}, which comes as: {comes_as}.")
        if strength is not None and not min(self.strengths) <= strength <= max(self.strengths):
            low, high = min(self.strengths), max(self.strengths)
            raise InputError(f"Expected a {self.unit} from {low} to {high} for {self.name}, got {_text(strength)}.")
        whole = int(strength) if strength is not None and float(strength).is_integer() else strength
        steps = [{key: whole if value == _STRENGTH else value for key, value in step.items()} for step in self.steps]
        fields = self.model_dump(include={"version", "description", "unit"})
        name = self.name if strength is None else f"{self.name}-{_text(strength)}"
        try:
            return Recipe.model_validate(
                {**fields, "name": name, "family": self.name, "strength": strength, "steps": steps}
            )
        except ValidationError as error:
            raise InputError(f"{name} cannot be made: {error}") from error


class Origin(NamedTuple):
    """Where a derived sample comes from."""

    sample_id: str
    """The parent's."""
    recipe: str
    family: str
    strength: float | None


def families() -> list[Family]:
    """All shipped recipes, by name."""
    return [_read(path) for path in sorted(_FOLDER.glob("*.toml"))]


def load_recipe(name: str) -> Recipe:
    """One recipe at one strength: `facebook`, `jpeg-70`, or one's own as `mine.toml` or `mine.toml-70`.

    Raises:
        InputError: If there is no such recipe, or it is not valid.
    """
    family, strength = _family(name)
    return family.at(strength)


def load_recipes(name: str) -> list[Recipe]:
    """What a name stands for: one recipe, all strengths of a family, or with `grid` all that are shipped.

    Raises:
        InputError: If there is no such recipe, or it is not valid.
    """
    if name == GRID:
        return [recipe for family in families() for recipe in family.recipes()]
    family, strength = _family(name)
    return family.recipes() if strength is None else [family.at(strength)]


def derived_id(parent: str, recipe: str) -> str:
    """The name of what a recipe makes of a sample or a benchmark."""
    return f"{parent}--{recipe}"


def parent_of(sample_id: str) -> Origin:
    """The parent of a sample of a degraded benchmark, one step up the chain.

    Raises:
        InputError: If the name is not that of a degraded sample.

    >>> parent_of("s0-000001--resize-0.5--jpeg-70")
    Origin(sample_id='s0-000001--resize-0.5', recipe='jpeg-70', family='jpeg', strength=70.0)
    """
    found = _DERIVED.fullmatch(sample_id)
    if found is None:
        raise InputError(f"{sample_id} is not a degraded sample: expected a name such as SAMPLE--jpeg-70.")
    strength = found["strength"]
    return Origin(found["parent"], found["recipe"], found["family"], None if strength is None else float(strength))


def _text(strength: float) -> str:
    return f"{strength:.6f}".rstrip("0").rstrip(".")


def _family(name: str) -> tuple[Family, float | None]:
    found = _NAME.fullmatch(name)
    family, strength = (found["family"], found["strength"]) if found else (name, None)
    return _read(_path(family)), None if strength is None else float(strength)


def _path(name: str) -> Path:
    shipped = {file.stem: file for file in sorted(_FOLDER.glob("*.toml"))}
    own = "/" in name or name.endswith(".toml")
    path = Path(name) if own else shipped.get(name, _FOLDER / name)
    if not path.is_file():
        raise InputError(
            f"No recipe {name!r}.{_hint(name, shipped)} Shipped: {', '.join(shipped)}; or give the path of a .toml "
            "file."
        )
    if own and path.stem in shipped:
        raise InputError(f"{path} has the name of a shipped recipe, {path.stem}. Give it another.")
    return path


def _hint(name: str, shipped: Iterable[str]) -> str:
    near = get_close_matches(name, shipped, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _read(path: Path) -> Family:
    try:
        return Family.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid recipe: {error}") from error
