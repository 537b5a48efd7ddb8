"""The two small heads on the vision tower: three classes, and the token that prompts the mask decoder."""

from __future__ import annotations

from torch import Tensor, nn

CLASSES = ("real", "full_synthetic", "tampered")
REAL, SYNTHETIC, TAMPERED = range(3)


def class_head(width: int, hidden: int) -> nn.Sequential:
    """From the class token, shape (B, width), to logits of the three classes, shape (B, 3)."""
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, len(CLASSES)))


class SegToken(nn.Module):
    """The prompt: the mean of projected patch tokens, and what the class logits attend to among them.

    Args:
        width: Of the patch tokens.
        out: Of the prompt.
        heads: Of the attention.
    """

    def __init__(self, width: int, out: int, heads: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(width, out), nn.ReLU())
        self.query = nn.Linear(len(CLASSES), out)
        self.attention = nn.MultiheadAttention(out, heads, batch_first=True)

    def forward(self, patches: Tensor, logits: Tensor) -> Tensor:
        """The prompts, shape (B, out).

        Args:
            patches: Shape (B, n, width).
            logits: Shape (B, 3).
        """
        seen, attended = self.parts(patches, logits)
        return (seen + attended).mean(dim=1)

    def parts(self, patches: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Projected patches S, shape (B, n, out), and what was attended to, a, shape (B, 1, out): p = mean(S) + a."""
        seen = self.project(patches)
        attended, _ = self.attention(self.query(logits)[:, None], seen, seen, need_weights=False)
        return seen, attended
