"""Multiple instance learning: an image's score from those of its patches."""

from __future__ import annotations

from torch import Tensor


def top_mean(values: Tensor, share: int = 16) -> Tensor:
    """The mean of the largest n // share + 1 values of each row: VadCLIP's pooling (AAAI 2024).

    Args:
        values: Shape (B, n).
        share: What part of a row counts as its strongest.

    Returns:
        Shape (B,).

    >>> import torch
    >>> top_mean(torch.tensor([[0.0, 3.0, 1.0, 2.0]]), share=2)
    tensor([2.])
    """
    count = values.shape[1] // share + 1
    return values.topk(min(count, values.shape[1]), dim=1).values.mean(dim=1)
