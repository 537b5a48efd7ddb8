"""Any data set of the Hugging Face Hub, or of Parquet files of one's own, by a map of its columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forgebench.errors import InputError
from forgebench.sources.masks import RuleName
from forgebench.sources.pairing import safe_id
from forgebench.sources.spec import WHOLE, Entry, Found, MaskFile, SourceSpec, unpaired
from forgebench.sources.tables import Row, parquet_files, rows, split_of_shard

MAP = "hub.yaml"


class Columns(BaseModel):
    """Which column holds what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    sample_id: str | None = None
    """Without one, samples are named after their split and row."""
    label: str | None = None
    """Without one, an image with a mask is tampered and one without is authentic."""
    mask: str | None = None
    group: str | None = None
    manipulation: str | None = None


class ColumnMap(BaseModel):
    """The file `hub.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str | None = None
    """The data set's name on the Hub, or a folder; None for the Parquet files beside the map."""
    config: str | None = None
    """The data set's configuration, where it has several."""
    columns: Columns
    labels: dict[str, Literal["authentic", "tampered", "full_synthetic"]] = Field(default_factory=dict)
    """What each value of the label column means; the mask of `full_synthetic` is the whole image."""
    mask_rule: RuleName = "above_127"


def walk(root: Path) -> Iterator[Found]:
    """The rows that `hub.yaml` describes; images are read where they lie, row group by row group.

    Raises:
        InputError: If the map cannot be read, or does not fit the data.
    """
    if not (root / MAP).is_file():
        return
    plan = _read_map(root / MAP)
    files = parquet_files(root) if plan.dataset is None else _files_of(plan.dataset, plan.config)
    columns, counts = plan.columns, dict[str, int]()
    values = [name for name in (columns.sample_id, columns.label, columns.group, columns.manipulation) if name]
    images = [name for name in (columns.image, columns.mask) if name]
    for file, split in files:
        for row in rows(root, file, list(dict.fromkeys(values)), images):
            number = counts[split] = counts.get(split, -1) + 1
            name = row.values[columns.sample_id] if columns.sample_id else f"{split}-{number:07d}"
            yield _entry(plan, row, safe_id(str(name)), split)


def _entry(plan: ColumnMap, row: Row, name: str, split: str) -> Found:
    columns, meaning = plan.columns, _meaning(plan, row)
    group = safe_id(str(row.values[columns.group])) if columns.group else name
    kind = row.values[columns.manipulation] if columns.manipulation else None
    image = row.member(columns.image)
    if meaning == "authentic":
        return Entry(name, image, "authentic", group, split)
    if meaning == "full_synthetic":
        return Entry(name, image, "tampered", group, split, kind or "full_synthetic", mask=WHOLE)
    if columns.mask is None:
        return Entry(name, image, "tampered", group, split, kind)
    if not row.values[columns.mask]:
        return unpaired(name, f"a mask in row {row.index} of {row.file}")
    return Entry(name, image, "tampered", group, split, kind, MaskFile(row.member(columns.mask), rule=plan.mask_rule))


def _meaning(plan: ColumnMap, row: Row) -> str:
    columns = plan.columns
    if columns.label is None:
        return "tampered" if columns.mask and row.values[columns.mask] else "authentic"
    value = str(row.values[columns.label])
    if value not in plan.labels:
        raise InputError(f"{MAP}: expected a meaning of label {value!r} in labels, found {', '.join(plan.labels)}")
    return plan.labels[value]


def _read_map(file: Path) -> ColumnMap:
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        if isinstance(content, dict) and isinstance(content.get("labels"), dict):
            content["labels"] = {str(value): meaning for value, meaning in content["labels"].items()}
        return ColumnMap.model_validate(content)
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{file}: {error}") from error


def _files_of(dataset: str, config: str | None) -> list[tuple[str, str]]:
    """The Parquet files of a data set as its repository's card divides them into splits."""
    from datasets import load_dataset_builder

    files = load_dataset_builder(dataset, config).config.data_files or {}
    found = [(str(path), str(split)) for split, paths in files.items() for path in paths]
    other = [path for path, _ in found if not path.endswith(".parquet")]
    if other or not found:
        raise InputError(f"{MAP}: expected {dataset} to consist of Parquet files, found {other[:3] or 'none'}")
    return [(path, split_of_shard(f"{split}-0.parquet")) for path, split in found]


SPEC = SourceSpec("hub", walk, generic=True)
