"""Sc-IML (SCAF, AAAI 2026): scribbles that people drew on CASIA v2, COVERAGE, Columbia and NIST NC2016."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.schema import Fix
from forgebench.sources import casia_v2, columbia, coverage, nist16
from forgebench.sources.files import IMAGE_SUFFIXES, files_below
from forgebench.sources.pairing import below, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, duplicate, missing

_SCRIBBLE = below(r"Scribble/(?P<stem>[^/]+)\.png")
_IMAGE = below(rf"Image/(?P<stem>[^/]+)(?P<suffix>{'|'.join(suffix.replace('.', '[.]') for suffix in IMAGE_SUFFIXES)})")
_JOINED = (casia_v2.SPEC, coverage.SPEC, columbia.SPEC, nist16.SPEC)


def walk(root: Path) -> Iterator[Found]:
    """Join every `Scribble/STEM.png` with the forgery of that name in the data sets that lie beside it.

    A forgery that none of them has is taken from `Image/` with its scribble alone: it has no truth in pixels.
    """
    paths = files_below(root)
    scribbles = {casia_v2.key_of(match["stem"]): path for path in paths if (match := _SCRIBBLE.fullmatch(path))}
    images: dict[str, str] = {}
    for path in paths:
        if match := _IMAGE.fullmatch(path):
            images[casia_v2.key_of(match["stem"])] = path
    known = _known(root, {path.split("/")[0] for path in scribbles.values()}) if scribbles else {}
    for key, path in scribbles.items():
        yield _joined(key, path, known.get(key, []), images.get(key))


def _joined(key: str, scribble: str, known: list[Entry], image: str | None) -> Found:
    if len(known) > 1:
        return duplicate(known[0].sample_id, f"forgery for {scribble}", [entry.image for entry in known])
    if known:
        fixes = (*known[0].fixes, Fix(known[0].sample_id, "derived scribble", f"replaced by the human one, {scribble}"))
        return replace(known[0], split="train", scribble=scribble, fixes=fixes)
    stem = safe_id(Path(scribble).stem)
    if image is None:
        return missing(stem, scribble)
    return Entry(stem, image, "tampered", stem, "train", scribble=scribble)


def _known(root: Path, own: set[str]) -> dict[str, list[Entry]]:
    """The forgeries of the data sets in the folders beside Sc-IML's own."""
    known: dict[str, list[Entry]] = defaultdict(list)
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name not in own)
    for folder in folders:
        for spec in _JOINED:
            for found in spec.walk(root / folder):
                if isinstance(found, Entry) and found.label == "tampered":
                    entry = _moved(found, folder)
                    known[casia_v2.key_of(entry.image)].append(entry)
    return known


def _moved(entry: Entry, folder: str) -> Entry:
    """An entry whose paths start one folder higher."""

    def moved(file: MaskFile | None) -> MaskFile | None:
        if file is None:
            return None
        original = f"{folder}/{file.original}" if file.original else None
        return replace(file, path=f"{folder}/{file.path}", original=original)

    mask = moved(entry.mask) if isinstance(entry.mask, MaskFile) else entry.mask
    return replace(entry, image=f"{folder}/{entry.image}", mask=mask, source_mask=moved(entry.source_mask))


SPEC = SourceSpec("sc-iml", walk)
