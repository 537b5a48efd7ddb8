"""The local-global-spatial adapter: windows of tokens that attend to each other, then two graphs over all of them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.vilaco.config import Adapter


def window_mask(grid: tuple[int, int], window: int, shift: int) -> Tensor:
    """Which tokens may attend to each other: those of one window.

    Args:
        grid: Rows and columns of tokens.
        window: Side of a window in tokens.
        shift: By how many tokens the windows are moved; the border's are smaller then.

    Returns:
        Shape (n, n), float32: 0 within a window, minus infinity across.
    """
    rows, columns = (torch.div(torch.arange(side) + shift, window, rounding_mode="floor") for side in grid)
    place = (rows[:, None] * (grid[1] + window) + columns[None]).flatten()
    same = place[:, None] == place[None]
    return torch.zeros(same.shape).masked_fill(~same, float("-inf"))


def distances(grid: tuple[int, int], over: Literal["plane", "sequence"]) -> Tensor:
    """City-block distance between tokens, or that along their row-major sequence: shape (n, n), in tokens."""
    y, x = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    apart = torch.stack([y, x]) if over == "plane" else (y * grid[1] + x)[None]
    places = apart.flatten(1).T.float()
    return torch.cdist(places, places, p=1)


class LocalGlobalAdapter(nn.Module):
    """From tokens of the frozen tower to spatial features of the same shape.

    Args:
        width: Of a token.
        grid: Rows and columns of tokens.
        config: Its settings.
    """

    near: Tensor

    def __init__(self, width: int, grid: tuple[int, int], config: Adapter) -> None:
        super().__init__()
        self.config = config
        self.positions = nn.Parameter(torch.randn(grid[0] * grid[1], width) * 0.01)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, config.heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(config.layers)
        )
        for index in range(config.layers):
            shift = config.window // 2 if index % 2 else 0
            self.register_buffer(f"mask_{index}", window_mask(grid, config.window, shift), persistent=False)
        near = torch.exp(-distances(grid, config.distance) / config.distance_scale)
        self.register_buffer("near", (near / config.adjacency_temperature).softmax(dim=-1), persistent=False)
        self.similar_half, self.near_half = nn.Linear(width, width // 2), nn.Linear(width, width - width // 2)
        self.join = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Spatial features of tokens of shape (B, n, width): the same shape (Eq. 1, with a residual)."""
        local = tokens + self.positions
        for index, block in enumerate(self.blocks):
            local = block(local, src_mask=getattr(self, f"mask_{index}"))
        mixed = [self.similar_half(self._similar(local) @ local), self.near_half(self.near @ local)]
        return local + self.join(functional.gelu(torch.cat(mixed, dim=-1)))

    def _similar(self, local: Tensor) -> Tensor:
        """Row-normalised weights between alike tokens, shape (B, n, n)."""
        unit = functional.normalize(local.float(), dim=-1)
        cosine = unit @ unit.transpose(1, 2)
        kept = torch.where(cosine >= self.config.similarity_cut, cosine, torch.zeros_like(cosine))
        return (kept / self.config.adjacency_temperature).softmax(dim=-1).to(local.dtype)
