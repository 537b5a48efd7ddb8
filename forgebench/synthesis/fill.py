"""Removal: what is under the mask, made up from what is around it."""

from __future__ import annotations

import numpy as np

from forgebench.schema import Mask
from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Step

_RIM = 24
"""Pixels around the hole that OpenCV's methods and the biharmonic one see."""
_MOST = 1500
"""Unknown pixels that the biharmonic equations are solved for; larger holes are solved on a coarser grid."""


def fill(image: Pixels, mask: Mask, step: Step) -> None:
    """Replace what is under the mask, in place.

    Args:
        image: Shape (H, W, 3), uint8, RGB.
        mask: Shape (H, W), bool, not empty.
        step: Says how.

    Raises:
        InputError: If a diffusion model is asked for that cannot be loaded.
    """
    import cv2

    rim = _RIM if step.fill not in ("patch", "diffusion") else max(_RIM, round(1.2 * np.sqrt(mask.sum())))
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(max(0, ys[0] - rim), ys[-1] + 1 + rim), slice(max(0, xs[0] - rim), xs[-1] + 1 + rim)
    window, hole = np.ascontiguousarray(image[box]), np.ascontiguousarray(mask[box])
    image[box] = cv2.copyTo(_filled(window, hole, step), hole.view(np.uint8), window)


def _filled(window: Pixels, hole: Mask, step: Step) -> Pixels:
    import cv2

    if step.fill == "biharmonic":
        return _biharmonic(window, hole)
    if step.fill == "patch":
        from forgebench.synthesis.patches import patch_fill

        return patch_fill(window, hole, np.random.default_rng(step.seed))
    if step.fill == "diffusion":
        from forgebench.synthesis.diffusion import diffusion_fill

        return diffusion_fill(window, hole, step)
    method = cv2.INPAINT_TELEA if step.fill == "telea" else cv2.INPAINT_NS
    return np.asarray(cv2.inpaint(window, hole.view(np.uint8), step.radius, method))


def _biharmonic(window: Pixels, hole: Mask) -> Pixels:
    import cv2
    from skimage.restoration import inpaint_biharmonic

    shrink = min(1.0, float(np.sqrt(_MOST / hole.sum())))
    size = max(8, round(window.shape[1] * shrink)), max(8, round(window.shape[0] * shrink))
    # A small pixel counts as unknown where any of its pixels is: what is removed must not shine through.
    unknown = cv2.resize(hole.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0
    small = cv2.resize(window, size, interpolation=cv2.INTER_AREA)
    solved = inpaint_biharmonic(small, unknown, channel_axis=-1)
    large = cv2.resize(solved.astype(np.float32), window.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.rint(np.clip(large * 255, 0, 255)).astype(np.uint8))
