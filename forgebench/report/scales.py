"""Where a number is on a drawn axis, in per cent of its width."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_INSET = 3.0
"""Per cent left free at each end, so that a dot at the end is whole."""
_MOST_STEPS = 5


@dataclass(frozen=True)
class Scale:
    """An axis from its first tick to its last."""

    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a number is.

        >>> Scale((0.0, 0.5, 1.0)).at(0.5)
        50.0
        """
        low, high = self.ticks[0], self.ticks[-1]
        return round(_INSET + (100 - 2 * _INSET) * (value - low) / (high - low), 2)


def scale(values: Iterable[float | None], *, zero: bool = False) -> Scale:
    """An axis of round ticks that holds the numbers; what is undefined is left out.

    Args:
        values: In any order.
        zero: Whether 0 must be on it.

    >>> scale([0.21, 0.93, None]).ticks
    (0.2, 0.4, 0.6, 0.8, 1.0)
    >>> scale([0.5, 0.5], zero=True).ticks
    (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    """
    held = [value for value in values if value is not None and math.isfinite(value)] + [0.0] * zero
    if not held:
        return Scale((0.0, 0.5, 1.0))
    low, high = min(held), max(held)
    raw = max(high - low, 1e-3) / _MOST_STEPS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(tuple(round(place * step, 9) + 0.0 for place in range(first, max(last, first + 1) + 1)))
