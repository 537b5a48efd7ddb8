"""TinyViT in plain torch, its parameters named as in the published `timm` checkpoints.

Wu et al., TinyViT: Fast Pretraining Distillation for Small Vision Transformers, ECCV 2022.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.boxpromptiml.config import BackboneConfig

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels, which the published weights were trained with."""


class ConvNorm(nn.Sequential):
    """A convolution without bias and a batch norm, `conv` and `bn`."""

    def __init__(self, inside: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module("conv", nn.Conv2d(inside, out, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(out))


class PatchEmbed(nn.Module):
    """Images to a quarter of their side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, width // 2, 3, 2)
        self.conv2 = ConvNorm(width // 2, width, 3, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Shape (B, 3, H, W) to (B, width, H / 4, W / 4)."""
        return cast(Tensor, self.conv2(functional.gelu(self.conv1(images))))


class MBConv(nn.Module):
    """An inverted bottleneck."""

    def __init__(self, width: int, expand: int) -> None:
        super().__init__()
        hidden = width * expand
        self.conv1 = ConvNorm(width, hidden)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, width)
        nn.init.zeros_(cast(nn.BatchNorm2d, self.conv3.bn).weight)

    def forward(self, maps: Tensor) -> Tensor:
        """Shape (B, c, h, w) in and out."""
        hidden = functional.gelu(self.conv2(functional.gelu(self.conv1(maps))))
        return functional.gelu(self.conv3(hidden) + maps)


class ConvStage(nn.Module):
    """The first stage: inverted bottlenecks alone."""

    def __init__(self, width: int, depth: int, expand: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[MBConv(width, expand) for _ in range(depth)])

    def forward(self, maps: Tensor) -> Tensor:
        """Shape (B, c, h, w) in and out."""
        return cast(Tensor, self.blocks(maps))


class PatchMerging(nn.Module):
    """Half the side, another width."""

    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inside, out)
        self.conv2 = ConvNorm(out, out, 3, 2, groups=out)
        self.conv3 = ConvNorm(out, out)

    def forward(self, maps: Tensor) -> Tensor:
        """Shape (B, c, h, w) to (B, out, h / 2, w / 2)."""
        return cast(Tensor, self.conv3(functional.gelu(self.conv2(functional.gelu(self.conv1(maps))))))


class Attention(nn.Module):
    """Self-attention within windows, with a learned bias for each distance (|dy|, |dx|)."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        places = torch.tensor(list(product(range(window), repeat=2)))
        apart = (places[:, None] - places[None]).abs()
        self.register_buffer("attention_bias_idxs", apart[..., 0] * window + apart[..., 1], persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Shape (windows, n, c) in and out."""
        # The published layout is (heads, [q, k, v], d): every head's three parts lie together.
        parts = self.qkv(self.norm(tokens)).unflatten(-1, (self.heads, 3, -1)).permute(3, 0, 2, 1, 4)
        queries, keys, values = parts.unbind()
        bias = self.attention_biases[:, cast(Tensor, self.attention_bias_idxs)]
        weights = (queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5 + bias).softmax(dim=-1)
        return cast(Tensor, self.proj((weights.to(values.dtype) @ values).transpose(1, 2).flatten(2)))


class Mlp(nn.Module):
    """A norm and two layers."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Shape (…, c) in and out."""
        return cast(Tensor, self.fc2(functional.gelu(self.fc1(self.norm(tokens)))))


class Block(nn.Module):
    """Attention within windows, a local convolution, and a two-layer network."""

    def __init__(self, width: int, heads: int, window: int, ratio: int) -> None:
        super().__init__()
        self.window = window
        self.attn = Attention(width, heads, window)
        self.mlp = Mlp(width, ratio * width)
        self.local_conv = ConvNorm(width, width, 3, groups=width)

    def forward(self, maps: Tensor) -> Tensor:
        """Shape (B, c, h, w) in and out."""
        maps = maps + self._attended(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        tokens = self.local_conv(maps).permute(0, 2, 3, 1)
        return cast(Tensor, (tokens + self.mlp(tokens)).permute(0, 3, 1, 2))

    def _attended(self, tokens: Tensor) -> Tensor:
        """Shape (B, h, w, c): padded to whole windows, as the published weights were trained."""
        side = self.window
        height, width = tokens.shape[1:3]
        below, right = -height % side, -width % side
        padded = functional.pad(tokens, (0, 0, 0, right, 0, below))
        rows, columns = (height + below) // side, (width + right) // side
        windows = padded.unflatten(2, (columns, side)).unflatten(1, (rows, side)).transpose(2, 3)
        mixed = self.attn(windows.reshape(-1, side * side, tokens.shape[-1]))
        whole = mixed.view(-1, rows, columns, side, side, tokens.shape[-1]).transpose(2, 3)
        return cast(Tensor, whole.reshape(padded.shape)[:, :height, :width])


class Stage(nn.Module):
    """Merging, then blocks with attention."""

    def __init__(self, inside: int, width: int, depth: int, heads: int, window: int, ratio: int) -> None:
        super().__init__()
        self.downsample = PatchMerging(inside, width)
        self.blocks = nn.Sequential(*[Block(width, heads, window, ratio) for _ in range(depth)])

    def forward(self, maps: Tensor) -> Tensor:
        """Shape (B, c, h, w) to (B, width, h / 2, w / 2)."""
        return cast(Tensor, self.blocks(self.downsample(maps)))


class TinyViT(nn.Module):
    """The backbone without its head; with the default sizes 5 071 124 parameters.

    Args:
        config: Sizes, and where its weights come from.
    """

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.widths = widths = config.widths
        self.patch_embed = PatchEmbed(widths[0])
        later = zip(pairwise(widths), config.depths[1:], config.heads[1:], config.windows[1:], strict=True)
        self.stages = nn.Sequential(
            ConvStage(widths[0], config.depths[0], config.expand),
            *[Stage(*pair, depth, heads, window, config.mlp_ratio) for pair, depth, heads, window in later],
        )
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of every stage.

        Args:
            images: Shape (B, 3, H, W), RGB in [0, 1]; H and W multiples of 32.

        Returns:
            Four maps of shape (B, c, H / s, W / s), s = 4, 8, 16, 32.
        """
        maps = self.patch_embed((images - cast(Tensor, self.mean)) / cast(Tensor, self.std))
        found = []
        for stage in self.stages:
            maps = stage(maps)
            found.append(maps)
        return found
