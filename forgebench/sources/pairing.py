"""Images and masks paired by what their names say, never by their order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from forgebench.schema import Label
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, duplicate, missing, unpaired

Match: TypeAlias = "re.Match[str]"

_SPLITS = {
    "train": "train", "training": "train", "trainset": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "test": "test", "testing": "test", "testset": "test",
}  # fmt: skip


def below(pattern: str) -> re.Pattern[str]:
    """A pattern for a path's end, in any folder and whatever the case."""
    return re.compile(rf"(?:.*/)?(?:{pattern})", re.IGNORECASE)


def whole_key(match: Match) -> str:
    """The named group `key`, whatever the case."""
    return match["key"].casefold()


def safe_id(text: str) -> str:
    """A sample id of a name: what may not stand in one becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)


def split_of(path: str, default: str = "test") -> str:
    """The split that a folder in a path names, or the default."""
    named = (_SPLITS[part] for part in path.casefold().split("/")[:-1] if part in _SPLITS)
    return next(named, default)


@dataclass(frozen=True)
class Layout:
    """How a data set's file names pair: patterns over paths, tried in this order."""

    mask: re.Pattern[str] | None
    tampered: re.Pattern[str]
    authentic: re.Pattern[str] | None
    entry: Callable[[Match, str, Label], Entry]
    """Names the sample of an image: its match, path and label; the mask is put in later."""
    source_mask: re.Pattern[str] | None = None
    key: Callable[[Match], str] = whole_key
    """What an image and its masks have in common."""
    mask_file: Callable[[str], MaskFile] = MaskFile
    """How a mask's file is read."""
    source_file: Callable[[str], MaskFile] = MaskFile
    mask_name: str = "{key}"
    """How the mask of a key would be called, for the message where there is none."""
    several: bool = False
    """Whether an image may have several masks, one a region."""


def pair(root: Path, layout: Layout) -> Iterator[Found]:
    """The samples below a folder, and what does not pair."""
    yield from pair_files(files_below(root), layout)


def pair_files(paths: Iterable[str], layout: Layout) -> Iterator[Found]:
    """The same for paths that are known."""
    masks, sources, images, authentic = _sorted_out(paths, layout)
    yield from authentic
    used = set()
    for key, entry in images:
        used.add(key)
        yield _with_masks(entry, key, masks.get(key, []), sources.get(key, []), layout)
    for key in sorted(masks.keys() - used):
        yield missing(safe_id(key), masks[key][0])


_ByKey: TypeAlias = dict[str, list[str]]


def _sorted_out(paths: Iterable[str], layout: Layout) -> tuple[_ByKey, _ByKey, list[tuple[str, Entry]], list[Entry]]:
    masks: _ByKey = defaultdict(list)
    sources: _ByKey = defaultdict(list)
    images: list[tuple[str, Entry]] = []
    authentic: list[Entry] = []
    for path in paths:
        if layout.mask and (match := layout.mask.fullmatch(path)):
            masks[layout.key(match)].append(path)
        elif layout.source_mask and (match := layout.source_mask.fullmatch(path)):
            sources[layout.key(match)].append(path)
        elif match := layout.tampered.fullmatch(path):
            images.append((layout.key(match), layout.entry(match, path, "tampered")))
        elif layout.authentic and (match := layout.authentic.fullmatch(path)):
            authentic.append(layout.entry(match, path, "authentic"))
    return masks, sources, images, authentic


def _with_masks(entry: Entry, key: str, masks: Sequence[str], sources: Sequence[str], layout: Layout) -> Found:
    if layout.mask is None:
        return entry
    if not masks:
        return unpaired(entry.sample_id, f"a mask {layout.mask_name.format(key=key)} for {entry.image}")
    if len(masks) > 1 and not layout.several:
        return duplicate(entry.sample_id, f"mask for {entry.image}", masks)
    if len(sources) > 1:
        return duplicate(entry.sample_id, f"source mask for {entry.image}", sources)
    mask = replace(layout.mask_file(masks[0]), more=tuple(masks[1:]))
    return replace(entry, mask=mask, source_mask=layout.source_file(sources[0]) if sources else None)
