"""How someone would change a record: by its published rules, with the standard library alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import forgebench
from forgebench.metrics.drawing import draw_units
from forgebench.metrics.intervals import resamples

Fields = dict[str, Any]


def seal(fields: Fields) -> Fields:
    """The record with the hash that its fields ask for: SHA-256 of JSON, sorted, no blanks, no signature.

    Parts that came later, `subsets` and `rounded`, are left out where there is nothing in them.
    """
    absent = {name for name in ("subsets", "rounded") if not fields.get(name)}
    rest = {name: value for name, value in fields.items() if name not in {"record_sha256", "signature", *absent}}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return fields | {"record_sha256": hashlib.sha256(text.encode()).hexdigest()}


def write(folder: Path, fields: Fields, table: Path) -> Path:
    """A folder with this record, and a per-image table beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(json.dumps(fields), encoding="utf-8")
    shutil.copy(table, folder / "per_image.parquet")
    return folder


def by_sample(group: list[str], seed: int, count: int) -> np.ndarray:
    """How often each sample counts in each resample, shape (count, N): groups drawn with replacement."""
    unit, units = draw_units(np.array(group))
    return np.concatenate([block[:, unit] for block in resamples((unit, units), seed, count)])


def quick(scored: Path, folder: Path) -> Path:
    """The same score with 20 resamples."""
    fields = json.loads((scored / "record.json").read_text(encoding="utf-8"))
    fields["statistics"]["resamples"] = 20
    write(folder, seal(fields), scored / "per_image.parquet")
    again = forgebench.rescore(folder)
    return write(folder, json.loads(again.model_dump_json()), scored / "per_image.parquet")
