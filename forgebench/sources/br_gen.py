"""BR-Gen, broader regions edited by generators (AAAI 2026)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.schema import Label
from forgebench.sources.pairing import Layout, Match, below, pair, safe_id, split_of
from forgebench.sources.spec import Entry, Found, SourceSpec

_REAL = r"(?P<real>(?P<source>[^/_]+)_(?P<id>[^/]+?))"


def _entry(match: Match, path: str, label: Label) -> Entry:
    group = safe_id(match["real"])
    name = safe_id(match["key"]) if label == "tampered" else group
    return Entry(name, path, label, group, split_of(path), "ai_edit" if label == "tampered" else None)


_FORGED = rf"(?P<key>[^/_]+_(Stuff|Background)_{_REAL})"
_LAYOUT = Layout(
    mask=below(rf"Gt/{_FORGED}_mask\.png"),
    tampered=below(rf"Tp/{_FORGED}\.(png|jpe?g)"),
    authentic=below(rf"Au/{_REAL}\.(png|jpe?g)"),
    entry=_entry,
    mask_name="Gt/{key}_mask.png",
)


def walk(root: Path) -> Iterator[Found]:
    """Pair `Tp/METHOD_Stuff_SOURCE_ID.png` with `Gt/….._mask.png`; `Au/SOURCE_ID.png` is its original."""
    return pair(root, _LAYOUT)


SPEC = SourceSpec("br-gen", walk)
