"""The similarity map, and the loss on image labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from baselines.common.mil import top_mean


def p_manipulated(features: Tensor, texts: Tensor, temperature: float) -> Tensor:
    """Softmax over the two classes of cos(feature, text) / temperature, of the manipulated class.

    Args:
        features: Shape (B, n, d).
        texts: Shape (B, 2, d): authentic, manipulated.
        temperature: Above 0.

    Returns:
        Shape (B, n), float32, in [0, 1].
    """
    tokens, classes = (functional.normalize(one.float(), dim=-1) for one in (features, texts))
    cosine = tokens @ classes.transpose(1, 2)
    return (cosine / temperature).softmax(dim=-1)[..., 1]


def label_losses(
    p: Tensor, pooled: Tensor, labels: Tensor, *, pooled_weight: float, authentic_weight: float
) -> dict[str, Tensor]:
    """The terms of L_cls, already weighted: BCE(top mean of P, y), BCE(q, y), and the mean of P where y = 0.

    Args:
        p: Shape (B, n), float32, in [0, 1]: the similarity map P.
        pooled: Shape (B,), float32, in [0, 1]: q, of the image's global feature.
        labels: Shape (B,), 1 is tampered.
        pooled_weight: Weight of BCE(q, y).
        authentic_weight: Weight of the mean of P over authentic images, which holds real objects' edges down.

    Returns:
        Scalars; `authentic` is 0 for a batch without authentic images.
    """
    labels = labels.float()
    authentic = 1 - labels
    # Probabilities of a softmax in float32: binary cross-entropy has no autocast of its own.
    with torch.autocast(p.device.type, enabled=False):
        return {
            "patches": functional.binary_cross_entropy(top_mean(p.float()), labels),
            "pooled": pooled_weight * functional.binary_cross_entropy(pooled.float(), labels),
            "authentic": authentic_weight * (p.mean(dim=1) * authentic).sum() / authentic.sum().clamp_min(1),
        }
