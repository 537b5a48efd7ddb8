"""The same counts from tensors on any device, for validation while a method trains: the same numbers to the last bit.

Needs torch, which nothing else in the package imports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, distributed

from forgebench.errors import InputError
from forgebench.metrics.definitions import DEFINITIONS
from forgebench.metrics.pixel import BINS
from forgebench.metrics.table import Table

Images: TypeAlias = Tensor | Sequence[Tensor]
"""A batch of shape (B, H, W), or B images of shape (H, W) that need not be of one size."""

_FAMILIES = ("pixel", "image", "false alarms", "calibration", "coverage")


class Counted(NamedTuple):
    """What the numbers need of a batch of images: 2 KiB each."""

    histograms: Tensor
    """Shape (B, 2, 256), int32: over tampered and over authentic pixels; zeros where there is no pixel truth."""
    score: Tensor
    """Shape (B,), float64: probability that the image is tampered."""
    tampered: Tensor
    """Shape (B,), bool: whether it is."""


def to_bytes(pred: Tensor) -> Tensor:
    """Probabilities as the bytes of a submission: `round(p * 255)`, halves to even, as numpy rounds.

    Args:
        pred: Any shape; uint8, returned as it is, or floating point in [0, 1]. Types of less than 32 bits are widened
            to float32 first, which changes no value; float64 is taken as it is.

    Raises:
        InputError: If it is of another type, or not all of it is in [0, 1], as logits and NaN are not.
    """
    if pred.dtype == torch.uint8:
        return pred
    if not pred.is_floating_point():
        raise InputError(f"Expected predictions as uint8 or as floating-point probabilities, got {pred.dtype}.")
    wide = pred.detach()
    wide = wide if wide.dtype == torch.float64 else wide.float()
    if not bool(((wide >= 0) & (wide <= 1)).all()):
        raise InputError(
            f"Expected probabilities in [0, 1], got values from {float(wide.min())} to {float(wide.max())}. "
            "Make them of logits with torch.sigmoid."
        )
    return (wide * 255).round().to(torch.uint8)


def pixel_counts(pred: Images, mask: Images) -> tuple[Tensor, Tensor]:
    """Count the bytes of predictions over the tampered and over the authentic pixels of each image.

    Counting is in whole numbers and so gives the same in every run, also where deterministic algorithms are demanded.

    Args:
        pred: Shape (B, H, W), or a sequence of (H, W); uint8, or probabilities, which `to_bytes` rounds.
        mask: The same shapes, any type; non-zero is tampered.

    Returns:
        Two tensors of shape (B, 256), int64, on the predictions' device: the histograms over tampered and over
        authentic pixels, equal to those of `forgebench.metrics.pixel_counts`.

    Raises:
        InputError: If the shapes differ (nothing is ever resized) or the predictions are neither bytes nor
            probabilities.

    >>> tampered, authentic = pixel_counts(torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1, 0]]]))
    >>> int(tampered[0, 255]), int(authentic[0, 0])
    (1, 1)
    """
    if len(pred) != len(mask):
        raise InputError(f"Expected as many masks as predictions, got {len(mask)} and {len(pred)}.")
    counts = [_count(p, m) for p, m in zip(pred, mask, strict=True)]
    device = pred.device if isinstance(pred, Tensor) else None
    both = torch.stack(counts) if counts else torch.zeros((0, 2, BINS), dtype=torch.int64, device=device)
    return both[:, 0], both[:, 1]


def _count(pred: Tensor, mask: Tensor) -> Tensor:
    """Shape (2, 256): over tampered pixels, over authentic ones."""
    if pred.ndim != 2 or pred.shape != mask.shape:
        raise InputError(
            f"Expected a prediction of the mask's shape {tuple(mask.shape)}, got {tuple(pred.shape)}. "
            "Predictions are scored at the image's own size."
        )
    # One bin for each pair of truth and byte: without weights this is deterministic on every device.
    pair = (mask.to(pred.device) == 0).to(torch.int32).mul_(BINS).add_(to_bytes(pred))
    return torch.bincount(pair.flatten(), minlength=2 * BINS).view(2, BINS)


def count_batch(pred: Images, mask: Tensor | Sequence[Tensor | None], score: Tensor, tampered: Tensor) -> Counted:
    """Count a batch; the counts are left on the predictions' device.

    Args:
        pred: As for `pixel_counts`.
        mask: As for `pixel_counts`; None for a tampered image without pixel truth, and for any authentic one.
        score: Shape (B,), probabilities in [0, 1] that the images are tampered.
        tampered: Shape (B,), non-zero where they are: labels are never derived from masks.

    Raises:
        InputError: If lengths or shapes differ, a value is out of range, or an authentic image has tampered pixels.
    """
    score, labels = score.detach().cpu().double(), tampered.detach().cpu() != 0
    if not score.shape == labels.shape == (len(pred),) == (len(mask),):
        found = f"{len(pred)} predictions, {len(mask)} masks, scores {tuple(score.shape)}, labels {tuple(labels.shape)}"
        raise InputError(f"Expected one mask, score and label for each prediction, got {found}.")
    if not bool(((score >= 0) & (score <= 1)).all()):
        raise InputError(f"Expected scores in [0, 1], got {score.tolist()}.")
    truth = [torch.zeros_like(p) if m is None else m for p, m in zip(pred, mask, strict=True)]
    histograms = torch.stack(pixel_counts(pred, truth), dim=1).to(torch.int32)
    histograms[labels.numpy() & np.array([m is None for m in mask], bool)] = 0
    wrong = (histograms[:, 0].any(dim=1).cpu() & ~labels).nonzero().flatten().tolist()
    if wrong:
        raise InputError(f"Labelled authentic, but with tampered pixels in the mask: images {wrong} of the batch.")
    return Counted(histograms, score, labels)


def numbers(batches: Iterable[Counted]) -> dict[str, float]:
    """The metrics of the definition `forgebench` by id; NaN where undefined.

    Those that histograms, scores and labels determine: of pixels, images, false alarms, calibration and coverage, but
    at no frozen threshold. Boundaries, regions, classes, texts and costs need other counts and are left out.

    Raises:
        InputError: If there is no image.
    """
    columns = [torch.cat([part.cpu() for part in parts]).numpy() for parts in zip(*batches, strict=True)]
    if not columns or not len(columns[0]):
        raise InputError("No image was counted: update with at least one batch before you compute.")
    histograms, score, tampered = columns
    pixels = histograms.sum(axis=2, dtype="int64")
    ids = np.arange(len(score)).astype(str)
    table = Table(
        sample_id=ids,
        group=ids,
        tampered=tampered,
        score=score,
        valid=np.ones(len(score), bool),
        hist_tampered=histograms[:, 0],
        hist_authentic=histograms[:, 1],
        tampered_px=pixels[:, 0],
        authentic_px=pixels[:, 1],
    )
    return {
        metric.id: float(metric.statistic(table).of(table.whole)[0])
        for metric in DEFINITIONS["forgebench"].metrics
        if metric.family in _FAMILIES and metric.threshold != "frozen"
    }


class PixelAccumulator:
    """Validation over many batches and processes, with the numbers that scoring the same predictions gives.

    Keeps 2 KiB an image in main memory, whatever its size. Where `torch.distributed` is initialized, `compute` gathers
    from all processes and must be called by all of them; each sample must have gone to one of them, once: a
    `DistributedSampler` that pads its last batch repeats some.

    >>> accumulator = PixelAccumulator()
    >>> heat = torch.tensor([[[0.9, 0.1]], [[0.2, 0.0]]])
    >>> mask = torch.tensor([[[1, 0]], [[0, 0]]])
    >>> accumulator.update(heat, mask, score=torch.tensor([0.8, 0.3]), tampered=torch.tensor([1, 0]))
    >>> numbers = accumulator.compute()
    >>> numbers["pixel_f1"], numbers["image_auc"]
    (1.0, 1.0)
    """

    def __init__(self) -> None:
        self._batches: list[Counted] = []

    def update(self, pred: Images, mask: Tensor | Sequence[Tensor | None], *, score: Tensor, tampered: Tensor) -> None:
        """Count a batch; see `count_batch`."""
        counted = count_batch(pred, mask, score, tampered)
        self._batches.append(counted._replace(histograms=counted.histograms.cpu()))

    def compute(self) -> dict[str, float]:
        """The metrics by id, over all batches of all processes; see `numbers`."""
        return numbers(_gathered(self._batches))

    def reset(self) -> None:
        """Forget all batches."""
        self._batches = []


def _gathered(batches: list[Counted]) -> list[Counted]:
    """The batches of all processes."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return batches
    shards: list[list[Counted]] = [[] for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(shards, batches)
    return [counted for shard in shards for counted in shard]
