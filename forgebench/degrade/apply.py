"""A recipe applied to one sample: the file that a reader gets, its truth, and what was done."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from forgebench.degrade.recipe import Recipe
from forgebench.degrade.steps import Picture, Size
from forgebench.degrade.transforms import Pixels
from forgebench.schema import Explanation, Mask
from forgebench.sources.files import image_size

MIN_SIDE = 16
"""A recipe may not make a side smaller than this many pixels."""


@dataclass(frozen=True)
class Degraded:
    """What a recipe made of a picture."""

    data: bytes
    """The file's bytes: encoded, and decoded again to be sure of them."""
    size: Size
    """Width and height as decoded from the file."""
    mask: Mask | None
    source_mask: Mask | None
    steps: list[dict[str, Any]]
    """Every step with its parameters and what chance decided, in order."""
    moved: bool
    """Whether any step changed where things lie."""


def apply_recipe(
    pixels: Pixels, recipe: Recipe, rng: np.random.Generator, mask: Mask | None = None, source_mask: Mask | None = None
) -> Degraded:
    """Send an image and its truth through a recipe.

    Args:
        pixels: Shape (H, W) or (H, W, 3), uint8, as `transforms.decode` gives them.
        recipe: What to do.
        rng: The source of chance; `rng_of` gives that of a sample.
        mask: Shape (H, W), bool; comes back untouched where no step moves anything.
        source_mask: Likewise.
    """
    picture = Picture(pixels, mask, source_mask)
    sizes = recipe.sizes(picture.size)
    done = []
    for step in recipe.steps[:-1]:
        picture, drawn = step.apply(picture, rng)
        done.append(step.model_dump() | drawn)
    file = recipe.encoder.encode(picture.pixels)
    size, _ = image_size(file)
    moved = any(size != sizes[0] for size in sizes)
    return Degraded(file, size, picture.mask, picture.source_mask, [*done, recipe.encoder.model_dump()], moved)


def rng_of(sample_id: str, seed: int = 0) -> np.random.Generator:
    """The source of chance of a sample: it follows from the name and the seed alone."""
    digest = hashlib.sha256(sample_id.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16])])


def size_problem(recipe: Recipe, size: Size) -> tuple[str, str, str] | None:
    """Why a recipe cannot be applied to an image of this size: code, expected, got; None where it can."""
    sizes = recipe.sizes(size)
    smallest = min(sizes, key=min)
    if smallest != size and min(smallest) < MIN_SIDE:
        return "too_small", f"at least {MIN_SIDE} pixels a side after {recipe.name}", f"{smallest[0]}x{smallest[1]}"
    longest = recipe.encoder.longest
    if max(sizes[-1]) > longest:
        return "too_large", f"at most {longest} pixels a side in {recipe.encoder.op}", f"{sizes[-1][0]}x{sizes[-1][1]}"
    return None


def explained(before: Explanation | None, recipe: str, moved: bool, mask: Mask | None) -> Explanation | None:
    """An explanation of which every word is still true.

    What was done stays. Traces may not have survived: they are said to be those before the recipe. Where things have
    moved, so is all that may hold pixel positions, and the area is told again from the mask.
    """
    if before is None:
        return None
    after = Explanation(**before)
    after["evidence"] = _before(recipe, before["evidence"])
    if moved:
        after["content"] = _before(recipe, before["content"])
        after["area"] = _before(recipe, before["area"]) if mask is None or not mask.any() else _area(mask)
    return after


def _before(recipe: str, text: str) -> str:
    return f"Before {recipe}: {text}" if text else text


def _area(mask: Mask) -> str:
    ys, xs = np.nonzero(mask)
    rows, columns = ("top", "middle", "bottom"), ("left", "centre", "right")
    row, column = int(3 * ys.mean() / mask.shape[0]), int(3 * xs.mean() / mask.shape[1])
    box = f"x {xs.min()}-{xs.max()}, y {ys.min()}-{ys.max()}"
    return f"{rows[row]} {columns[column]}, {100 * mask.mean():.1f} % of the image ({box})"
