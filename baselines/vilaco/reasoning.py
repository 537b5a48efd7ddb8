"""Adaptive vision-language reasoning: prompts, text-guided attention, and the forgery-aware aggregator."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.text import TextEncoder


class LearnedPrompts(nn.Module):
    """Context tokens around a class word in the middle, shared by both classes.

    Args:
        text: The frozen encoder; gradients flow through it to the context.
        words: Of the authentic and of the tampered class.
        length: Context tokens in all.
        spread: Their standard deviation at the start.
    """

    def __init__(self, text: TextEncoder, words: tuple[str, str], length: int, spread: float) -> None:
        super().__init__()
        self.text, self.words = text, words
        self.context = nn.Parameter(torch.randn(length, text.width) * spread)

    def forward(self) -> Tensor:
        """Shape (2, joint): the authentic class, the tampered one."""
        half = len(self.context) // 2
        before, after = self.context[:half], self.context[half:]
        # One at a time: words may have different numbers of tokens.
        return torch.cat([self.text(self.text.sentence(before, word, after)[None]) for word in self.words])


class TextGuidedAttention(nn.Module):
    """Patches ask, texts answer; the answer is added to the patches (Fig. 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, patches: Tensor, texts: Tensor) -> Tensor:
        """Enhanced patches.

        Args:
            patches: Shape (B, n, width).
            texts: Shape (2, width).
        """
        scores = self.query(patches) @ self.key(texts).T / patches.shape[-1] ** 0.5
        return self.out(patches + scores.softmax(dim=-1) @ self.value(texts))


class ForgeryAwareAggregator(nn.Module):
    """One vector of an image, where it looks tampered, moves both class texts towards it (Eq. 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix, self.weigh = nn.Linear(width, width), nn.Linear(width, 1)
        self.ffn = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, patches: Tensor, texts: Tensor, logits: Tensor | None = None) -> Tensor:
        """Texts of each image.

        Args:
            patches: Shape (B, n, width).
            texts: Shape (2, width).
            logits: Shape (B, n): the coarse head's, as weights; its own attention where None.

        Returns:
            Shape (B, 2, width).
        """
        own = self.weigh(torch.tanh(self.mix(patches))).squeeze(-1).softmax(dim=1)
        weights = own if logits is None else logits
        seen = functional.normalize((weights[..., None] * patches).sum(dim=1), dim=-1)
        both = seen[:, None] + texts[None]
        return self.ffn(both) + both
