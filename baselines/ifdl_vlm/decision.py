"""Whether an image is tampered, and which of the three classes it is of, by a score that errs alike on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from baselines.ifdl_vlm.heads import REAL

_TINY = 1e-7
"""Scores are kept this far from 0 and 1, where log-odds have no end."""


class Decided(NamedTuple):
    """What is decided of a batch."""

    score: Tensor
    """Shape (B,): probability that the image is not real, in [0, 1], after calibration."""
    classes: Tensor
    """Shape (B,), indexes into `CLASSES`: real where the score is not above a half, else the likelier of the others."""


class Decision(nn.Module):
    """A bias on the logit of `real`, fitted on what is held out; a monotone change of the score.

    Batches of one class make the classifier's cross-entropy swing from step to step, and with it where real ends: the
    order of its scores is worth more than their level. The bias moves the level alone, to where as large a share of
    authentic images is called tampered as of tampered ones authentic.
    """

    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bias", torch.zeros(()))

    def forward(self, logits: Tensor) -> Decided:
        """Score and class of logits of the three classes, shape (B, 3)."""
        real = logits[:, REAL].float() + self.bias
        others = logits[:, REAL + 1 :].float()
        score = torch.sigmoid(others.logsumexp(dim=1) - real)
        return Decided(score, torch.where(score > 0.5, REAL + 1 + others.argmax(dim=1), REAL))

    def fit(self, scores: Sequence[float], labels: Sequence[bool]) -> None:
        """Have scores that are given with a bias of 0 err alike on both sides of a half.

        Args:
            scores: Of held-out images, in [0, 1].
            labels: True for tampered; where a class has none, the bias is 0.
        """
        self.bias.fill_(equal_error(np.array(scores, float), np.array(labels, bool)))


def equal_error(scores: np.ndarray, labels: np.ndarray) -> float:
    """The log-odds above which scores mean tampered so that misses and false alarms are most nearly as frequent.

    0 where a class has no image, or all scores are the same.

    >>> round(equal_error(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, True])), 3)  # between .2 and .3
    -1.117
    """
    odds = np.log(clipped := np.clip(scores, _TINY, 1 - _TINY)) - np.log1p(-clipped)
    values = np.unique(odds)
    if labels.all() or not labels.any() or len(values) < 2:
        return 0.0
    cuts = (values[1:] + values[:-1]) / 2
    missed, passed = (np.searchsorted(np.sort(odds[one]), cuts) / one.sum() for one in (labels, ~labels))
    return float(cuts[np.abs(missed - (1 - passed)).argmin()])
