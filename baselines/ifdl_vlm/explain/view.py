"""Images and masks as the vision tower takes them, padded alike in training and prediction; and RAVFE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def prepared(
    image: NDArray[np.uint8], mask: NDArray[np.bool_] | None, size: int, mean: Tensor, std: Tensor
) -> tuple[Tensor, Tensor]:
    """An image and its mask, padded to a square around their middle and resized, in step.

    Args:
        image: Shape (H, W, 3), uint8 RGB.
        mask: Shape (H, W); None is a mask of ones, padding and all.
        size: Side of the result.
        mean: Of the channels, shape (3,), which padding becomes.
        std: Likewise.

    Returns:
        Shape (3, size, size), normalised, padding 0; and shape (1, size, size), 0 or 1, resized to the nearest.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    tall, wide = (max(1, round(side * scale)) for side in (height, width))
    place = slice((size - tall) // 2, (size - tall) // 2 + tall), slice((size - wide) // 2, (size - wide) // 2 + wide)
    small = np.asarray(Image.fromarray(image).resize((wide, tall), Image.Resampling.BICUBIC), np.float32) / 255
    pixels = torch.zeros(3, size, size)
    pixels[(slice(None), *place)] = (torch.from_numpy(small).permute(2, 0, 1) - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    if mask is None:
        return pixels, torch.ones(1, size, size)
    region = torch.zeros(1, size, size)
    nearest = Image.fromarray(mask.astype(np.uint8)).resize((wide, tall), Image.Resampling.NEAREST)
    region[(slice(None), *place)] = torch.from_numpy(np.asarray(nearest, np.float32))
    return pixels, region


def ravfe(encode: Callable[[Tensor], Tensor], pixels: Tensor, masks: Tensor, alpha: float) -> Tensor:
    """Region-aware visual features: alpha times those of the image, and the rest times those of its masked pixels.

    Args:
        encode: Normalised pixels to tokens.
        pixels: Shape (B, 3, S, S).
        masks: Shape (B, 1, S, S), 0 or 1. The product's background is 0: the mean colour.
        alpha: In [0, 1].
    """
    if alpha == 1 or bool((masks == 1).all()):
        return encode(pixels)
    if alpha == 0:
        return encode(pixels * masks)
    whole, region = encode(torch.cat([pixels, pixels * masks])).chunk(2)
    return alpha * whole + (1 - alpha) * region
