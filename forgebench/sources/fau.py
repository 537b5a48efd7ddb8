"""Image Manipulation Dataset of FAU Erlangen-Nürnberg (Christlein et al., TIFS 2012)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id
from forgebench.sources.spec import Entry, Found, SourceSpec

_NAME = r"(?P<base>[^/]+?)(?P<camera>_gcs\d+)?_{what}(?P<post>(_[^/]*)?)\.png"


def _key(match: Match) -> str:
    return f"{match['base']}{match['camera'] or ''}{match['post']}".casefold()


def _entry(match: Match, path: str, label: Label) -> Entry:
    name = safe_id(f"{match['base']}{match['camera'] or ''}_copy{match['post']}")
    entry = Entry(name, path, label, safe_id(match["base"]), manipulation="copy_move")
    return replace(entry, mask_scope="tampered_and_source")


_LAYOUT = Layout(
    mask=below(_NAME.format(what="gt")),
    tampered=below(_NAME.format(what="copy")),
    authentic=None,
    entry=_entry,
    key=_key,
    mask_name="{key} with _gt for _copy",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `NAME_copySUFFIX.png` with `NAME_gtSUFFIX.png`."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("fau", walk)
