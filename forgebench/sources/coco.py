"""COCO JSON: boxes, polygons and run lengths, of anyone's data and of data sets that come so."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from forgebench.errors import InputError
from forgebench.schema import Rectangle
from forgebench.sources.files import files_below
from forgebench.sources.pairing import safe_id
from forgebench.sources.spec import Entry, Found, Shapes, SourceSpec, duplicate, missing

_SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}


def walk(root: Path) -> Iterator[Found]:
    """Every image that a COCO JSON file below the root names: tampered where it has annotations.

    The split is the JSON file's name where that is train, val or test. A box without a segmentation is truth at the
    level of boxes alone.

    Raises:
        InputError: If a JSON file cannot be read.
    """
    paths = files_below(root)
    for path in paths:
        if path.lower().endswith(".json"):
            split = _SPLITS.get(PurePosixPath(path).stem.casefold(), "test")
            yield from read_coco(path, load(root, path), paths, split, lambda annotation: True)


def read_coco(
    file: str, content: object, paths: list[str], split: str, is_tampered: Callable[[dict[str, Any]], bool],
    manipulation: str | None = None,
) -> Iterator[Found]:  # fmt: skip
    """The images of one COCO JSON file; nothing where it is another kind of JSON.

    Args:
        file: The JSON file, relative to the root.
        content: What it holds.
        paths: All files below the root: an image is found by the end of its path.
        split: The split of its images.
        is_tampered: Whether an annotation marks something tampered.
        manipulation: Of the tampered images.
    """
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        return
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in content["annotations"]:
        if is_tampered(annotation):
            by_image[annotation["image_id"]].append(annotation)
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_name[PurePosixPath(path).name].append(path)
    for image in content["images"]:
        name = image["file_name"]
        sample_id = safe_id(PurePosixPath(name).with_suffix("").as_posix().replace("/", "."))
        found = _ends_with(by_name[PurePosixPath(name).name], name)
        if len(found) > 1:
            yield duplicate(sample_id, f"image {name}", found)
        elif not found:
            yield missing(sample_id, f"{name} in {file}")
        else:
            yield _entry(sample_id, found[0], split, by_image.get(image["id"], []), manipulation)


def load(root: Path, file: str) -> Any:  # noqa: ANN401
    """A JSON file's content.

    Raises:
        InputError: If it is none.
    """
    try:
        return json.loads((root / file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{root / file}: expected JSON, found {error}") from error


def _ends_with(paths: list[str], name: str) -> list[str]:
    """The paths that share most of their end with a name; folders of the name may lack on disk."""
    wanted = PurePosixPath(name).parts[::-1]
    shared = {path: _shared(PurePosixPath(path).parts[::-1], wanted) for path in paths}
    return [path for path in paths if shared[path] == max(shared.values())]


def _shared(ours: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    count = 0
    while count < min(len(ours), len(theirs)) and ours[count] == theirs[count]:
        count += 1
    return count


def _entry(sample_id: str, path: str, split: str, annotations: list[dict[str, Any]], manipulation: str | None) -> Entry:
    if not annotations:
        return Entry(sample_id, path, "authentic", sample_id, split)
    shapes = [annotation["segmentation"] for annotation in annotations if annotation.get("segmentation")]
    boxes: list[Rectangle] = []
    for annotation in annotations:
        if annotation.get("bbox"):
            x, y, width, height = map(float, annotation["bbox"])
            boxes.append((x, y, width, height))
    # Truth in pixels only where every annotation has it: what is not drawn is not authentic.
    drawn = Shapes(json.dumps(shapes)) if len(shapes) == len(annotations) else None
    whole = len(boxes) == len(annotations)
    return Entry(sample_id, path, "tampered", sample_id, split, manipulation, mask=drawn,
                 boxes=tuple(sorted(boxes)) if whole else None)  # fmt: skip


SPEC = SourceSpec("coco", walk, generic=True)
