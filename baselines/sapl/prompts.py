"""Edge-aware contextual prompt learning (ECPL): the contexts of both classes attend to the image's edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EdgeAwareContexts(nn.Module):
    """Learned context tokens, moved by what the image shows at its edges: V'_c(x) = V_c + alpha MHA(V_c, F_e, F_e).

    alpha starts at zero, so training starts as CoOp. The reconstruction's letter, LN(F (1 + E)), would be blind to the
    edges: a LayerNorm takes every scale of a token away. Keys and values are LN(F) (1 + E) here.

    Args:
        width: Width of the text encoder's token embeddings.
        joint: Width of the dense image features.
        length: Context tokens N of each class.
        heads: Heads of the attention, which both classes share.
        spread: Standard deviation that contexts start with.
    """

    def __init__(self, width: int, joint: int, *, length: int, heads: int, spread: float) -> None:
        super().__init__()
        self.contexts = nn.Parameter(torch.randn(2, length, width) * spread)
        self.alpha = nn.Parameter(torch.zeros(()))
        self.query_norm = nn.LayerNorm(width)
        self.image_norm = nn.LayerNorm(joint)
        self.attention = nn.MultiheadAttention(width, heads, kdim=joint, vdim=joint, batch_first=True)

    def forward(self, dense: Tensor, edges: Tensor) -> Tensor:
        """The contexts of authentic (0) and manipulated (1) for each image.

        Args:
            dense: Shape (B, n, joint), dense features.
            edges: Shape (B, n), in [0, 1].

        Returns:
            Shape (B, 2, N, width).
        """
        enhanced = self.image_norm(dense) * (1 + edges[..., None]).to(dense.dtype)
        query = self.query_norm(self.contexts).flatten(0, 1).expand(len(dense), -1, -1)
        moved, _ = self.attention(query, enhanced, enhanced, need_weights=False)
        return self.contexts + self.alpha * moved.unflatten(1, self.contexts.shape[:2])
