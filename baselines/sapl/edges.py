"""The soft edge map: where the image, and what the encoder makes of it, changes from place to place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from baselines.sapl.config import EdgeSource

_FLAT = 1e-6
"""Keeps the root of a gradient, and the z-score of a flat map, finite."""
_LUMA = (0.299, 0.587, 0.114)
_SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


@torch.no_grad()
def soft_edges(tokens: Tensor, images: Tensor, grid: tuple[int, int], sources: Sequence[EdgeSource]) -> Tensor:
    """How much of an edge each token lies on: the mean of one sigmoid of a z-score for each source.

    A z-score knows the image alone: an image without any edge is 0.5 everywhere, and an authentic image has as many
    edge tokens as a tampered one. No gradient passes.

    Args:
        tokens: Shape (B, n, c), tokens of one block; their directions alone matter.
        images: Shape (B, 3, H, W), RGB in [0, 1].
        grid: The tokens' rows and columns (h, w), n = h w.
        sources: Which gradients are averaged.

    Returns:
        Shape (B, n), float32, in (0, 1).
    """
    maps = {"features": lambda: feature_gradient(tokens, grid), "image": lambda: image_gradient(images, grid)}
    return torch.stack([torch.sigmoid(standardised(maps[source]().flatten(1))) for source in sources]).mean(dim=0)


def feature_gradient(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """The Sobel magnitude of each channel of the L2-normalised tokens, averaged over channels; shape (B, h, w)."""
    planes = functional.normalize(tokens.float(), dim=-1).transpose(1, 2).unflatten(2, grid)
    return sobel(planes).mean(dim=1)


def image_gradient(images: Tensor, grid: tuple[int, int]) -> Tensor:
    """The Sobel magnitude of the luma, averaged over the pixels of each token; shape (B, h, w)."""
    luma = torch.einsum("bchw,c->bhw", images.float(), images.new_tensor(_LUMA, dtype=torch.float32))
    return functional.adaptive_avg_pool2d(sobel(luma[:, None]), grid)[:, 0]


def sobel(planes: Tensor) -> Tensor:
    """The Sobel magnitude of every plane, its border replicated; shape (B, c, h, w) in and out."""
    kernel = planes.new_tensor(_SOBEL)
    rows = functional.pad(planes.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    gradient = functional.conv2d(rows, torch.stack([kernel, kernel.T])[:, None])
    return gradient.square().sum(dim=1).add(_FLAT).sqrt().unflatten(0, planes.shape[:2])


def standardised(values: Tensor) -> Tensor:
    """The z-score of each row of (B, n); 0 throughout a row without variation."""
    spread = values.std(dim=1, correction=0, keepdim=True)
    return (values - values.mean(dim=1, keepdim=True)) / spread.clamp_min(_FLAT)
