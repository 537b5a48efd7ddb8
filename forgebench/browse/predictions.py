"""Scored submissions as fields of a FiftyOne dataset: maps, masks, errors and our own per-image numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgebench import engine
from forgebench.browse.connect import cache_folder
from forgebench.browse.maps import ERRORS, Maps
from forgebench.browse.media import MASKS
from forgebench.browse.scores import Row, Scores
from forgebench.browse.truth import ID
from forgebench.errors import InputError
from forgebench.scoring.per_image import OK

if TYPE_CHECKING:
    import fiftyone as fo

_BATCH = 100
_FILES = ("map", "mask", "errors")


def add_scores(dataset: fo.Dataset, scores: Scores, earlier: Mapping[str, Any] | None = None) -> int:
    """Add or update the fields of a submission.

    Args:
        dataset: The benchmark's split.
        scores: What was scored.
        earlier: What `noted` said of the method of this name that is in the dataset already.

    Returns:
        How many valid maps are not shown, because the predictions no longer lie where they were scored.

    Raises:
        NotFoundError, InputError: If the per-image table is missing, cannot be read or is of other samples, or the
            predictions have changed since they were scored.
    """
    cache = cache_folder(dataset.name)
    folder = cache / f"{scores.slug}-{scores.predictions_hash[:12]}"
    _forget_others(dataset, scores, folder, earlier or {})
    _declare(dataset, scores)
    maps = None
    if scores.localizes:
        maps = Maps(folder, cache / MASKS["mask"], scores.byte, scores.submission())
        maps.prepare()
    ids = dict(zip(*dataset.values([ID, "id"]), strict=True))
    total = scores.record.benchmark.n
    shown = engine.run(
        partial(_values, maps), _known_rows(scores, ids), total=total, what=f"adding {scores.title}"
    )
    without = 0
    while batch := list(islice(shown, _BATCH)):
        without += sum(values["status"] == OK and values.get("map") is None for _, values in batch)
        _set(dataset, scores, {ids[sample_id]: values for sample_id, values in batch})
    return without if scores.localizes else 0


def noted(scores: Scores) -> dict[str, Any]:
    """What the dataset remembers of a submission."""
    return {
        "title": scores.title, "heading": scores.heading, "record": scores.record.record_sha256,
        "scores": str(scores.folder), "byte": scores.byte, "fields": [scores.field(name) for name in scores.names],
        "definition": scores.definition and scores.definition.name,
    }  # fmt: skip


def _forget_others(dataset: fo.Dataset, scores: Scores, folder: Path, earlier: Mapping[str, Any]) -> None:
    """Remove what other predictions of this name have left; a method that is worked on comes back often."""
    for path in folder.parent.glob(f"{scores.slug}-*"):
        if path != folder:
            shutil.rmtree(path)
    left = set(earlier.get("fields", ())) - {scores.field(name) for name in scores.names}
    dataset.delete_sample_fields(sorted(left & dataset.get_field_schema().keys()))


def _declare(dataset: fo.Dataset, scores: Scores) -> None:
    """All fields, so that those without any value are there too."""
    import fiftyone as fo

    labels = {"map": fo.Heatmap, "mask": fo.Segmentation, "errors": fo.Segmentation}
    for name in scores.names:
        field = scores.field(name)
        if name in labels:
            dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=labels[name])
        else:
            dataset.add_sample_field(field, fo.StringField if name == "status" else fo.FloatField)
    if scores.localizes:
        dataset.mask_targets = dataset.mask_targets | {scores.field("errors"): ERRORS}
        dataset.save()


def _known_rows(scores: Scores, ids: dict[str, str]) -> Iterator[Row]:
    for row in scores.rows():
        if row.sample_id not in ids:
            raise InputError(
                f"{scores.folder}: expected samples of the benchmark, got {row.sample_id!r}. Score the submission "
                "again."
            )
        yield row


def _values(maps: Maps | None, row: Row) -> tuple[str, dict[str, Any]]:
    """A sample's values by field; those that are files are named by their paths."""
    values: dict[str, Any] = {**row.numbers, "status": row.status}
    return row.sample_id, values | (maps.of(row) if maps is not None and row.status == OK else {})


def _set(dataset: fo.Dataset, scores: Scores, batch: dict[str, dict[str, Any]]) -> None:
    for name in scores.names:
        values = {key: _label(name, values.get(name)) for key, values in batch.items()}
        dataset.set_values(scores.field(name), values, key_field="id")


def _label(name: str, value: Any) -> Any:  # noqa: ANN401
    import fiftyone as fo

    if value is None or name not in _FILES:
        return value
    return fo.Heatmap(map_path=value, range=[0, 255]) if name == "map" else fo.Segmentation(mask_path=value)
