"""One sample from photographs: a forgery or its matched authentic image, with all that is to be remembered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.schema import Item, Mask
from forgebench.sources.files import sha256
from forgebench.synthesis.explain import explain
from forgebench.synthesis.photos import Photo, open_photo
from forgebench.synthesis.recipe import Kind, Recipe
from forgebench.synthesis.regions import grow_region
from forgebench.version import VERSION

_TRIES = 24
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """Everything that is drawn before a pixel is touched."""

    kind: Kind
    tampered: bool
    host: str
    host_sha256: str
    donor: str
    donor_sha256: str
    scale: float
    first_quality: int
    donor_quality: int
    final_quality: int
    feather: float


@dataclass(frozen=True)
class Paste:
    """A region and where it was put."""

    image: Pixels
    mask: Mask
    source_mask: Mask | None
    details: dict[str, Any]
    """Offset, size, flip, visibility and number of tries."""


def forge(photos: Sequence[Photo], recipe: Recipe, seed: int, index: int) -> Item:
    """Sample `index` of `seed`: the same bytes whoever makes it, in whatever order.

    Samples come in pairs on one photograph with one crop and one set of qualities, a forgery and its matched
    authentic image, in random order.
    """
    rng = np.random.default_rng([seed, index // 2])
    plan, host, donor = _plan(photos, recipe, seed, index, rng)
    image = _prepared(host, plan.scale, plan.first_quality)
    size = (image.shape[0], image.shape[1])
    mask, source, details = np.zeros(size, bool), None, {}
    if plan.tampered:
        pasted = _paste(image, donor, plan, recipe, rng)
        image, mask, source, details = pasted.image, pasted.mask, pasted.source_mask, pasted.details
    provenance = {
        "suite": VERSION,
        "recipe": recipe.model_dump(),
        "seed": seed,
        "index": index,
        **asdict(plan),
        **details,
    }
    name = f"s{seed}-{index:06d}"
    data = _jpeg(image, plan.final_quality)
    return Item(
        sample_id=name,
        label="tampered" if plan.tampered else "authentic",
        image=data,
        image_name=f"{name}.jpg",
        sha256=sha256(data),
        size=size,
        group=host.group,
        manipulation=plan.kind if plan.tampered else None,
        mask=mask,
        source_mask=source,
        explanation=explain(plan.kind, mask, provenance) if plan.tampered else None,
        provenance=json.dumps(provenance, sort_keys=True, ensure_ascii=False),
    )


def _plan(
    photos: Sequence[Photo], recipe: Recipe, seed: int, index: int, rng: np.random.Generator
) -> tuple[Plan, Photo, Photo]:
    pair = index // 2
    order = np.random.default_rng([seed, pair // len(photos), 1]).permutation(len(photos))
    host = photos[order[pair % len(photos)]]
    others = [photo for photo in photos if photo.sha256 != host.sha256] or [host]
    donor = others[int(rng.integers(len(others)))]

    def quality(ends: tuple[int, int]) -> int:
        return int(rng.integers(ends[0], ends[1] + 1))

    plan = Plan(
        kind=recipe.kinds[pair % len(recipe.kinds)],
        tampered=index % 2 == int(rng.integers(2)),
        host=host.name,
        host_sha256=host.sha256,
        donor=donor.name,
        donor_sha256=donor.sha256,
        scale=float(rng.uniform(*recipe.scale)),
        first_quality=quality(recipe.first_quality),
        donor_quality=quality(recipe.donor_quality),
        final_quality=quality(recipe.final_quality),
        feather=float(rng.uniform(*recipe.feather)),
    )
    return plan, host, donor


def _prepared(photo: Photo, scale: float, quality: int) -> Pixels:
    """A photograph made smaller and compressed once, as it would come from a camera or a site."""
    picture = Image.fromarray(open_photo(photo))
    size = max(16, round(picture.width * scale)), max(16, round(picture.height * scale))
    small = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    return np.asarray(Image.open(BytesIO(_jpeg(small, quality))))


def _jpeg(image: Pixels, quality: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def _paste(host: Pixels, donor: Photo, plan: Plan, recipe: Recipe, rng: np.random.Generator) -> Paste:
    """The first try that shows enough, or the one that shows most."""
    splice = plan.kind == "splice"
    origin = _prepared(donor, plan.scale, plan.donor_quality) if splice else host
    best: Paste | None = None
    for tries in range(1, _TRIES + 1):
        region = grow_region(origin, float(rng.uniform(*recipe.area)), rng)
        scale = float(rng.uniform(*recipe.region_scale)) if splice else 1.0
        flip = bool(rng.integers(2)) if splice else False
        pasted = _place(host, origin, region, scale, flip, plan, rng)
        if pasted is None:
            continue
        pasted.details["tries"] = tries
        if best is None or pasted.details["visibility"] > best.details["visibility"]:
            best = pasted
        if pasted.details["visibility"] >= recipe.min_visibility:
            return pasted
    if best is None:
        raise RuntimeError(f"no region of {plan.donor} fits into {plan.host}; widen the recipe's area")
    return best


def _place(
    host: Pixels, origin: Pixels, region: Mask, scale: float, flip: bool, plan: Plan, rng: np.random.Generator
) -> Paste | None:
    """Put a region of `origin` somewhere into `host`; None where it does not fit or covers its own source."""
    ys, xs = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    box = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
    patch, alpha = _resized(origin[box], region[box], scale, flip)
    height, width = alpha.shape
    if height > host.shape[0] or width > host.shape[1]:
        return None
    top = int(rng.integers(0, host.shape[0] - height + 1))
    left = int(rng.integers(0, host.shape[1] - width + 1))
    mask = np.zeros(host.shape[:2], bool)
    mask[top : top + height, left : left + width] = alpha
    if plan.kind == "copy_move" and (mask & region).any():
        return None
    layer = host.copy()
    layer[top : top + height, left : left + width] = patch
    image = _blended(host, layer, mask, plan.feather)
    details = {
        "offset": [left - int(xs[0]), top - int(ys[0])], "region_scale": scale, "flip": flip,
        "visibility": _visibility(host, image, mask),
    }  # fmt: skip
    source = region if plan.kind == "copy_move" else None
    return Paste(image, mask, source, details)


def _resized(patch: Pixels, region: Mask, scale: float, flip: bool) -> tuple[Pixels, Mask]:
    if flip:
        patch, region = patch[:, ::-1], region[:, ::-1]
    if scale == 1.0:
        return patch, region
    size = max(1, round(patch.shape[1] * scale)), max(1, round(patch.shape[0] * scale))
    soft = Image.fromarray(region.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    big = Image.fromarray(np.ascontiguousarray(patch)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(big), np.asarray(soft) > 0.5


def _blended(host: Pixels, layer: Pixels, mask: Mask, feather: float) -> Pixels:
    """The layer inside the mask; the seam is blurred inward, so that every changed pixel is in the mask."""
    inside = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    alpha = np.clip(inside / (2 * feather), 0, 1)[..., None]
    mixed: Pixels = np.round(layer * alpha + host * (1 - alpha)).astype(np.uint8)
    return mixed


def _visibility(before: Pixels, after: Pixels, mask: Mask) -> float:
    """Mean change of luma inside the mask, grey levels."""
    weights = np.array([0.299, 0.587, 0.114])
    change = np.abs((after[mask].astype(np.float64) - before[mask]) @ weights)
    return round(float(change.mean()), 4) if change.size else 0.0
