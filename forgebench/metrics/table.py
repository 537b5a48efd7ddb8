"""The per-image table that every dataset-level metric reads, and the weights it is read with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.pixel import Floats, Histograms, numbers_of, ratio

Weights = NDArray[np.int64]
"""Shape (B, N): how often each of N samples counts in each of B resamples."""
Members = NDArray[np.bool_]
Counts = TypeVar("Counts")

_FIXED_POINT = 2.0**40
_BLOCK = 1024


@dataclass(frozen=True)
class Table:
    """One row a sample: what was predicted, counted against the truth. All arrays have N rows."""

    sample_id: NDArray[np.str_]
    group: NDArray[np.str_]
    tampered: Members
    """True where the image is tampered."""
    score: Floats
    """Probability that the image is tampered; NaN where `valid` is false."""
    valid: Members
    """True where the sample has a valid prediction; elsewhere each metric takes its worst value."""
    hist_tampered: NDArray[np.signedinteger]
    """Shape (N, 256); zeros where there is no truth, no mask was submitted or `valid` is false."""
    hist_authentic: NDArray[np.signedinteger]
    tampered_px: NDArray[np.int64]
    """Tampered pixels of the truth; with `authentic_px` zero where there is no pixel truth."""
    authentic_px: NDArray[np.int64]
    localizes: bool = True
    """Whether the submission has masks at all; without them localization is undefined, not worst."""

    def __len__(self) -> int:
        return len(self.sample_id)

    @cached_property
    def has_truth(self) -> Members:
        """True where the sample has a pixel truth."""
        return (self.tampered_px + self.authentic_px) > 0

    @cached_property
    def tampered_with_mask(self) -> Members:
        """True where the image is tampered and has a pixel truth."""
        return self.tampered & self.has_truth

    @cached_property
    def pixel_numbers(self) -> dict[str, Floats]:
        """The per-image pixel metrics of all samples; what an invalid prediction gets is the metric's affair."""
        blocks = [
            numbers_of(self.hist_tampered[i : i + _BLOCK], self.hist_authentic[i : i + _BLOCK])
            for i in range(0, max(1, len(self)), _BLOCK)
        ]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    @cached_property
    def worst_score(self) -> Floats:
        """The score, with that of an invalid prediction beyond every valid one on the wrong side."""
        return np.where(self.valid, self.score, np.where(self.tampered, -1.0, 2.0))

    @cached_property
    def worst_histograms(self) -> tuple[NDArray[np.signedinteger], NDArray[np.signedinteger]]:
        """The histograms, with an invalid prediction's pixels as wrong as they can be."""
        tampered, authentic = self.hist_tampered.copy(), self.hist_authentic.copy()
        tampered[~self.valid, 0] = self.tampered_px[~self.valid]
        authentic[~self.valid, 255] = self.authentic_px[~self.valid]
        return tampered, authentic

    @cached_property
    def _shared(self) -> dict[str, Callable[[Weights], Any]]:
        return {}

    def shared(self, name: str, counts: Callable[[Weights], Counts]) -> Callable[[Weights], Counts]:
        """`counts`, taken once for all metrics of this table that read them under the same weights."""
        return self._shared.setdefault(name, _LastOnly(counts))


class _LastOnly:
    """A function that remembers its last argument, by identity, and what came of it."""

    def __init__(self, function: Callable[[Weights], Any]) -> None:
        self._function = function
        self._argument: Weights | None = None
        self._value: Any = None

    def __call__(self, argument: Weights) -> Any:  # noqa: ANN401
        if argument is not self._argument:
            self._argument, self._value = argument, self._function(argument)
        return self._value


@dataclass(frozen=True)
class Statistic:
    """A metric bound to a table: what it counts over, and its value under any weights."""

    n: int
    """Samples that the metric is over."""
    n_undefined: int
    """Those among them for which it is undefined."""
    of: Callable[[Weights], Floats]
    """Weights of shape (B, N) to values of shape (B,); NaN where undefined."""


def mean(values: Floats, members: Members) -> Statistic:
    """The mean of per-image values over `members`; undefined (NaN) values are left out and counted.

    Values enter as 40-bit fixed-point numbers, so that sums are exact and the same in any order, on any machine.
    """
    defined = members & ~np.isnan(values)
    fixed = np.round(np.where(defined, values, 0.0) * _FIXED_POINT).astype(np.int64)
    count = defined.astype(np.int64)

    def of(weights: Weights) -> Floats:
        n = weights @ count
        return ratio((weights @ fixed) / _FIXED_POINT, n, where=n > 0)

    return Statistic(int(members.sum()), int((members & ~defined).sum()), of)


def pooled(table: Table, members: Members, number: Callable[[Histograms, Histograms, Histograms], Floats]) -> Statistic:
    """A number of the histograms summed over `members`.

    The third argument of `number`, shape (B, 2), says how many of the tampered pixels at byte 0 and of the authentic
    ones at byte 255 are there for want of a valid prediction.
    """
    if not table.localizes:
        return undefined(members)
    px = np.stack([table.tampered_px, table.authentic_px], axis=1)
    lost = np.where(table.valid[:, None], 0, px)
    counts = [a[members].astype(np.float64) for a in (*table.worst_histograms, lost)]

    def summed(weights: Weights) -> list[Histograms]:
        chosen = weights[:, members].astype(np.float64)
        # Whole numbers under 2**53: exact in floating point, in whatever order they are added.
        return [(chosen @ count).astype(np.int64) for count in counts]

    once = table.shared(f"histograms over {np.packbits(members).tobytes().hex()}", summed)
    return Statistic(int(members.sum()), 0, lambda weights: number(*once(weights)))


def undefined(members: Members) -> Statistic:
    """A metric that says nothing of this table."""
    n = int(members.sum())
    return Statistic(n, n, lambda weights: np.full(len(weights), np.nan))
