"""Filling a hole with an inpainting diffusion model: the extra `diffusion`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from forgebench.errors import InputError
from forgebench.schema import Mask
from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Step

_SIDE = 512
"""Longest side that the model works at; sides are multiples of 8."""


def diffusion_fill(window: Pixels, hole: Mask, step: Step) -> Pixels:
    """The window as the model repaints it; only what is under the mask is kept by the caller.

    The same seed gives the same pixels on the same hardware with the same versions.

    Raises:
        InputError: If the recipe names no model, the extra is not installed, or the model cannot be loaded.
    """
    if step.model is None:
        raise InputError("Removal by diffusion needs a model: name one, or a folder, as `model` under [removal].")
    pipeline, torch = _pipeline(step.model)
    scale = min(1.0, _SIDE / max(hole.shape))
    width, height = (max(64, round(side * scale / 8) * 8) for side in hole.shape[::-1])
    shown = pipeline(
        prompt=step.prompt,
        image=Image.fromarray(window).resize((width, height), Image.Resampling.LANCZOS),
        mask_image=Image.fromarray(hole.view(np.uint8) * np.uint8(255)).resize((width, height)),
        width=width,
        height=height,
        num_inference_steps=step.inference_steps,
        generator=torch.Generator("cpu").manual_seed(step.seed),
    ).images[0]
    return np.asarray(shown.convert("RGB").resize(hole.shape[::-1], Image.Resampling.LANCZOS))


@lru_cache(maxsize=1)
def _pipeline(model: str) -> tuple[Any, Any]:
    try:
        import torch
        from diffusers import AutoPipelineForInpainting
    except ImportError as error:
        raise InputError(
            "Removal by diffusion needs the extra `diffusion`. Install it with: pip install 'forgebench[diffusion]'"
        ) from error
    try:
        pipeline = AutoPipelineForInpainting.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise InputError(f"The inpainting model {model!r} cannot be loaded: {error}") from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu"), torch
