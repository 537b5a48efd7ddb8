"""COVERAGE (Wen et al., ICIP 2016)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from forgebench.errors import Problem
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_IMAGE = re.compile(r"(?:.*/)?image/(?P<id>\d+)(?P<forged>t?)\.tiff?", re.IGNORECASE)
_MASK = re.compile(r"(?:.*/)?mask/(?P<id>\d+)(?P<kind>forged|copy)\.tiff?", re.IGNORECASE)

# Found by lining up |original - forged| with the published masks: three are at another scale, six on a larger
# canvas, of which the image is the part whose left and top are given.
_RESIZED = (55, 56, 95)
_CROPPED = {41: (0, 0), 48: (0, 150), 57: (0, 0), 58: (0, 0), 59: (0, 70), 61: (150, 0)}


def walk(root: Path) -> Iterator[Found]:
    """Pair `image/{n}t.tif` with `mask/{n}forged.tif` (truth) and `mask/{n}copy.tif` (source)."""
    masks: dict[tuple[int, str], str] = {}
    images: dict[tuple[int, bool], str] = {}
    for path in files_below(root):
        if match := _MASK.fullmatch(path):
            masks[int(match["id"]), match["kind"].lower()] = path
        elif match := _IMAGE.fullmatch(path):
            images[int(match["id"]), bool(match["forged"])] = path
    for (number, forged), path in sorted(images.items()):
        if not forged:
            yield Entry(str(number), path, "authentic", group=str(number))
        elif (number, "forged") in masks:
            yield _tampered(number, path, masks)
        else:
            yield Problem(
                "unpaired", f"{number}t", f"a mask mask/{number}forged.tif for {path}", "no such file",
                "Add the mask, or leave the image out with --allow-issues unpaired.",
            )  # fmt: skip
    for number in sorted({number for number, kind in masks if kind == "forged"}):
        if (number, True) not in images:
            yield Problem(
                "missing", f"{number}t", f"the image of {masks[number, 'forged']}", "no such file",
                "Add the image if you have it.",
            )  # fmt: skip


def _tampered(number: int, path: str, masks: dict[tuple[int, str], str]) -> Entry:
    crop, resize = _CROPPED.get(number), number in _RESIZED

    def mask(kind: str) -> MaskFile | None:
        found = masks.get((number, kind))
        return MaskFile(found, crop, resize) if found else None

    return Entry(
        f"{number}t", path, "tampered", str(number), manipulation="copy_move",
        mask=mask("forged"), source_mask=mask("copy"),
    )  # fmt: skip


SPEC = SourceSpec("coverage", walk)
