"""Memory-guided gated fusion (MGFM): four scales weighed by gates, a memory of prototypes, and one map of both.

BoxPromptIML, arXiv 2511.20359. Reported: gates G_i = σ(Conv(F'_i)), a memory of prototypes, and
A_final = α (A'_base ⊙ G_avg) + (1 − α) A_mem. Sizes, kernels and the reading of the memory are reconstructed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.boxpromptiml.config import FusionConfig

_NO_GATES = 1e-6
"""Keeps the weighted mean finite where all gates are shut."""


class Fused(NamedTuple):
    """What the module makes of an image; h and w are those of the first scale."""

    map: Tensor
    """Shape (B, 1, h, w): logits, or with mode `prob` probabilities."""
    features: Tensor
    """Shape (B, C, h, w): φ, which the memory is asked about."""
    gates: Tensor
    """Shape (B, 4, h, w), in [0, 1]; all 1 without gates."""


class Memory(nn.Module):
    """Prototypes that are recalled by cosine similarity.

    With `learned` keys and values are parameters, and a convolution makes queries; with `ema` keys follow the features
    of tampered regions, in whose space the queries then are.
    """

    keys: Tensor

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.temperature, self.decay, self.follows = config.temperature, config.decay, config.memory == "ema"
        shape = (config.prototypes, config.width)
        self.values = nn.Parameter(torch.randn(shape) * 0.02)
        keys = torch.randn(shape) * 0.02
        if self.follows:
            self.register_buffer("keys", functional.normalize(keys, dim=1))
            self.query: nn.Module = nn.Identity()
        else:
            self.keys = nn.Parameter(keys)
            self.query = nn.Conv2d(config.width, config.width, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Recall a mixture of values for every pixel.

        Args:
            features: Shape (B, C, h, w).

        Returns:
            Shape (B, C, h, w): Σ_k softmax_k(cos(q, key_k) / τ) value_k.
        """
        queries = functional.normalize(self.query(features), dim=1)
        similarity = functional.conv2d(queries, functional.normalize(self.keys, dim=1)[..., None, None])
        weights = (similarity / self.temperature).softmax(dim=1)
        return functional.conv2d(weights, self.values.t()[..., None, None])

    @torch.no_grad()
    def follow(self, seen: Tensor) -> None:
        """Move each key towards the mean of those features that are nearest to it (`ema`).

        Args:
            seen: Shape (n, C), a feature for each tampered region; none of them is 0.
        """
        nearest = (functional.normalize(seen, dim=1) @ self.keys.t()).argmax(dim=1)
        for key in nearest.unique().tolist():
            mean = seen[nearest == key].mean(dim=0)
            moved = self.decay * self.keys[key] + (1 - self.decay) * mean
            self.keys[key] = functional.normalize(moved, dim=0)


class Fusion(nn.Module):
    """The whole module.

    Args:
        config: Its choices.
        widths: Channels of the four scales.
    """

    def __init__(self, config: FusionConfig, widths: Sequence[int]) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.laterals = nn.ModuleList(_conv(inside, width, 1) for inside in widths)
        kernel = config.gate_kernel
        gates = [nn.Conv2d(width, 1, kernel, padding=kernel // 2) for _ in widths] if config.gates else []
        self.gates = nn.ModuleList(gates)
        self.join = _conv(width, width, 3)
        self.base = nn.Conv2d(width, 1, 1)
        self.memory = Memory(config) if config.memory != "none" else None
        guided = config.dual_guidance and config.memory != "none"
        self.recalled = nn.Conv2d(width, 1, 1) if guided else None
        learned = guided and config.alpha_fixed is None
        self.mix = nn.Parameter(torch.zeros(())) if learned else None
        last = nn.Conv2d(config.refine_width, 1, 1)
        # The refinement starts as the identity: what α and the gates say is what an untrained map says.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.refine = nn.Sequential(*_conv(1, config.refine_width, 3), last)

    @property
    def alpha(self) -> Tensor | float:
        """The weight of what is observed against what is recalled; 1 where there is nothing to recall."""
        if self.recalled is None:
            return 1.0
        return self.mix.sigmoid() if self.mix is not None else float(self.config.alpha_fixed or 0.0)

    def forward(self, scales: Sequence[Tensor]) -> Fused:
        """Fuse four scales of shapes (B, c_i, h_i, w_i), the first the largest."""
        size = scales[0].shape[-2:]
        lateral = [_resized(make(scale), size) for make, scale in zip(self.laterals, scales, strict=True)]
        gates = self._gates(lateral)
        features = self.join(self._aggregated(lateral, gates))
        mixed = self._guided(features, gates)
        refined = mixed + self.refine(mixed)
        return Fused(refined.clamp(0, 1) if self.config.mode == "prob" else refined, features, gates)

    def _gates(self, lateral: Sequence[Tensor]) -> Tensor:
        if not self.config.gates:
            return torch.ones_like(lateral[0][:, :1]).expand(-1, len(lateral), -1, -1)
        return torch.cat([gate(one) for gate, one in zip(self.gates, lateral, strict=True)], dim=1).sigmoid()

    def _aggregated(self, lateral: Sequence[Tensor], gates: Tensor) -> Tensor:
        if not self.config.gates:
            return torch.stack(list(lateral)).mean(dim=0)
        weights = gates / (gates.sum(dim=1, keepdim=True) + _NO_GATES) if self.config.normalize_gates else gates
        total = weights[:, :1] * lateral[0]
        for index, one in enumerate(lateral[1:], 1):
            total = torch.addcmul(total, weights[:, index : index + 1], one)
        return total

    def _guided(self, features: Tensor, gates: Tensor) -> Tensor:
        """A_final of the base map, the gates and the memory."""
        if not self.config.dual_guidance:
            recalled = self.memory(features) if self.memory is not None else 0.0
            return self._as_map(self.base(features + recalled))
        observed = self._as_map(self.base(features)) * gates.mean(dim=1, keepdim=True)
        if self.memory is None or self.recalled is None:
            return observed
        remembered = self._as_map(self.recalled(self.memory(features)))
        return self.alpha * observed + (1 - self.alpha) * remembered

    def _as_map(self, logits: Tensor) -> Tensor:
        return logits.sigmoid() if self.config.mode == "prob" else logits


def _conv(inside: int, out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, out, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()
    )


def _resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return functional.interpolate(maps, tuple(size), mode="bilinear", align_corners=False)
