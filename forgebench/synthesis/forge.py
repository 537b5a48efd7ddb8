"""One sample from photographs: a forgery or its matched authentic image, with all that is to be remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from forgebench.errors import InputError, Problem
from forgebench.schema import Item, Mask
from forgebench.sources.files import sha256
from forgebench.synthesis.blend import paste
from forgebench.synthesis.explain import explain
from forgebench.synthesis.fill import fill
from forgebench.synthesis.ground import Ground, prepare
from forgebench.synthesis.orders import Order, Orders, Pair
from forgebench.synthesis.photos import Photo, Pixels, size_at
from forgebench.synthesis.plan import Compression, Plan, Retouching, Saving, Source
from forgebench.synthesis.portable import without_ipp
from forgebench.synthesis.recipe import Finish, Jpeg, Kind, Recipe, draw, pick
from forgebench.synthesis.saving import finished, saved
from forgebench.synthesis.search import find_steps, piece
from forgebench.synthesis.shapes import full_mask
from forgebench.version import VERSION

_AMOUNTS: dict[Finish, tuple[float, float]] = {
    "none": (0, 0), "blur": (0.4, 0.9), "sharpen": (0.3, 0.9), "noise": (1, 4), "tone": (0.8, 1.25)
}  # fmt: skip
"""Of a finish: deviation of the blur in pixels, of the noise in grey levels, weight of the sharpening, gamma."""


@dataclass(frozen=True)
class Forged:
    """An image as it is saved, and its truth."""

    image: Pixels
    mask: Mask
    source_mask: Mask | None


def forge(photos: Sequence[Photo], recipe: Recipe, seed: int, index: int) -> Item:
    """Sample `index` of `seed`: the same bytes whoever makes it, in whatever order.

    Samples come in pairs on one photograph with one crop and one set of compressions, a forgery and its matched
    authentic image, in random order.

    Raises:
        InputError: If the recipe lets nothing through in these photographs.
    """
    made = forge_order(recipe, seed, Orders(photos, seed).order(index))
    if isinstance(made, Problem):
        raise InputError(str(made))
    return made


@without_ipp()
def forge_order(recipe: Recipe, seed: int, order: Order) -> Item | Problem:
    """The sample that was ordered; where no forgery can be made, its match is not made either."""
    name = f"s{seed}-{order.index:06d}"
    hosts = ", ".join(photo.name for photo in order.pair.hosts)
    try:
        planned = _planned(recipe, seed, order.pair)
    except OSError as error:
        found = str(error) or type(error).__name__
        return Problem("unreadable", name, f"the photographs {hosts}", found, "They must stay where they are.")
    if planned is None:
        return Problem(
            "no_region", name, f"a region that passes the recipe's gates in one of {hosts}", "none",
            "Widen [region] in the recipe, or leave such pairs out with --allow-issues no_region.",
        )  # fmt: skip
    tampered = order.index % 2 == int(np.random.default_rng((seed, order.pair.number, 4)).integers(2))
    plan, grounds = planned
    plan = replace(plan, index=order.index, tampered=tampered, steps=plan.steps if tampered else ())
    return item_of(plan, grounds[0], grounds, name=name, split=order.pair.split)


def item_of(plan: Plan, host: Ground, grounds: Sequence[Ground], *, name: str, split: str) -> Item:
    """Make what a plan says.

    Args:
        plan: The sample's plan.
        host: The photograph that is forged.
        grounds: Among others all donors.
        name: The sample's id.
        split: Where it goes.
    """
    forged = render(plan, host, grounds)
    image = finished(forged.image, plan.saving)
    data, suffix = saved(image, plan.saving)
    return Item(
        sample_id=name,
        label="tampered" if plan.tampered else "authentic",
        image=data,
        image_name=f"{name}.{suffix}",
        sha256=sha256(data),
        size=host.size,
        group=host.photo.group,
        split=split,
        manipulation=plan.kind if plan.tampered else None,
        mask=forged.mask,
        source_mask=forged.source_mask,
        explanation=explain(plan, image, forged.mask) if plan.tampered else None,
        provenance=plan.to_json(),
    )


def render(plan: Plan, host: Ground, grounds: Sequence[Ground]) -> Forged:
    """The steps of a plan one after the other; no pixel outside the mask is changed."""
    mask = np.zeros(host.size, bool)
    if not plan.steps:
        return Forged(host.image, mask, None)
    image, source = host.image.copy(), None
    for step in plan.steps:
        if step.kind == "removal":
            region = full_mask(step.shape, host.size)
            fill(image, region, step)
            mask |= region
            continue
        origin = host if step.donor is None else next(one for one in grounds if one.source == step.donor)
        patch, alpha, _ = piece(origin, step)
        paste(image, patch, alpha, step)
        (left, top), (height, width) = step.corner, alpha.shape
        mask[top : top + height, left : left + width] |= alpha
        if step.kind == "copy_move":
            region = full_mask(step.shape, host.size)
            source = region if source is None else source | region
    return Forged(image, mask, source)


@lru_cache(maxsize=2)
def _planned(recipe: Recipe, seed: int, pair: Pair) -> tuple[Plan, tuple[Ground, ...]] | None:
    """The plan of a pair's forgery, and the photographs that it needs; None where no photograph will do."""
    key = (seed, pair.number)
    kind: Kind = recipe.kinds[pair.number % len(recipe.kinds)]
    for attempt, photo in enumerate(pair.hosts):
        rng = np.random.default_rng((*key, 5, attempt))
        host = prepare(photo, _source(photo, recipe, rng, donor=False))
        saving = _saving(recipe, rng)
        donors = [one for one in pair.donors if one.sha256 != photo.sha256]
        others = [_source(one, recipe, rng, donor=True) for one in donors]
        grounds = [partial(prepare, p, s) for p, s in zip(donors, others, strict=True)]
        steps = find_steps(host, grounds, recipe, kind, (*key, 6, attempt))
        if steps is not None:
            used = {step.donor for step in steps if step.donor}
            plan = Plan(VERSION, recipe.name, recipe.digest, seed, 0, kind, True, host.source, steps, saving)
            return plan, (host, *(prepare(p, s) for p, s in zip(donors, others, strict=True) if s in used))
    return None


def _source(photo: Photo, recipe: Recipe, rng: np.random.Generator, *, donor: bool) -> Source:
    part = recipe.photo
    size = size_at(photo, draw(part.scale, rng), part.max_side)
    first = (part.donor or part.first) if donor else part.first
    compression = _compression(first, rng) if first else None
    how = Retouching("none") if donor else _retouching(recipe, rng)
    scale = round(size[0] / photo.size[0], 4)
    return Source(photo.name, photo.sha256, photo.format, size, scale, compression, how)


def _retouching(recipe: Recipe, rng: np.random.Generator) -> Retouching:
    what = pick(recipe.photo.retouch, rng)
    if what == "crop":
        keep = draw(recipe.photo.keep, rng), draw(recipe.photo.keep, rng)
        left, top = (round(float(rng.uniform(0, 1 - share)), 4) for share in keep)
        return Retouching(what, (left, top, round(left + keep[0], 4), round(top + keep[1], 4)))
    if what == "resize":
        return Retouching(what, keep=draw(recipe.photo.keep, rng))
    if what == "tone":
        return Retouching(what, gain=draw((0.85, 1.2), rng), gamma=draw((0.75, 1.3), rng))
    return Retouching(what)


def _compression(how: Jpeg, rng: np.random.Generator) -> Compression:
    return Compression(round(draw(how.quality, rng)), pick(how.tables, rng), pick(how.subsampling, rng))


def _saving(recipe: Recipe, rng: np.random.Generator) -> Saving:
    save, finish = recipe.save, pick(recipe.save.finish, rng)
    return Saving(
        finish, draw(_AMOUNTS[finish], rng), int(rng.integers(2**31)), pick(save.format, rng),
        _compression(save.jpeg, rng), _compression(save.again, rng) if save.again else None,
    )  # fmt: skip
