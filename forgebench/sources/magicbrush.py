"""MagicBrush (Zhang et al., NeurIPS 2023): edits by instruction, several turns an image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from forgebench.sources.checks import masks_mark_the_change
from forgebench.sources.pairing import safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, unpaired
from forgebench.sources.tables import Row, has_columns, parquet_files, rows

_IMAGES = ("source_img", "mask_img", "target_img")


def walk(root: Path) -> Iterator[Found]:
    """The Parquet files of the Hub: the first turn's source is authentic, every target carries all edits so far.

    Raises:
        InputError: If the masks do not mark what was edited.
    """
    turns: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for file, split in parquet_files(root):
        if has_columns(root, file, ("img_id", "turn_index", *_IMAGES)):
            for row in rows(root, file, ("img_id", "turn_index"), _IMAGES):
                turns[split, str(row.values["img_id"])].append(row)
    entries = [_entries(name, split, sorted(same, key=_turn)) for (split, name), same in turns.items()]
    first_turns = [[one for one in found[:2] if isinstance(one, Entry)] for found in entries]
    masks_mark_the_change("magicbrush", root, [(two[0], two[1]) for two in first_turns if len(two) > 1])
    for found in entries:
        yield from found


def _turn(row: Row) -> int:
    return int(row.values["turn_index"])


def _entries(name: str, split: str, same: list[Row]) -> list[Found]:
    """The original and the targets of one image; a turn that is not there breaks the chain of masks."""
    group = safe_id(name)
    found: list[Found] = []
    if _turn(same[0]) == 1:
        found.append(Entry(f"{group}-source", same[0].member("source_img"), "authentic", group, split))
    for count, row in enumerate(same, 1):
        turn = _turn(row)
        masks = [earlier.member("mask_img") for earlier in same[:count] if earlier.values["mask_img"]]
        if turn == count == len(masks):
            mask = MaskFile(masks[-1], rule="transparent_or_white", more=tuple(masks[:-1]))
            image = row.member("target_img")
            found.append(Entry(f"{group}-turn{turn}", image, "tampered", group, split, "ai_edit", mask=mask))
        else:
            found.append(unpaired(f"{group}-turn{turn}", f"the masks of turns 1 to {turn}"))
    return found


SPEC = SourceSpec("magicbrush", walk)
