"""Samples of a benchmark as a data set of its own, which `forgebench build folder` or `build coco` reads again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from forgebench.annotations.boxes import components
from forgebench.benchmark import Benchmark
from forgebench.benchmark.cells import mask_of
from forgebench.errors import InputError
from forgebench.schema import LABELS, Mask

Format = Literal["folder", "coco"]
_COLUMNS = ("sample_id", "image", "label", "manipulation", "boxes", "mask", "width", "height")
_TAMPERED = LABELS.index("tampered")


def export(benchmark: Benchmark, split: str, ids: Sequence[str], out: str | Path, form: str) -> Path:
    """Write samples with their images' own bytes and their truth.

    `folder` has `tampered/`, `masks/` and `authentic/`; `coco` has `images/` and `<split>.json` with a run-length
    mask for each tampered component (specks together), or boxes alone where there is no mask.

    Args:
        benchmark: Whose samples.
        split: Their split.
        ids: Which.
        out: A new folder.
        form: `folder` or `coco`.

    Raises:
        InputError: If there is something at `out`, no such form, no sample is named, or the form cannot say that a
            sample is tampered.
    """
    out = Path(out)
    if form not in get_args(Format):
        raise InputError(f"Expected the format {' or '.join(get_args(Format))}, got {form}.")
    if out.exists():
        raise InputError(f"{out} exists. Choose another folder to export to.")
    if not ids:
        raise InputError("There is no sample to export.")
    unsaid = [row["sample_id"] for row in _rows(benchmark, split, ids, ("sample_id", "label", "boxes", "mask"))
              if row["label"] == _TAMPERED and not (row["mask"] or (form == "coco" and row["boxes"]))]  # fmt: skip
    if unsaid:
        needs = "a mask" if form == "folder" else "a mask or boxes"
        raise InputError(f"{form} needs {needs} of tampered images; there is none of {', '.join(unsaid[:5])}.")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (_write_folder if form == "folder" else _write_coco)(partial, _rows(benchmark, split, ids, _COLUMNS), split)
    partial.rename(out)
    return out


def _rows(benchmark: Benchmark, split: str, ids: Sequence[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    wanted = set(ids)
    for group in benchmark.row_groups(split):
        if not wanted.isdisjoint(row["sample_id"] for row in group.read(["sample_id"])):
            yield from (row for row in group.read(columns) if row["sample_id"] in wanted)


def _name(row: dict[str, Any]) -> str:
    return f"{row['sample_id']}{Path(row['image']['path']).suffix}"


def _write_folder(root: Path, rows: Iterator[dict[str, Any]], split: str) -> None:
    for label in (*LABELS, "masks"):
        (root / label).mkdir()
    for row in rows:
        (root / LABELS[row["label"]] / _name(row)).write_bytes(row["image"]["bytes"])
        if row["label"] == _TAMPERED:
            (root / "masks" / f"{row['sample_id']}.png").write_bytes(row["mask"]["bytes"])


def _write_coco(root: Path, rows: Iterator[dict[str, Any]], split: str) -> None:
    (root / "images").mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        (root / "images" / _name(row)).write_bytes(row["image"]["bytes"])
        size = {"width": row["width"], "height": row["height"]}
        images.append({"id": number, "file_name": _name(row), **size})
        category = categories.setdefault(row["manipulation"] or "tampered", len(categories) + 1)
        for shape in _shapes(row) if row["label"] == _TAMPERED else ():
            about = {"id": len(annotations) + 1, "image_id": number, "category_id": category, "iscrowd": 0}
            annotations.append(about | shape)
    content = {
        "images": images, "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }  # fmt: skip
    (root / f"{split}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _shapes(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    mask = mask_of(row["mask"])
    if mask is None:
        yield from ({"bbox": box, "area": box[2] * box[3]} for box in row["boxes"])
        return
    specks = mask.copy()
    for ys, xs, inside in components(mask):
        one = np.zeros_like(mask)
        one[ys, xs] = inside
        specks &= ~one
        yield _run_length(one)
    if specks.any():
        yield _run_length(specks)


def _run_length(mask: Mask) -> dict[str, Any]:
    """Runs down the columns, of authentic pixels first, as COCO has them uncompressed."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [not mask[-1, -1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(ends, prepend=0)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
    return {
        "segmentation": {"size": list(mask.shape), "counts": runs.tolist()}, "bbox": box, "area": int(mask.sum()),
    }  # fmt: skip
