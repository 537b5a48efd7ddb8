"""What is counted of one image beside the plain histograms: families of columns, each by its name.

A definition names the families that it needs; the scorer counts them in its one pass and stores their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forgebench.schema import Box, Explanation

Kind = Literal["histogram", "int", "float", "ints", "floats"]


@dataclass(frozen=True)
class Shown:
    """One image with its truth: what a family may count."""

    pred: NDArray[np.uint8] | None
    """Shape (H, W): the predicted bytes; None where none were submitted."""
    truth: NDArray[np.bool_] | None
    """Shape (H, W), true is tampered; None where there is no pixel truth."""
    boxes: Sequence[Box] | None = None
    """The predicted boxes; None where the submission has none."""
    explanation: Explanation | None = None
    """The predicted explanation; None where the submission has none of this image."""
    true_explanation: Explanation | None = None
    lost: bool = False
    """Whether there is no valid prediction; then nothing is shown of one."""


@dataclass(frozen=True)
class Counted:
    """A family of per-image counts; a column is null where there was nothing to count."""

    name: str
    columns: dict[str, Kind]
    count: Callable[[Shown], dict[str, Any]]
    """The columns of one image; empty where there is nothing to count."""
