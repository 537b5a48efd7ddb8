"""What robustness says: points, curves and areas, as `robustness.json` holds them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from forgebench.errors import InputError, NotFoundError
from forgebench.metrics.significance import ALPHA
from forgebench.scoring.score import ROBUSTNESS

if TYPE_CHECKING:
    import pandas as pd


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Measured(_Part):
    """A number beside that of the clean images; null is undefined, intervals are 95 %."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    difference: float | None
    """Minus the clean number of the same samples."""
    difference_low: float | None
    difference_high: float | None
    p: float | None
    """Two-sided p-value of no difference, by the paired bootstrap."""


class Point(Measured):
    """The metric under one recipe."""

    recipe: str
    strength: float | None
    """None for a recipe of one strength."""
    clean: float | None
    """The metric of the clean images of the same samples."""
    p_holm: float | None
    """The p-value corrected over all points (Holm 1979)."""
    n: int
    """Samples that the metric is over."""
    n_undefined: int
    """Those among them for which it is undefined."""
    left_out: int
    """Clean samples that the degraded benchmark does not have."""
    content_hash: str
    """Of the degraded benchmark."""
    record_sha256: str

    @property
    def separated(self) -> bool:
        """Whether the data tell it from clean."""
        return self.p_holm is not None and self.p_holm < ALPHA


class Curve(_Part):
    """One family of recipes."""

    family: str
    unit: str | None
    """What the strength counts."""
    axis: list[str]
    """Every recipe of the family in the grid, from the clean images on, or in the order of the number where the family
    goes both ways."""
    clean_at: int | None
    """How many of them come before the clean images; None for a family without an order of strengths."""
    points: list[Point]
    """Those that were scored, in this order."""
    area: Measured | None
    """Under the curve; None without an order, where a recipe was not scored, or where a value is undefined."""


class Robustness(_Part):
    """One method by one metric over a grid.

    The area is by the trapezoid rule over the steps of the family's axis, the clean images among them, all steps of
    the same width and 1 in all: strengths have no common unit, and clean has no number in some. It is a weighted mean
    of the points, so in [0, 1] for a metric that is. Its difference is the area under the paired differences.
    """

    schema_version: Literal[1] = 1
    method: str
    version: str
    metric: str
    definition: str
    definition_version: int
    higher_is_better: bool
    seed: int
    resamples: int
    benchmark: str
    content_hash: str
    """Of the clean benchmark."""
    split: str
    record_sha256: str
    """Of the clean record."""
    clean: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    """Samples that the metric is over."""
    curves: list[Curve]
    missing: list[str]
    """Recipes of the grid that were not scored."""

    def to_frame(self) -> pd.DataFrame:
        """The points, one row each."""
        import pandas as pd

        rows = [{"family": one.family, "unit": one.unit, **p.model_dump()} for one in self.curves for p in one.points]
        return pd.DataFrame(rows)

    def write(self, folder: Path) -> Path:
        """Write `robustness.json` under a temporary name and rename it."""
        path, temporary = folder / ROBUSTNESS, folder / f".{ROBUSTNESS}.partial"
        text = json.dumps(self.model_dump(), indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
        os.replace(temporary, path)  # noqa: PTH105
        return path


def read_robustness(folder: Path) -> Robustness:
    """Read what `score_grid` wrote.

    Raises:
        NotFoundError: If there is none.
        InputError: If it cannot be read.
    """
    file = folder / ROBUSTNESS
    if not file.is_file():
        raise NotFoundError(f"Expected {file}, found none. Make it with: forgebench robustness")
    try:
        return Robustness.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise InputError(f"{file} cannot be read: {error}. Make it again with: forgebench robustness") from error
