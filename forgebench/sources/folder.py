"""Anyone's own data: three folders, masks paired by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from forgebench.errors import Problem
from forgebench.schema import SAMPLE_ID
from forgebench.sources.files import IMAGE_SUFFIXES, files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_MASK_SUFFIX = re.compile(r"(_mask|_gt)$")


def walk(root: Path) -> Iterator[Found]:
    """Pair `tampered/NAME.*` with `masks/NAME.png` (or `NAME_mask.png`, `NAME_gt.png`); `authentic/` needs none.

    Subfolders are allowed and become part of the sample's name. An authentic and a tampered image of the same
    name are one group.
    """
    masks = {_MASK_SUFFIX.sub("", _key(path, "masks")): path for path in _images(root, "masks")}
    for path in _images(root, "authentic"):
        yield from _entry(path, f"authentic-{_key(path, 'authentic')}", "authentic", None)
    for path in _images(root, "tampered"):
        key = _key(path, "tampered")
        mask = masks.pop(key, None)
        if mask is None:
            yield Problem(
                "unpaired", f"tampered-{key}", f"a mask masks/{key}.png for {path}", "no such file",
                "Add the mask, or leave the image out with --allow-issues unpaired.",
            )  # fmt: skip
        else:
            yield from _entry(path, f"tampered-{key}", "tampered", MaskFile(mask))
    for key, path in masks.items():
        yield Problem(
            "unpaired", f"tampered-{key}", f"an image tampered/{key}.* for {path}", "no such file",
            "Add the image, or leave the mask out with --allow-issues unpaired.",
        )  # fmt: skip


def _entry(path: str, sample_id: str, label: str, mask: MaskFile | None) -> Iterator[Found]:
    if not SAMPLE_ID.fullmatch(sample_id):
        yield Problem(
            "bad_name", sample_id, "letters, digits, dot, dash and underscore, at most 128", path,
            "Rename the file.",
        )  # fmt: skip
        return
    group = sample_id.split("-", 1)[1]
    yield Entry(sample_id, path, "tampered" if mask else "authentic", group, mask=mask)


def _images(root: Path, folder: str) -> list[str]:
    return [p for p in files_below(root, folder) if Path(p).suffix.lower() in IMAGE_SUFFIXES]


def _key(path: str, folder: str) -> str:
    return Path(path).relative_to(folder).with_suffix("").as_posix().replace("/", ".")


SPEC = SourceSpec("folder", walk, generic=True)
