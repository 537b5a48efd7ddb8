"""Anyone's own data: three folders, masks paired by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import SAMPLE_ID
from forgebench.sources.files import IMAGE_SUFFIXES, files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, bad_name, duplicate, unpaired

_MASK_ENDS = ("", "_mask", "_gt")


def walk(root: Path) -> Iterator[Found]:
    """Pair `tampered/NAME.*` with `masks/NAME.png` (or `NAME_mask.png`, `NAME_gt.png`); `authentic/` needs none.

    Subfolders are allowed and become part of the sample's name. An authentic and a tampered image of the same
    name are one group.
    """
    authentic, tampered, masks = (_images(root, folder) for folder in ("authentic", "tampered", "masks"))
    for key, paths in authentic.items():
        for path in paths:
            yield _entry(path, f"authentic-{key}", None)
    unused = dict(masks)
    for key, paths in tampered.items():
        # NAME_gt.png is the mask of an image NAME_gt where there is one.
        ends = (end for end in _MASK_ENDS if key + end in masks and (not end or key + end not in tampered))
        found = unused.pop(key + next(ends, ""), [])
        for path in paths:
            yield _tampered(path, key, found)
    for key, (path, *_) in unused.items():
        fix = "Add the image, or leave the mask out with --allow-issues unpaired."
        yield unpaired(f"tampered-{key}", f"an image tampered/{key}.* for {path}", fix)


def _tampered(path: str, key: str, masks: list[str]) -> Found:
    if len(masks) > 1:
        return duplicate(f"tampered-{key}", f"mask for {path}", masks)
    if masks:
        return _entry(path, f"tampered-{key}", MaskFile(masks[0]))
    return unpaired(f"tampered-{key}", f"a mask masks/{key}.png for {path}")


def _entry(path: str, sample_id: str, mask: MaskFile | None) -> Found:
    if not SAMPLE_ID.fullmatch(sample_id):
        return bad_name(sample_id, path)
    group = sample_id.split("-", 1)[1]
    return Entry(sample_id, path, "tampered" if mask else "authentic", group, mask=mask)


def _images(root: Path, folder: str) -> dict[str, list[str]]:
    """The images below a folder by their names, subfolders joined with dots, suffix left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in files_below(root, folder):
        if Path(path).suffix.lower() in IMAGE_SUFFIXES:
            found[Path(path).relative_to(folder).with_suffix("").as_posix().replace("/", ".")].append(path)
    return found


SPEC = SourceSpec("folder", walk, generic=True)
