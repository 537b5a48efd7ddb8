"""COVERAGE (Wen et al., ICIP 2016)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from forgebench.errors import Problem
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, duplicate, missing, unpaired

_IMAGE = re.compile(r"(?:.*/)?image/(?P<id>\d+)(?P<forged>t?)\.tiff?", re.IGNORECASE)
_MASK = re.compile(r"(?:.*/)?mask/(?P<id>\d+)(?P<kind>forged|copy)\.tiff?", re.IGNORECASE)

# Found by lining up |original - forged| with the published masks: three are at another scale, six on a larger
# canvas, of which the image is the part whose left and top are given.
_RESIZED = (55, 56, 95)
_CROPPED = {41: (0, 0), 48: (0, 150), 57: (0, 0), 58: (0, 0), 59: (0, 70), 61: (150, 0)}

_Masks = dict[tuple[int, str], list[str]]


def walk(root: Path) -> Iterator[Found]:
    """Pair `image/{n}t.tif` with `mask/{n}forged.tif` (truth) and `mask/{n}copy.tif` (source)."""
    masks: _Masks = defaultdict(list)
    images: list[tuple[int, bool, str]] = []
    for path in files_below(root):
        if match := _MASK.fullmatch(path):
            masks[int(match["id"]), match["kind"].lower()].append(path)
        elif match := _IMAGE.fullmatch(path):
            images.append((int(match["id"]), bool(match["forged"]), path))
    for number, forged, path in sorted(images):
        yield _tampered(number, path, masks) if forged else Entry(str(number), path, "authentic", str(number))
    have = {number for number, forged, _ in images if forged}
    for number in sorted({number for number, kind in masks if kind == "forged"} - have):
        yield missing(f"{number}t", masks[number, "forged"][0])


def _tampered(number: int, path: str, masks: _Masks) -> Entry | Problem:
    name, forged, copied = f"{number}t", masks.get((number, "forged"), []), masks.get((number, "copy"), [])
    if not forged:
        return unpaired(name, f"a mask mask/{number}forged.tif for {path}")
    for found in (forged, copied):
        if len(found) > 1:
            return duplicate(name, f"mask for {path}", found)
    crop, resize = _CROPPED.get(number), number in _RESIZED
    truth, source = (MaskFile(found[0], crop, resize) if found else None for found in (forged, copied))
    return Entry(name, path, "tampered", str(number), manipulation="copy_move", mask=truth, source_mask=source)


SPEC = SourceSpec("coverage", walk)
