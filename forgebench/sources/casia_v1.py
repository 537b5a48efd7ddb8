"""CASIA v1.0 (Dong, Wang and Tan, ChinaSIP 2013), with the masks of Pham et al. (Symmetry 2019)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from forgebench.schema import Fix
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, duplicate, missing, unpaired

_AUTHENTIC = re.compile(r"Au_(?P<kind>[a-z]{3})_(?P<number>\d{4})\.jpe?g", re.IGNORECASE)
_TAMPERED = re.compile(
    r"Sp_[DS]_(?P<op>[CN][NR][ND])_(?P<shape>[ARCT])_(?P<src>[a-z]{3}\d{4})_(?P<dst>[a-z]{3}\d{4})[_.](?P<id>\d{4})"
    r"(?P<end>\.jpe?g|(_gt)?\.png)",
    re.IGNORECASE,
)
_WRONG_CODES = {"ant0063": "nat0063", "sce0011": "sec0011"}
_WRONG_PAIRS = {
    ("sec0049", "sec0049", "0117"): ("sec0049", "sec0050"),
    ("cha0037", "cha0037", "0513"): ("cha0037", "cha0043"),
    ("cha0041", "cha0041", "0514"): ("cha0041", "cha0038"),
    ("arc0003", "arc0004", "0051"): ("arc0003", "arc0003"),
}
"""The four original names with a code that Pham et al. corrected, by both codes and the number."""
_WITHOUT_MASK = ("NRN", "A", frozenset({"cha0011", "sec0011"}), "0542")

_Key = tuple[str, str, frozenset[str], str]


class _Mask(NamedTuple):
    path: str
    name: str
    """The sample's name, in the corrected state."""
    host: str
    """The code of the image that was pasted into: the first; outside of the masks the second differs throughout."""
    copy_move: bool


def walk(root: Path) -> Iterator[Found]:
    """Pair images and masks by (operation, shape, set of codes, number), whatever the renaming state."""
    images: dict[_Key, list[str]] = defaultdict(list)
    masks: dict[_Key, list[_Mask]] = defaultdict(list)
    for path in files_below(root):
        name = PurePosixPath(path).name
        if match := _AUTHENTIC.fullmatch(name):
            kind, number = match["kind"].lower(), match["number"]
            yield Entry(f"Au_{kind}_{number}", path, "authentic", group=kind + number)
        elif match := _TAMPERED.fullmatch(name):
            if match["end"].lower().endswith(".png"):
                masks[_key(match)].append(_mask(path, match))
            else:
                images[_key(match)].append(path)
    for key, paths in images.items():
        for path in paths:
            yield _pair(key, path, masks.get(key, []))
    for mask, *_ in sorted(found for key, found in masks.items() if key not in images):
        yield missing(mask.name, mask.path)


def _pair(key: _Key, path: str, masks: list[_Mask]) -> Found:
    name = PurePosixPath(path).stem
    match masks:
        case [mask]:
            kind = "copy_move" if mask.copy_move else "splice"
            return Entry(mask.name, path, "tampered", mask.host, manipulation=kind, mask=MaskFile(mask.path))
        case [mask, *_]:
            return duplicate(mask.name, f"mask for {path}", [mask.path for mask in masks])
    if key == _WITHOUT_MASK:
        return Fix(name, "no mask of it was ever published", "left out")
    expected = f"a mask Sp_…_{key[3]}_gt.png for {path}"
    fix = "Get the masks from github.com/namtpham/casia1groundtruth, or skip with --allow-issues unpaired."
    return unpaired(name, expected, fix)


def _codes(match: re.Match[str]) -> tuple[str, str]:
    src, dst = (_WRONG_CODES.get(match[end].lower(), match[end].lower()) for end in ("src", "dst"))
    return _WRONG_PAIRS.get((src, dst, match["id"]), (src, dst))


def _key(match: re.Match[str]) -> _Key:
    return match["op"].upper(), match["shape"].upper(), frozenset(_codes(match)), match["id"]


def _mask(path: str, match: re.Match[str]) -> _Mask:
    src, dst = _codes(match)
    # Over the 920 published masks, D and S agree with two codes and one without exception.
    kind = "S" if src == dst else "D"
    name = f"Sp_{kind}_{match['op'].upper()}_{match['shape'].upper()}_{src}_{dst}_{match['id']}"
    return _Mask(path, name, host=src, copy_move=src == dst)


SPEC = SourceSpec("casia-v1", walk)
