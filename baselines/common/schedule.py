"""The learning rate over training, as a share of its full value."""

from __future__ import annotations

from math import cos, pi

from baselines.common.config import Training


def rate(training: Training, epoch: float) -> float:
    """The share of the full learning rate at an epoch, from 0, with its fraction.

    A linear rise over the warm-up, then a half cosine or a line down to the least rate, tenths at steps, or constant.

    >>> one = Training(epochs=10, batch_size=1, learning_rate=1.0, warmup_epochs=2)
    >>> [round(rate(one, epoch), 3) for epoch in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if epoch < training.warmup_epochs:
        return epoch / training.warmup_epochs
    if training.schedule == "constant":
        return 1.0
    if training.schedule == "step":
        return float(0.1 ** sum(epoch >= step for step in training.step_epochs))
    done = min(1.0, (epoch - training.warmup_epochs) / max(1e-9, training.epochs - training.warmup_epochs))
    left = (1 + cos(pi * done)) / 2 if training.schedule == "cosine" else 1 - done
    least = training.min_learning_rate / training.learning_rate
    return least + (1 - least) * left
