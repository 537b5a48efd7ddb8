"""The columns of the per-image table, and what is said about the table as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from forgebench.metrics.counting import Kind
from forgebench.metrics.families import families
from forgebench.metrics.pixel import BINS

FILE = "per_image.parquet"
ROWS = 1024
"""Rows of a row group: what is in memory at once."""

_ABOUT = b"forgebench"
_ALWAYS = {
    "sample_id": "string", "group": "string", "label": "string", "status": "string",
    "tampered_px": "int", "authentic_px": "int",
}  # fmt: skip
_SOMETIMES = {
    "score": "float", "synthetic": "float", "hist_tampered": "histogram", "hist_authentic": "histogram",
    "manipulation": "string", "width": "int", "height": "int", "jpeg_quality": "int", "source": "string",
}  # fmt: skip


@dataclass(frozen=True)
class TableAbout:
    """What holds for every row of a per-image table."""

    outputs: tuple[str, ...]
    """What the submission predicts: `score`, `mask`, `boxes`, …"""
    families: tuple[str, ...]
    """The families of counts that were taken beside the plain histograms."""

    @property
    def localizes(self) -> bool:
        """Whether there are masks."""
        return "mask" in self.outputs


def kinds(about: TableAbout) -> dict[str, str]:
    """The kind of each column: string, int, float, histogram, ints or floats."""
    counted: dict[str, Kind] = {}
    for family in families(about.families):
        counted |= family.columns
    return {**_ALWAYS, **_SOMETIMES, **counted}


def schema(about: TableAbout) -> Any:  # noqa: ANN401
    """The table's Arrow schema."""
    import pyarrow as pa

    types = {
        "string": pa.string(), "int": pa.int64(), "float": pa.float64(),
        "histogram": pa.list_(pa.field("element", pa.int32(), nullable=False), BINS),
        "ints": pa.list_(pa.field("element", pa.int64(), nullable=False)),
        "floats": pa.list_(pa.field("element", pa.float64(), nullable=False)),
    }  # fmt: skip
    columns = [pa.field(name, types[kind], nullable=name not in _ALWAYS) for name, kind in kinds(about).items()]
    return pa.schema(columns, metadata={_ABOUT: json.dumps(asdict(about), sort_keys=True)})


def about(found: Any) -> TableAbout | None:  # noqa: ANN401
    """What an Arrow schema says of its table; None where it is not that of a per-image table."""
    try:
        said = json.loads((found.metadata or {})[_ABOUT])
        stated = TableAbout(tuple(said["outputs"]), tuple(said["families"]))
        return stated if found.equals(schema(stated), check_metadata=True) else None
    except (KeyError, TypeError, ValueError):
        return None


def wanted(counts: Iterable[str], outputs: Iterable[str]) -> TableAbout:
    """What a pass is to count."""
    return TableAbout(tuple(outputs), tuple(family.name for family in families(tuple(counts))))
