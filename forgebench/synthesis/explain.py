"""Explanations in four fields, written from what is known of a forgery and measured on its pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forgebench.schema import Explanation, Mask
from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Plan, Step

_TYPES = {"splice": "splice", "copy_move": "copy-move", "removal": "removal", "mixed": "composition"}
_FILLS = {
    "telea": "interpolated from its rim (Telea's method)",
    "navier_stokes": "interpolated from its rim (Navier-Stokes method)",
    "biharmonic": "filled with a smooth (biharmonic) surface",
    "patch": "filled with patches copied from elsewhere in the photograph",
    "diffusion": "repainted by a diffusion model",
}
_RING = 8
"""Pixels around a region that it is compared with."""
_NOTABLE = 6.0
"""Least difference of mean luma that is spoken of, grey levels."""


def explain(plan: Plan, image: Pixels, mask: Mask) -> Explanation:
    """What was done, where, to what, and what gives it away.

    Every statement follows from the provenance or was measured on the pixels; the wording is drawn by the seed.

    Args:
        plan: The provenance.
        image: The forged image before it was encoded, shape (H, W, 3), uint8.
        mask: Shape (H, W), bool, not empty.
    """
    rng = np.random.default_rng((plan.seed, plan.index, 7))
    kinds = list(dict.fromkeys(step.kind for step in plan.steps))
    contents = list(dict.fromkeys(_content(step, plan.steps, rng) for step in plan.steps))
    if plan.kind == "mixed":
        contents = [f"{_TYPES[step.kind]}: {_content(step, plan.steps, rng)}" for step in plan.steps]
    evidence = list(dict.fromkeys(line for kind in kinds for line in _evidence(plan, kind, rng)))
    light = _light(image, mask, rng)
    return Explanation(
        type=_TYPES[plan.kind],
        area=_area(mask, rng),
        content="; ".join(contents),
        evidence=" ".join([*evidence, *light, _saved(plan, rng)]),
    )


def _say(rng: np.random.Generator, *ways: str) -> str:
    return ways[int(rng.integers(len(ways)))]


def _area(mask: Mask, rng: np.random.Generator) -> str:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    middle = mask.sum(axis=1) @ np.arange(mask.shape[0]), mask.sum(axis=0) @ np.arange(mask.shape[1])
    total = int(mask.sum())
    where = " ".join(
        [
            _third(middle[0] / total / mask.shape[0], ("top", "middle", "bottom")),
            _third(middle[1] / total / mask.shape[1], ("left", "centre", "right")),
        ]
    )
    box = f"x {columns[0]}-{columns[-1]}, y {rows[0]}-{rows[-1]}"
    share = f"{100 * total / mask.size:.1f} % of the image"
    return _say(rng, f"{where}, {share} ({box})", f"{share}, {where} ({box})", f"{where} ({box}), {share}")


def _third(position: float, names: tuple[str, str, str]) -> str:
    return names[min(2, int(3 * position))]


def _content(step: Step, steps: Sequence[Step], rng: np.random.Generator) -> str:
    what = f"an object of the category {step.shape.category}" if step.shape.category else "a region"
    if step.kind == "splice":
        return _say(rng, f"{what} of another photograph", f"{what} that was taken from another photograph")
    if step.kind == "removal":
        return _say(rng, f"{what} that was there is gone", f"{what} was removed from the photograph")
    moves = [one.offset for one in steps if one.kind == "copy_move" and one.shape == step.shape]
    told = " and ".join(f"by {_way(dx, 'right', 'left')} and {_way(dy, 'down', 'up')}" for dx, dy in moves)
    return f"{what} of the same photograph, moved {told}"


def _way(pixels: int, positive: str, negative: str) -> str:
    return f"{abs(pixels)} px {positive if pixels >= 0 else negative}"


def _evidence(plan: Plan, kind: str, rng: np.random.Generator) -> list[str]:
    steps = [step for step in plan.steps if step.kind == kind]
    if kind == "removal":
        fills = list(dict.fromkeys(_FILLS[step.fill or "telea"] for step in steps))
        return [f"The area was {fill}: the texture around it does not go on as it was." for fill in fills]
    lines = []
    if kind == "copy_move":
        times = _say(rng, "occurs", "is found") + (" twice" if len(steps) == 1 else f" {len(steps) + 1} times")
        lines.append(_say(rng, f"The region {times} in the image.", f"What is shown {times} in the image."))
    for step in steps:
        lines += _changes(step, rng) + _history(plan, step)
        lines += _seam(step, rng)
    return lines


def _changes(step: Step, rng: np.random.Generator) -> list[str]:
    done = []
    if step.scale != 1:
        done.append(f"resized by a factor of {step.scale:.2f}")
    if step.rotation:
        done.append(f"turned by {step.rotation:.1f} degrees")
    if step.flip:
        done.append("mirrored")
    if step.perspective:
        done.append("tilted in perspective")
    lines = [_say(rng, "The region was ", "It was ") + ", ".join(done) + "."] if done else []
    return lines + ([f"Its colours were adapted to the new ground ({step.harmony})."] if step.harmony != "none" else [])


def _history(plan: Plan, step: Step) -> list[str]:
    """What the compressions before the edit have left, where nothing has wiped it out."""
    host, donor = plan.host.first, step.donor.first if step.donor else None
    if step.kind == "splice":
        if host and donor and host.quality != donor.quality:
            return [f"The region was compressed at JPEG quality {donor.quality} before, the rest at {host.quality}."]
        return []
    moved = step.scale != 1 or step.rotation or step.flip or step.perspective
    dx, dy = (v % 8 for v in step.offset)
    if host is None or moved or plan.host.retouching.what in ("crop", "resize") or (dx, dy) == (0, 0):
        return []
    blocks = f"Its blocks of JPEG compression (quality {host.quality})"
    return [f"{blocks} are shifted by {dx} and {dy} pixels against those around it."]


def _seam(step: Step, rng: np.random.Generator) -> list[str]:
    lines = {
        "hard": _say(rng, "Its edge is cut hard, without a transition.", "The edge has no transition at all."),
        "feathered": f"Its edge was feathered over {2 * step.width:.1f} pixels.",
        "poisson": "Its brightness was drawn to the surroundings from the edge inward (Poisson blending).",
        "laplacian": "Its edge was blended over several scales (Laplacian pyramid).",
    }
    if not step.smooth:
        return [lines[step.blend]]
    blurred = _say(
        rng, "The seam was blurred on its inner side.", "Along its edge the inner side of the seam is blurred."
    )
    return [blurred] if step.blend == "hard" else [lines[step.blend], blurred]


def _light(image: Pixels, mask: Mask, rng: np.random.Generator) -> list[str]:
    """The difference of mean luma between the region and a ring around it, where it is notable."""
    inside, around = lit(image, mask)
    if np.isnan(around) or abs(inside - around) < _NOTABLE:
        return []
    word = "brighter" if inside > around else "darker"
    numbers = f"mean luma {inside:.0f} inside, {around:.0f} in a ring of {_RING} pixels"
    ways = f"It is {word} than its surroundings ({numbers}).", f"The region is {word} than what is around ({numbers})."
    return [_say(rng, *ways)]


def lit(image: Pixels, mask: Mask) -> tuple[float, float]:
    """Mean luma inside a region and in a ring around it, grey levels; the ring's is NaN where there is none."""
    import cv2

    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = tuple(slice(max(0, int(v[0]) - _RING), int(v[-1]) + 1 + _RING) for v in (ys, xs))
    inside = np.ascontiguousarray(mask[box]).view(np.uint8)
    ring = cv2.dilate(inside, np.ones((2 * _RING + 1,) * 2, np.uint8)) - inside
    window = np.ascontiguousarray(image[box])
    weights = np.array([0.299, 0.587, 0.114])
    means = [np.array(cv2.mean(window, one)[:3]) @ weights if one.any() else np.nan for one in (inside, ring)]
    return float(means[0]), float(means[1])


def _saved(plan: Plan, rng: np.random.Generator) -> str:
    saving = plan.saving
    if saving.again is not None:
        return f"The image was saved and then compressed again as JPEG of quality {saving.again.quality}."
    if saving.format in ("png", "tiff"):
        return f"The image was saved without loss as {saving.format.upper()}."
    kind, quality = saving.format.upper().replace("WEBP", "WebP"), saving.compression.quality
    ways = f"The image was saved as {kind} of quality {quality}.", f"It was saved as {kind}, quality {quality}."
    return _say(rng, *ways)
