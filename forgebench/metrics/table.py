"""The per-image table that every dataset-level metric reads, and the weights it is read with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.drawing import draw_units
from forgebench.metrics.pixel import BINS, Floats, Histograms, numbers_of, ratio

Weights = NDArray[np.float64]
"""Shape (B, U), whole numbers: how often each of U draw units counts in each of B resamples."""
Members = NDArray[np.bool_]
Counts = TypeVar("Counts")

_FIXED_POINT = 2.0**40
_HALF_WORD = 2**20
BLOCK = 1024
"""Rows of histograms that are in memory at once."""


class Column(Protocol):
    """Per-image histograms, in memory or on disk, read a few rows at a time."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.signedinteger]:
        """The histograms of these rows, shape (n, 256); zeros where there is none."""
        ...


@dataclass(frozen=True)
class Frozen:
    """Thresholds chosen on a calibration split, before the split that is scored was looked at."""

    byte: int
    """A prediction byte of at least this is called tampered; 0 to 256."""
    score: float
    """A score of at least this is called tampered."""


@dataclass(frozen=True)
class Table:
    """One row a sample: what was predicted, counted against the truth. All columns have N rows."""

    sample_id: NDArray[np.str_]
    group: NDArray[np.str_]
    tampered: Members
    """True where the image is tampered."""
    score: Floats
    """Probability that the image is tampered; NaN where `valid` is false."""
    valid: Members
    """True where the sample has a valid prediction; elsewhere each metric takes its worst value."""
    hist_tampered: Column
    """Histograms of the bytes over tampered pixels; zeros where there is no truth, no mask or `valid` is false."""
    hist_authentic: Column
    tampered_px: NDArray[np.int64]
    """Tampered pixels of the truth; with `authentic_px` zero where there is no pixel truth."""
    authentic_px: NDArray[np.int64]
    localizes: bool = True
    """Whether the submission has masks at all; without them localization is undefined, not worst."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Columns of other families of counts by name; what was not counted is absent."""
    outputs: tuple[str, ...] = ("score", "mask")
    """What the submission predicts; what it does not is undefined, not worst."""
    frozen: Frozen | None = None
    supervision: str | None = None
    """The level of annotation that the method was trained with."""
    units: tuple[NDArray[np.int64], int] | None = None
    """The draw unit of each row and how many there are; None makes them from `group`."""

    def __len__(self) -> int:
        return len(self.sample_id)

    @cached_property
    def drawn_by(self) -> tuple[NDArray[np.int64], int]:
        """The draw unit of each row, shape (N,), and their number U: what the bootstrap draws."""
        return draw_units(self.group) if self.units is None else self.units

    @cached_property
    def whole(self) -> Weights:
        """Every sample once, shape (1, U)."""
        return np.ones((1, self.drawn_by[1]))

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
        return self.per_image("pixel", numbers_of)

    @cached_property
    def worst_score(self) -> Floats:
        """The score, with that of an invalid prediction beyond every valid one on the wrong side."""
        return np.where(self.valid, self.score, np.where(self.tampered, -1.0, 2.0))

    @cached_property
    def _shared(self) -> dict[str, Any]:
        return {}

    def per_image(
        self, name: str, numbers: Callable[[Histograms, Histograms], dict[str, Floats]], view: str = ""
    ) -> dict[str, Floats]:
        """Numbers of each image's histograms, each of shape (N,), taken once under this name and block by block.

        Args:
            name: Under which they are kept.
            numbers: Histograms of shape (n, 256) to numbers of shape (n,).
            view: Which pair of histograms; empty for the plain one.
        """

        def read() -> dict[str, Floats]:
            parts = [numbers(t, a) for _, t, a in self.blocks(view)]
            return {one: np.concatenate([part[one] for part in parts]) for one in parts[0]}

        return self.once(f"numbers {name}/{view}", read)

    def blocks(self, view: str = "") -> Iterator[tuple[slice, Histograms, Histograms]]:
        """The two histograms, a block of rows at a time; one empty block for an empty table."""
        tampered, authentic = self.pair(view)
        for start in range(0, max(1, len(self)), BLOCK):
            rows = slice(start, min(start + BLOCK, len(self)))
            yield rows, tampered[rows].astype(np.int64), authentic[rows].astype(np.int64)

    def pair(self, view: str = "") -> tuple[Column, Column]:
        """The pair of histograms of a view; the plain one has no name."""
        if not view:
            return self.hist_tampered, self.hist_authentic
        return self.extra[f"hist_tampered_{view}"], self.extra[f"hist_authentic_{view}"]

    def by_unit(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sums over the rows of each draw unit: whole numbers of shape (N, …) to shape (U, …)."""
        unit, count = self.drawn_by
        if values.ndim == 1:
            return np.bincount(unit, weights=values.astype(np.float64), minlength=count).astype(np.float64)
        sums = np.zeros((count, *values.shape[1:]))
        if len(values):
            _add_rows(sums, unit, values)
        return sums

    def histograms_by_unit(self, members: Members, view: str = "") -> tuple[Floats, Floats]:
        """The histograms summed over the members of each draw unit, shape (U, 256), invalid ones at their worst.

        The pixels of an invalid prediction are as wrong as they can be: tampered at byte 0, authentic at byte 255.
        """
        unit, count = self.drawn_by
        sums = np.zeros((count, BINS)), np.zeros((count, BINS))
        for rows, *pair in self.blocks(view):
            inside = members[rows]
            lost = ~self.valid[rows]
            for total, block, px, byte in zip(sums, pair, (self.tampered_px, self.authentic_px), (0, 255), strict=True):
                block[lost, byte] = px[rows][lost]
                if inside.any():
                    _add_rows(total, unit[rows][inside], block[inside])
        return sums

    def once(self, name: str, make: Callable[[], Counts]) -> Counts:
        """What `make` gives, made once for all metrics of this table."""
        if name not in self._shared:
            self._shared[name] = make()
        found: Counts = self._shared[name]
        return found

    def shared(self, name: str, counts: Callable[[Weights], Counts]) -> Callable[[Weights], Counts]:
        """`counts`, taken once for all metrics of this table that read them under the same weights."""
        return self.once(name, lambda: _LastOnly(counts))

    def only(self, rows: Members) -> Table:
        """The table of some rows, read under the weights of the whole."""
        index = np.flatnonzero(rows)
        unit, count = self.drawn_by
        columns = ("sample_id", "group", "tampered", "score", "valid", "tampered_px", "authentic_px")
        return replace(
            self,
            **{name: getattr(self, name)[index] for name in columns},
            hist_tampered=Rows(self.hist_tampered, index),
            hist_authentic=Rows(self.hist_authentic, index),
            extra={
                name: Rows(column, index) if name.startswith("hist_") else column[index]
                for name, column in self.extra.items()
            },
            units=(unit[index], count),
        )


@dataclass(frozen=True)
class Rows:
    """Some rows of a column of histograms."""

    column: Column
    index: NDArray[np.int64]
    """Which, rising."""

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: slice, /) -> NDArray[np.signedinteger]:
        index = self.index[rows]
        found = np.zeros((len(index), BINS), np.int64)
        for block in np.unique(index // BLOCK):
            here = index // BLOCK == block
            start = int(block) * BLOCK
            found[here] = self.column[start : min(start + BLOCK, len(self.column))][index[here] - start]
        return found


def _add_rows(sums: NDArray[np.float64], unit: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Add each row to the sum of its unit."""
    order = np.argsort(unit, kind="stable")
    ordered = unit[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sums[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)


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
    """Weights of shape (B, U) to values of shape (B,); NaN where undefined."""


def exact_sums(table: Table, values: Floats) -> Callable[[Weights], Floats]:
    """Sums of real per-image values, shape (N, K), under any weights, shape (B, K): exact, whatever the order.

    Values enter as 40-bit fixed-point numbers in two halves, so that floating-point matrix products make exact sums
    that are the same on any machine.
    """
    halves = np.divmod(np.round(values * _FIXED_POINT).astype(np.int64), _HALF_WORD)
    high, low = (table.by_unit(half) for half in halves)

    def of(weights: Weights) -> Floats:
        above, below = ((weights @ half).astype(np.int64) for half in (high, low))
        sums: Floats = (above * _HALF_WORD + below) / _FIXED_POINT
        return sums

    return of


def mean(table: Table, values: Floats, members: Members) -> Statistic:
    """The mean of per-image values over `members`; undefined (NaN) values are left out and counted."""
    defined = members & ~np.isnan(values)
    sums = exact_sums(table, np.where(defined, values, 0.0)[:, None])
    count = table.by_unit(defined)

    def of(weights: Weights) -> Floats:
        n = weights @ count
        return ratio(sums(weights)[:, 0], n, where=n > 0)

    return Statistic(int(members.sum()), int((members & ~defined).sum()), of)


def pooled(
    table: Table,
    members: Members,
    number: Callable[[Histograms, Histograms, Histograms], Floats],
    view: str = "",
) -> Statistic:
    """A number of the histograms summed over `members`.

    The third argument of `number`, shape (B, 2), says how many of the tampered pixels at byte 0 and of the authentic
    ones at byte 255 are there for want of a valid prediction.
    """
    if not table.localizes:
        return undefined(table, members)
    sides = [_summed(table, side, members, view) for side in (0, 1)]

    def of(weights: Weights) -> Floats:
        (tampered, lost_tampered), (authentic, lost_authentic) = (side(weights) for side in sides)
        return number(tampered, authentic, np.stack([lost_tampered, lost_authentic], axis=1))

    return Statistic(int(members.sum()), 0, of)


def _summed(
    table: Table, side: int, members: Members, view: str
) -> Callable[[Weights], tuple[Histograms, Histograms]]:
    """One side's histograms of the members, shape (B, 256), and its pixels without a valid prediction, shape (B,).

    Members without such pixels are left out, so that all subsets that share those who have some share the sums.
    """
    px = (table.tampered_px, table.authentic_px)[side]
    inside = members & (px > 0)
    key = f"histograms {side} {view} over {np.packbits(inside).tobytes().hex()}"

    def counts() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        lost = table.by_unit(np.where(inside & ~table.valid, px, 0))
        found = np.concatenate([table.histograms_by_unit(inside, view)[side], lost[:, None]], axis=1)
        units = np.flatnonzero(found.any(axis=1))
        return units, found[units]

    units, by_unit = table.once(f"{key}, by unit", counts)

    def summed(weights: Weights) -> tuple[Histograms, Histograms]:
        chosen = weights if len(units) == weights.shape[1] else weights[:, units]
        # Whole numbers under 2**53: exact in floating point, in whatever order they are added.
        found = (chosen @ by_unit).astype(np.int64)
        return found[:, :-1], found[:, -1]

    return table.shared(key, summed)


def undefined(table: Table, members: Members) -> Statistic:
    """A metric that says nothing of this table."""
    n = int(members.sum())
    return Statistic(n, n, lambda weights: np.full(len(weights), np.nan))
