"""Scored submissions as fields of a FiftyOne dataset: maps, masks and our own per-image numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forgebench import engine
from forgebench.benchmark.rows import label_png
from forgebench.browse.connect import cache_folder
from forgebench.browse.media import write
from forgebench.browse.scores import PIXEL_NUMBERS, Row, Scores
from forgebench.browse.truth import ID
from forgebench.errors import InputError, Problem
from forgebench.metrics.pixel import BINS, THRESHOLD
from forgebench.scoring.per_image import OK
from forgebench.submission import Submission
from forgebench.submission.write import heat_png

if TYPE_CHECKING:
    import fiftyone as fo

_BATCH = 100


def fields_of(slug: str, *, localizes: bool = True) -> list[str]:
    """The fields of a submission; one without masks has `score` and `status` alone."""
    names = ("mask", "map", "score", "status", *PIXEL_NUMBERS) if localizes else ("score", "status")
    return [f"{slug}_{name}" for name in names]


def add_scores(dataset: fo.Dataset, scores: Scores) -> int:
    """Add or update the fields of a submission.

    Returns:
        How many valid maps are not shown, because the predictions no longer lie where they were scored.

    Raises:
        NotFoundError, InputError: If the per-image table is missing, cannot be read or is of other samples, or the
            predictions have changed since they were scored.
    """
    folder = cache_folder(dataset.name) / f"{scores.slug}-{scores.predictions_hash[:12]}"
    _forget_others(dataset, scores, folder)
    _declare(dataset, scores)
    for name in ("map", "mask") if scores.localizes else ():
        (folder / name).mkdir(parents=True, exist_ok=True)
    ids = dict(zip(*dataset.values([ID, "id"]), strict=True))
    show = partial(_values, scores.submission() if scores.localizes else None, folder)
    total = scores.record.benchmark.n
    shown = engine.run(show, _known_rows(scores, ids), total=total, what=f"adding {scores.title}")
    without = 0
    while batch := list(islice(shown, _BATCH)):
        without += sum(values["status"] == OK and values.get("map") is None for _, values in batch)
        _set(dataset, scores, {ids[sample_id]: values for sample_id, values in batch})
    return without if scores.localizes else 0


def _forget_others(dataset: fo.Dataset, scores: Scores, folder: Path) -> None:
    """Remove what other predictions of this name have left; a method that is worked on comes back often."""
    for path in folder.parent.glob(f"{scores.slug}-*"):
        if path != folder:
            shutil.rmtree(path)
    left = set(fields_of(scores.slug)) - set(fields_of(scores.slug, localizes=scores.localizes))
    dataset.delete_sample_fields(sorted(left & dataset.get_field_schema().keys()))


def _declare(dataset: fo.Dataset, scores: Scores) -> None:
    """All fields, so that those without any value are there too."""
    import fiftyone as fo

    labels = {"map": fo.Heatmap, "mask": fo.Segmentation}
    for field in fields_of(scores.slug, localizes=scores.localizes):
        name = field.removeprefix(f"{scores.slug}_")
        if name in labels:
            dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=labels[name])
        else:
            dataset.add_sample_field(field, fo.StringField if name == "status" else fo.FloatField)


def _known_rows(scores: Scores, ids: dict[str, str]) -> Iterator[Row]:
    for row in scores.rows():
        if row.sample_id not in ids:
            raise InputError(
                f"{scores.folder}: expected samples of the benchmark, got {row.sample_id!r}. Score the submission "
                "again."
            )
        yield row


def _values(submission: Submission | None, folder: Path, row: Row) -> tuple[str, dict[str, Any]]:
    """A sample's values by field; those that are files are written, and named by their paths."""
    values: dict[str, Any] = {**row.numbers, "status": row.status}
    paths = {name: folder / name / f"{row.sample_id}.png" for name in ("map", "mask")}
    if row.status != OK:
        return row.sample_id, values
    # The mask is written last: where it is, the map is too.
    if submission is not None and not paths["mask"].is_file():
        _write_maps(submission, row, paths)
    if paths["mask"].is_file():
        values |= {name: str(path) for name, path in paths.items()}
    return row.sample_id, values


def _write_maps(submission: Submission, row: Row, paths: dict[str, Path]) -> None:
    said = submission.read(row.sample_id, row.size)
    pixels = None if isinstance(said, Problem) or said.score != row.numbers["score"] else said.mask
    if pixels is None or not _as_counted(pixels, row):
        raise InputError(
            f"{row.sample_id}: the prediction in {submission.path} is not the one that was scored. Score it again."
        )
    write(paths["map"], heat_png(pixels))
    write(paths["mask"], label_png((pixels >= THRESHOLD) * np.uint8(255)))


def _as_counted(pixels: np.ndarray[Any, np.dtype[np.uint8]], row: Row) -> bool:
    counted = not row.histogram.any() or np.bincount(pixels.ravel(), minlength=BINS) == row.histogram
    return bool(np.all(counted))


def _set(dataset: fo.Dataset, scores: Scores, batch: dict[str, dict[str, Any]]) -> None:
    for field in fields_of(scores.slug, localizes=scores.localizes):
        name = field.removeprefix(f"{scores.slug}_")
        values = {key: _label(name, values.get(name)) for key, values in batch.items()}
        dataset.set_values(field, values, key_field="id")


def _label(name: str, value: Any) -> Any:  # noqa: ANN401
    import fiftyone as fo

    if value is None or name not in ("map", "mask"):
        return value
    return fo.Heatmap(map_path=value, range=[0, 255]) if name == "map" else fo.Segmentation(mask_path=value)
