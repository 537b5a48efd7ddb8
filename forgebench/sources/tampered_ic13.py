"""Tampered-IC13 (Wang et al., ECCV 2022): boxes of real and of tampered words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from forgebench.errors import InputError
from forgebench.schema import Rectangle
from forgebench.sources.files import files_below
from forgebench.sources.pairing import below, split_of
from forgebench.sources.spec import Entry, Found, SourceSpec, duplicate, missing, unpaired

_BOXES = below(r"[^/]*(?P<what>true|fake)_gt[^/]*/(?P<name>img_\d+)\.txt")
_IMAGE = below(r"(?P<name>img_\d+)\.(jpe?g|png)")
_LINE = re.compile(r"(?P<x0>\d+),(?P<y0>\d+),(?P<x1>\d+),(?P<y1>\d+)(,.*)?")


def walk(root: Path) -> Iterator[Found]:
    """Pair `img_N.jpg` with the boxes in `…fake_gt/img_N.txt` and `…true_gt/img_N.txt`, either of which may be empty.

    Raises:
        InputError: If a line of boxes cannot be read.
    """
    images: dict[tuple[str, str], list[str]] = {}
    boxes: dict[tuple[str, str, str], str] = {}
    for path in files_below(root):
        if match := _BOXES.fullmatch(path):
            boxes[split_of(path), match["name"].lower(), match["what"].lower()] = path
        elif match := _IMAGE.fullmatch(path):
            images.setdefault((split_of(path), match["name"].lower()), []).append(path)
    annotated = {key[:2] for key in boxes}
    for (split, name), paths in sorted(images.items()) if boxes else ():
        fake = boxes.get((split, name, "fake"))
        if len(paths) > 1:
            yield duplicate(f"{split}-{name}", f"image {name} of {split}", paths)
        elif fake is None:
            yield unpaired(f"{split}-{name}", f"the boxes …fake_gt/{name}.txt for {paths[0]}")
        else:
            yield _entry(split, name, paths[0], _read(root, fake))
    for split, name in sorted(annotated - images.keys()):
        yield missing(f"{split}-{name}", boxes.get((split, name, "fake")) or boxes[split, name, "true"])


def _entry(split: str, name: str, path: str, boxes: tuple[Rectangle, ...]) -> Entry:
    sample_id = f"{split}-{name}"
    if not boxes:
        return Entry(sample_id, path, "authentic", sample_id, split)
    return Entry(sample_id, path, "tampered", sample_id, split, "text_edit", boxes=boxes)


def _read(root: Path, path: str) -> tuple[Rectangle, ...]:
    boxes = []
    for line in (root / path).read_text(encoding="utf-8-sig").splitlines():
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise InputError(f'{root / path}: expected x1,y1,x2,y2,"text", found {line!r}')
        x0, y0, x1, y1 = (float(match[name]) for name in ("x0", "y0", "x1", "y1"))
        boxes.append((min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)))
    return tuple(sorted(boxes))


SPEC = SourceSpec("tampered-ic13", walk)
