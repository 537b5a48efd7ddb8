"""The losses of masks: binary cross-entropy and dice in LISA's form, over what is not padding."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

_SCALE, _EPSILON = 1000, 1e-6


def mask_bce(logits: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy, averaged over the pixels of each mask and then over masks.

    Args:
        logits: Shape (B, 1, H, W).
        masks: The same, in [0, 1].
        valid: The same, bool: false where the image was padded.
    """
    each = functional.binary_cross_entropy_with_logits(logits, masks, reduction="none") * valid
    return (each.flatten(1).sum(dim=1) / valid.flatten(1).sum(dim=1)).mean()


def mask_dice(logits: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
    """One less the Dice coefficient of probabilities, averaged over masks: LISA's form, sums divided by 1000.

    Arguments as `mask_bce`; in [0, 1], 0 for a perfect mask.
    """
    said, true = ((one * valid).flatten(1) for one in (logits.sigmoid(), masks))
    common = 2 * (said / _SCALE * true).sum(dim=1)
    return (1 - (common + _EPSILON) / ((said / _SCALE).sum(dim=1) + (true / _SCALE).sum(dim=1) + _EPSILON)).mean()
