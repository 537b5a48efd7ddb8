"""Contrastive patch consistency, and how its weight rises."""

from __future__ import annotations

from math import exp

import torch
from torch import Tensor
from torch.nn import functional

from baselines.vilaco.config import Pseudo


def rising_weight(done: float, wait: float) -> float:
    """The weight lambda(t) of the consistency loss (Eq. 8): 0 at first, then towards 1 - 1/e.

    Args:
        done: Share of training that is done, t / T.
        wait: Share of training without the loss, T_w / T.

    >>> [round(rising_weight(t, 0.1), 3) for t in (0.05, 0.55, 1.0)]
    [0.0, 0.393, 0.632]
    """
    return 0.0 if done < wait else 1 - exp(-(done - wait) / (1 - wait))


def pseudo_labels(mask: Tensor, tampered: Tensor, config: Pseudo) -> Tensor:
    """What each patch counts as: 1 tampered, 0 authentic, -1 neither.

    An authentic image has authentic patches alone, whatever its mask says. A tampered image without a patch above the
    threshold lends its strongest few.

    Args:
        mask: Shape (B, n), the predicted mask averaged over patches; no gradient is taken.
        tampered: Shape (B,), the image labels.
        config: Thresholds.

    Returns:
        Shape (B, n), int64.
    """
    mask = mask.detach()
    labels = torch.full_like(mask, -1, dtype=torch.long)
    labels[mask < config.background] = 0
    labels[mask > config.foreground] = 1
    strongest = mask.topk(min(config.fallback, mask.shape[1]), dim=1).indices
    weak = (tampered > 0) & ~(labels == 1).any(dim=1)
    labels[weak] = labels[weak].scatter(1, strongest[weak], 1)
    labels[tampered <= 0] = 0
    return labels


def patch_consistency(patches: Tensor, labels: Tensor, config: Pseudo) -> Tensor:
    """Patches of one type are drawn together and away from the other type (Eq. 6).

    InfoNCE over cosines: an anchor's denominator holds one positive and all negatives. The mean over the pairs of each
    type, added: the few tampered patches weigh as much as the many authentic ones. 0 where an image, or the batch, has
    one type only.

    Args:
        patches: Shape (B, n, width).
        labels: Shape (B, n): 1 tampered, 0 authentic, -1 neither.
        config: Temperature, how many patches, and whose negatives.
    """
    unit = functional.normalize(patches.float(), dim=-1)
    pairs = list(zip(unit, labels, strict=True))
    chosen = [[_some(one[kind == of], config.most) for of in (0, 1)] for one, kind in pairs]
    pooled = [torch.cat([image[of] for image in chosen]) for of in (0, 1)]
    total = patches.sum() * 0.0
    for of in (0, 1):
        terms = []
        for image in chosen:
            anchors, negatives = image[of], pooled[1 - of] if config.across_images else image[1 - of]
            if len(anchors) > 1 and len(negatives):
                terms.append(_info_nce(anchors, negatives, config.temperature))
        total = total + torch.cat(terms).mean() if terms else total
    return total


def _some(patches: Tensor, most: int) -> Tensor:
    """At most so many of them, drawn at random: the first ones would always be an image's top rows."""
    if len(patches) <= most:
        return patches
    return patches[torch.randperm(len(patches), device=patches.device)[:most]]


def _info_nce(anchors: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """The loss of every pair of different anchors, flat."""
    positive = anchors @ anchors.T / temperature
    against = torch.logsumexp(anchors @ negatives.T / temperature, dim=1, keepdim=True)
    losses = torch.logaddexp(positive, against.expand_as(positive)) - positive
    different = ~torch.eye(len(anchors), dtype=torch.bool, device=anchors.device)
    return losses[different]
