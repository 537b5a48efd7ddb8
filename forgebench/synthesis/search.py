"""Looking for a region and a place where a forgery would be worth making: all of it on thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forgebench.schema import Mask
from forgebench.synthesis.blend import harmonized
from forgebench.synthesis.geometry import cut
from forgebench.synthesis.ground import Ground, luma
from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Shape, Step
from forgebench.synthesis.recipe import Geometry, Kind, Recipe, draw, draw_count, pick
from forgebench.synthesis.shapes import decoded, find_shape, full_mask, solidity

_TRIES = 30
_PLACES = 6
_TRIES_PER_DONOR = 10
_SPREAD = 2.0
"""By how much a region's area may miss the ends of the recipe's range."""
_APART = 5
"""Thumbnail pixels over which regions keep away from each other, and the ground around one is looked at."""

Single = Literal["splice", "copy_move", "removal"]
_SINGLE: tuple[Single, ...] = ("splice", "copy_move", "removal")


def find_steps(
    host: Ground, donors: Sequence[Callable[[], Ground]], recipe: Recipe, kind: Kind, key: tuple[int, ...]
) -> tuple[Step, ...] | None:
    """The forgeries that make up a sample, none of which touches another.

    Args:
        host: The image to be forged.
        donors: Where splices may come from, the first one preferred; each is called for when it is looked at.
        recipe: Says what is wanted.
        kind: Of the sample.
        key: Of every random choice.

    Returns:
        The steps in order, or None where the recipe's gates let nothing through.
    """
    rng = np.random.default_rng(key)
    taken = np.zeros(host.thumbnail.shape[:2], bool)
    steps: list[Step] = []
    for number, one in enumerate(_kinds(kind, recipe, rng)):
        search = _Search(host, donors, recipe, one, taken, (*key, number))
        last = steps[-1] if kind == "copy_move" and steps else None
        found = search.find(last.shape if last else None)
        if found is None:
            return None
        step, covered = found
        steps.append(step)
        taken |= _grown_by(covered, _APART)
    return tuple(steps)


def _kinds(kind: Kind, recipe: Recipe, rng: np.random.Generator) -> list[Single]:
    if kind == "mixed":
        drawn = [_SINGLE[int(i)] for i in rng.permutation(3)]
        return [drawn[i % 3] for i in range(max(2, draw_count(recipe.steps, rng)))]
    if kind == "copy_move":
        return [kind] * draw_count(recipe.copies, rng)
    return [kind]


@dataclass(frozen=True, eq=False)
class _Search:
    host: Ground
    donors: Sequence[Callable[[], Ground]]
    recipe: Recipe
    kind: Single
    taken: Mask
    key: tuple[int, ...]

    def find(self, shape: Shape | None) -> tuple[Step, Mask] | None:
        """The first try that passes all gates, and what it changes or takes of this image, on the thumbnail."""
        for tries in range(_TRIES):
            rng = np.random.default_rng((*self.key, tries))
            found = self._removed(rng) if self.kind == "removal" else self._pasted(shape, tries, rng)
            if found is not None:
                return replace(found[0], tries=tries + 1), found[1]
        return None

    def _pasted(self, shape: Shape | None, tries: int, rng: np.random.Generator) -> tuple[Step, Mask] | None:
        recipe = self.recipe
        donor = self.donors[tries // _TRIES_PER_DONOR % len(self.donors)]() if self.kind == "splice" else None
        origin, step = donor or self.host, _geometry(self.kind, recipe.geometry, rng)
        share = draw(recipe.region.area, rng) * np.prod(self.host.size) / (step.scale**2 * np.prod(origin.size))
        again = shape is not None
        shape = shape or find_shape(origin, min(0.5, float(share)), rng)
        if shape is None:
            return None
        step = replace(
            step, shape=shape, donor=donor.source if donor else None, harmony=pick(recipe.seam.harmonize, rng),
            blend=pick(recipe.seam.blend, rng), width=draw(recipe.seam.width, rng),
            smooth=bool(rng.random() < recipe.seam.smooth),
        )  # fmt: skip
        region = on_thumbnail(shape, origin)
        if self.kind == "copy_move" and not again and (region & self.taken).any():
            return None
        texture = self._texture(origin, region)
        if texture is None:
            return None
        grown = step.scale * self.host.factor / origin.factor
        if not self._near(region.sum() * grown**2 / self.taken.size):
            return None
        patch, alpha, (_, was) = cut(origin.thumbnail, region, step, self.host.factor / origin.factor)
        height = origin.thumbnail.shape[0]
        middle = (was + (region.any(axis=1).sum()) / 2) / height
        taken = self.taken | region if self.kind == "copy_move" else self.taken
        placed = self._placed(replace(step, texture=texture), patch, alpha, middle, taken, rng)
        full = _at_full_size(placed, self.host, origin) if placed else None
        if placed is None or full is None:
            return None
        covered = region.copy() if self.kind == "copy_move" else np.zeros_like(self.taken)
        covered[placed.corner[1] :, placed.corner[0] :][: alpha.shape[0], : alpha.shape[1]] |= alpha
        return full, covered

    def _texture(self, ground: Ground, region: Mask) -> float | None:
        """The standard deviation of luma inside; None where the region is no object or too flat."""
        gates = self.recipe.region
        if not region.any() or solidity(region) < gates.min_solidity:
            return None
        texture = round(float(ground.luma[region].std()), 2)
        return texture if texture >= gates.min_texture else None

    def _fits(self, alpha: Mask) -> bool:
        """Whether a region is as large as wanted, and goes into the image."""
        gates, (height, width) = self.recipe.region, self.taken.shape
        share = alpha.sum() / self.taken.size
        least = min(alpha.shape) / self.host.factor
        smaller = alpha.shape[0] < height and alpha.shape[1] < width
        return bool(self._near(share) and least >= gates.min_side and smaller)

    def _near(self, share: float) -> bool:
        """Whether a share of the image is one that the recipe wants."""
        area = self.recipe.region.area
        return area[0] / _SPREAD <= share <= area[-1] * _SPREAD

    def _placed(
        self, step: Step, patch: Pixels, alpha: Mask, middle: float, taken: Mask, rng: np.random.Generator
    ) -> Step | None:
        """The region somewhere in the image, its corner in thumbnail pixels; None where it does not show."""
        if not alpha.any() or not self._fits(alpha):
            return None
        (height, width), gates = alpha.shape, self.recipe.region
        rows, columns = taken.shape
        drift = self.recipe.geometry.drift
        lowest = max(0.0, (middle - drift) * rows - height / 2)
        highest = min(float(rows - height), (middle + drift) * rows - height / 2)
        if lowest > highest:
            return None
        inside = luma(patch)
        for _ in range(_PLACES):
            top, left = round(rng.uniform(lowest, highest)), int(rng.integers(0, columns - width + 1))
            window = slice(top, top + height), slice(left, left + width)
            if (taken[window] & alpha).any():
                continue
            target = self.host.thumbnail[window]
            if step.harmony != "none":
                inside = luma(harmonized(patch, alpha, target, step.harmony))
            visibility = float(np.abs(inside - self.host.luma[window])[alpha].mean())
            contrast = self._contrast(patch[alpha].mean(axis=0), alpha, top, left)
            if visibility >= gates.min_visibility and contrast >= gates.min_contrast:
                seen = round(visibility, 2), round(contrast, 2)
                return replace(step, corner=(left, top), visibility=seen[0], contrast=seen[1])
        return None

    def _contrast(self, colour: NDArray[np.float64], alpha: Mask, top: int, left: int) -> float:
        """How far a colour is from the mean of the ground around a place."""
        mask = np.zeros(self.taken.shape, bool)
        mask[top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha
        around = self.host.thumbnail[_grown_by(mask, _APART) & ~mask]
        return float(np.abs(colour - around.mean(axis=0)).mean()) if len(around) else 0.0

    def _removed(self, rng: np.random.Generator) -> tuple[Step, Mask] | None:
        import cv2

        recipe, removal = self.recipe, self.recipe.removal
        shape = find_shape(self.host, draw(recipe.region.area, rng), rng)
        if shape is None:
            return None
        region = on_thumbnail(shape, self.host)
        texture = self._texture(self.host, region)
        tight = region[region.any(axis=1)][:, region.any(axis=0)]
        if texture is None or not self._fits(tight) or (region & self.taken).any():
            return None
        contrast = self._contrast(self.host.thumbnail[region].mean(axis=0), region, 0, 0)
        filled = cv2.inpaint(self.host.thumbnail, region.view(np.uint8), 3, cv2.INPAINT_TELEA)
        visibility = float(np.abs(luma(filled[region][None])[0] - self.host.luma[region]).mean())
        if visibility < recipe.region.min_visibility or contrast < recipe.region.min_contrast:
            return None
        fill = pick(removal.fill, rng)
        mask = full_mask(shape, self.host.size)
        corner = int(np.flatnonzero(mask.any(axis=0))[0]), int(np.flatnonzero(mask.any(axis=1))[0])
        step = Step(
            "removal", shape, None, corner, (0, 0), fill=fill, seed=int(rng.integers(2**31)), texture=texture,
            visibility=round(visibility, 2), contrast=round(contrast, 2),
        )  # fmt: skip
        if fill == "diffusion":
            step = replace(step, model=removal.model, prompt=removal.prompt, inference_steps=removal.steps)
        elif fill in ("telea", "navier_stokes"):
            step = replace(step, radius=draw(removal.radius, rng))
        return step, region


@lru_cache(maxsize=4)
def piece(origin: Ground, step: Step) -> tuple[Pixels, Mask, tuple[int, int]]:
    """What a step pastes, before it is blended: patch, mask, and the corner that it was cut from."""
    return cut(origin.image, full_mask(step.shape, origin.size), step)


def on_thumbnail(shape: Shape, ground: Ground) -> Mask:
    """A region on its image's thumbnail."""
    import cv2

    height, width = ground.thumbnail.shape[:2]
    if shape.size == (height, width):
        return decoded(shape)
    mask = full_mask(shape, ground.size)
    small = cv2.resize(mask.view(np.uint8) * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small > 127)


def _geometry(kind: Single, wanted: Geometry, rng: np.random.Generator) -> Step:
    nothing = Shape((0, 0), "", "")
    return Step(
        kind, nothing, None, (0, 0), (0, 0), scale=draw(wanted.scale, rng), rotation=draw(wanted.rotation, rng),
        flip=bool(rng.random() < wanted.flip), perspective=draw(wanted.perspective, rng), seed=int(rng.integers(2**31)),
    )  # fmt: skip


def _at_full_size(step: Step, host: Ground, origin: Ground) -> Step | None:
    """The step with its corner in pixels, wholly inside the image."""
    _, alpha, was = piece(origin, replace(step, corner=(0, 0)))
    height, width = alpha.shape
    if not alpha.any() or height > host.size[0] or width > host.size[1]:
        return None
    left, top = (round(v / host.factor) for v in step.corner)
    corner = min(left, host.size[1] - width), min(top, host.size[0] - height)
    return replace(step, corner=corner, offset=(corner[0] - was[0], corner[1] - was[1]))


def _grown_by(mask: Mask, pixels: int) -> Mask:
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(np.ascontiguousarray(mask).view(np.uint8), disc)).view(bool)
