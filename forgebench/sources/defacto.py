"""DEFACTO (Mahfoudi et al., EUSIPCO 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, stem_key

_PART = r"(?P<kind>splicing|copy-?move|inpainting)(_(?P<part>\d))?"
_NAME = r"(?P<name>\d+_(?P<coco>\d{12}))"
_LISTED = re.compile(r"(?P<kind>splicing|copy-?move|inpainting)[^/]*/(.*/)?\d+_\d{12}[.]", re.IGNORECASE)
_MANIPULATIONS = {"splicing": "splice", "copymove": "copy_move", "inpainting": "inpainting"}


def _kind(match: Match) -> str:
    return match["kind"].lower().replace("-", "")


def _key(match: Match) -> str:
    return f"{_kind(match)}{match['part'] or ''}-{match['name']}"


def _entry(match: Match, path: str, label: Label) -> Entry:
    if label == "authentic":
        return Entry(f"coco-{match['coco']}", path, label, group=match["coco"])
    return Entry(_key(match), path, label, group=match["coco"], manipulation=_MANIPULATIONS[_kind(match)])


_LAYOUT = Layout(
    mask=below(rf"{_PART}[_-]annotations/probe_mask/{_NAME}\.(jpe?g|tiff?|png)"),
    source_mask=below(rf"(?P<kind>copy-?move)(_(?P<part>\d))?[_-]annotations/donor_mask/{_NAME}\.(jpe?g|tiff?|png)"),
    tampered=below(rf"{_PART}(_img|-images)/img/{_NAME}\.tiff?"),
    authentic=below(r"(authentic|(train|val|test)20\d\d)/(COCO_[a-z0-9]+_)?(?P<coco>\d{12})\.jpe?g"),
    entry=_entry,
    key=_key,
    mask_file=lambda path: MaskFile(path, resize="splicing" in path.casefold()),
    source_file=lambda path: MaskFile(path, rule="above_127"),
    mask_name="probe_mask of {key}",
)


def key_of(name: str) -> str:
    """Kind and name of a forgery: splices, copy-moves and inpaintings share names."""
    match = _LISTED.search(name)
    return f"{_kind(match)}-{stem_key(name)}" if match else stem_key(name)


def walk(root: Path) -> Iterator[Found]:
    """Pair `KIND_img/img/N_COCO.tif` with `KIND_annotations/probe_mask/N_COCO.jpg` (or `.tif`)."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("defacto", walk, key=key_of)
