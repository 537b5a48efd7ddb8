"""OpenForensics (Le et al., ICCV 2021): faces, real and forged, in COCO JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forgebench.errors import InputError
from forgebench.sources.coco import load, read_coco
from forgebench.sources.files import files_below
from forgebench.sources.pairing import below
from forgebench.sources.spec import Found, SourceSpec

_JSON = below(r"(?P<split>Train|Val|Test-Dev|Test-Challenge)_poly\.json")
_SPLITS = {"train": "train", "val": "validation", "test-dev": "test_dev", "test-challenge": "test_challenge"}
_REAL = 0


def walk(root: Path) -> Iterator[Found]:
    """The images of `SPLIT_poly.json`: a face of category 0 is real, of any other forged.

    Raises:
        InputError: If a JSON file cannot be read, or names category 0 otherwise.
    """
    paths = files_below(root)
    for path in paths:
        if match := _JSON.fullmatch(path):
            content = load(root, path)
            _check_categories(root / path, content)
            split = _SPLITS[match["split"].lower()]
            images = [one for one in paths if f"/{match['split']}/".casefold() in f"/{one}".casefold()]
            yield from read_coco(path, content, images, split, _is_forged, "face_swap")


def _is_forged(annotation: dict[str, Any]) -> bool:
    return bool(annotation["category_id"] != _REAL)


def _check_categories(file: Path, content: dict[str, Any]) -> None:
    names = {category["id"]: str(category.get("name", "")) for category in content.get("categories", [])}
    if names and "real" not in names.get(_REAL, "").casefold():
        raise InputError(f"{file}: expected category 0 to be the real faces, found {names}")


SPEC = SourceSpec("openforensics", walk)
