"""What the vision tower sees of the segmenter's padded square: its centre, or all of it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def content(image: Tensor) -> tuple[int, int]:
    """Height and width of an image before it was padded with black below and to the right.

    Args:
        image: Shape (3, S, S). One of its sides fills the square; black borders of the other count as padding.
    """
    lit = image.amax(dim=0) > 0
    height, width = (int(lit.any(dim=axis).nonzero().max()) + 1 if bool(lit.any()) else lit.shape[0] for axis in (1, 0))
    side = image.shape[-1]
    return (height, side) if width >= height else (side, width)


def vision_view(image: Tensor, size: int, fit: Literal["crop", "pad"], fill: Tensor) -> Tensor:
    """The tower's square of one image.

    Args:
        image: Shape (3, S, S), RGB in [0, 1], padded below or to the right.
        size: Side of the result.
        fit: `crop` brings the short side to `size` and keeps the centre; `pad` the long one, and fills the rest.
        fill: Shape (3,): the colour of padding.

    Returns:
        Shape (3, size, size), in [0, 1].
    """
    height, width = content(image)
    scale = size / (min if fit == "crop" else max)(height, width)
    tall, wide = (max(1, round(side * scale)) for side in (height, width))
    inside = image[None, :, :height, :width]
    if (tall, wide) != (height, width):
        inside = functional.interpolate(inside, (tall, wide), mode="bicubic", antialias=True).clamp(0, 1)
    if fit == "crop":
        top, left = (tall - size) // 2, (wide - size) // 2
        return inside[0, :, top : top + size, left : left + size]
    whole = fill.view(3, 1, 1).expand(3, size, size).clone()
    whole[:, :tall, :wide] = inside[0]
    return whole


def vision_views(images: Tensor, size: int, fit: Literal["crop", "pad"], fill: Tensor) -> Tensor:
    """The same of a batch, shape (B, 3, S, S) to (B, 3, size, size)."""
    return torch.stack([vision_view(image, size, fit, fill) for image in images])
