"""CoMoFoD (Tralić et al., ELMAR 2013), with its own masks or the three-class masks of Wu et al. (ECCV 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.checks import masks_mark_the_source
from forgebench.sources.files import files_below
from forgebench.sources.pairing import Layout, Match, below, pair_files
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_POST = r"(?P<post>_(JC|IB|NA|BC|CA|CR)\d)?"
# BusterNet's files pad the number with blanks.
_CLASSES = below(r" *(?P<key>\d{1,3})_M3\.png")
_OWN = below(r"(?P<key>\d{3})_B\.png")


def _key(match: Match) -> str:
    return match["key"].zfill(3)


def _entry(match: Match, path: str, label: Label) -> Entry:
    letter = "F" if label == "tampered" else "O"
    name = f"{match['key']}_{letter}{(match['post'] or '').upper()}"
    return Entry(name, path, label, match["key"], manipulation="copy_move" if label == "tampered" else None)


def _layout(three_classes: bool) -> Layout:
    return Layout(
        mask=_CLASSES if three_classes else _OWN,
        tampered=below(rf"(?P<key>\d{{3}})_F{_POST}\.(png|jpe?g)"),
        authentic=below(rf"(?P<key>\d{{3}})_O{_POST}\.(png|jpe?g)"),
        entry=_entry,
        key=_key,
        mask_file=(lambda path: MaskFile(path, rule="red")) if three_classes else MaskFile,
        mask_name="{key}_B.png (or the mask {key}_M3.png of three classes)",
    )


def walk(root: Path) -> Iterator[Found]:
    """Pair `NNN_F*` with `NNN_M3.png` where there are masks of three classes, else with `NNN_B.png`.

    Raises:
        InputError: If it cannot be told from the files whether the binary masks mark the source too.
    """
    paths = files_below(root)
    three_classes = any(_CLASSES.fullmatch(path) for path in paths)
    found = list(pair_files(paths, _layout(three_classes)))
    if three_classes:
        yield from (_with_source(one) for one in found)
    elif any(isinstance(one, Entry) and one.mask for one in found):
        both = masks_mark_the_source("comofod", root, _plain_pairs(found))
        yield from (_with_scope(one) if both else one for one in found)
    else:
        yield from found


def _plain_pairs(found: list[Found]) -> Iterator[tuple[Entry, Entry]]:
    """Original and forgery of each set, neither of them post-processed."""
    entries = {one.sample_id: one for one in found if isinstance(one, Entry)}
    for name, entry in entries.items():
        if name.endswith("_F") and (original := entries.get(f"{entry.group}_O")):
            yield original, entry


def _with_source(found: Found) -> Found:
    """In a mask of three classes red is the copy and green where it came from; 35 have a false frame of green."""
    if isinstance(found, Entry) and isinstance(found.mask, MaskFile):
        return replace(found, source_mask=MaskFile(found.mask.path, rule="green_inside"))
    return found


def _with_scope(found: Found) -> Found:
    if isinstance(found, Entry) and found.label == "tampered":
        return replace(found, mask_scope="tampered_and_source")
    return found


SPEC = SourceSpec("comofod", walk)
