"""Coarse and fine heads: patches to an image's score; a similarity map to a mask to an image's score."""

from __future__ import annotations

from itertools import pairwise
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (64, 64, 32, 32, 16)
"""Of the decoder's stages: the first, and four doublings."""


class CoarseHead(nn.Module):
    """A probability of tampered for each patch (VadCLIP's classifier)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.classify = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))

    def forward(self, patches: Tensor) -> Tensor:
        """Logits of patches of shape (B, n, width): (B, n)."""
        return self.classify(patches + self.mlp(patches)).squeeze(-1)


class SimilarityMap(nn.Module):
    """Scaled cosines between patches and each image's two texts."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(log(scale)))

    def forward(self, patches: Tensor, texts: Tensor, grid: tuple[int, int]) -> Tensor:
        """Shape (B, 2, h, w) of patches (B, n, width) and texts (B, 2, width)."""
        cosine = functional.normalize(texts, dim=-1) @ functional.normalize(patches, dim=-1).transpose(1, 2)
        return (cosine * self.log_scale.exp()).unflatten(-1, grid)


class MaskDecoder(nn.Module):
    """A similarity map to a mask's logits, doubled until it has the image's size.

    The upsampled difference of both similarities is added, and the last convolution begins at zero: an untrained
    decoder is the upsampled similarity.

    Args:
        features: Channels beside the two similarities and their difference; 0 for the paper's input.
        doublings: Stages, each of twice the size.
    """

    def __init__(self, features: int = 0, doublings: int = 4) -> None:
        super().__init__()
        self.begin = _stage(3 + features, _WIDTHS[0])
        self.stages = nn.ModuleList(_stage(a, b) for a, b in pairwise(_WIDTHS[: doublings + 1]))
        self.end = nn.Conv2d(_WIDTHS[doublings], 1, 1)
        for parameter in self.end.parameters():
            nn.init.zeros_(parameter)

    def forward(self, similarity: Tensor, size: tuple[int, int], features: Tensor | None = None) -> Tensor:
        """Logits of shape (B, 1, H, W) for a similarity map of shape (B, 2, h, w)."""
        difference = similarity[:, 1:] - similarity[:, :1]
        parts = [similarity, difference, *([] if features is None else [features])]
        hidden = self.begin(torch.cat(parts, dim=1))
        for stage in self.stages:
            height, width = (min(2 * side, full) for side, full in zip(hidden.shape[-2:], size, strict=True))
            hidden = stage(functional.interpolate(hidden, (height, width), mode="bilinear"))
        logits = functional.interpolate(self.end(hidden), size, mode="bilinear")
        return logits + functional.interpolate(difference, size, mode="bilinear")


class SoftGatedPooling(nn.Module):
    """An image's score from its mask: the mean of what passes a soft gate with learned threshold and temperature.

    Args:
        threshold: At the start, in (0, 1).
        temperature: At the start.
    """

    least = 1e-3

    def __init__(self, threshold: float, temperature: float) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold).logit())
        self.temperature = nn.Parameter(torch.tensor(temperature - self.least).expm1().log())

    def forward(self, mask: Tensor) -> Tensor:
        """Probabilities of shape (B,) for masks of shape (B, 1, H, W); computed in single precision."""
        mask = mask.float().flatten(1)
        temperature = functional.softplus(self.temperature) + self.least
        gate = torch.sigmoid((mask - self.threshold.sigmoid()) / temperature)
        pooled = (gate * mask).sum(dim=1) / (gate.sum(dim=1) + 1e-6)
        return pooled.clamp(1e-6, 1 - 1e-6)


def _stage(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.GroupNorm(8, outside), nn.GELU())
