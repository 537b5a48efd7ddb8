"""CASIA v1.0 (Dong, Wang and Tan, ChinaSIP 2013), with the masks of Pham et al. (Symmetry 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from forgebench.errors import Problem
from forgebench.schema import Fix
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_AUTHENTIC = re.compile(r"Au_(?P<kind>[a-z]{3})_(?P<number>\d{4})\.jpe?g", re.IGNORECASE)
_TAMPERED = re.compile(
    r"Sp_[DS]_(?P<op>[CN][NR][ND])_(?P<shape>[ARCT])_(?P<src>[a-z]{3}\d{4})_(?P<dst>[a-z]{3}\d{4})[_.](?P<id>\d{4})"
    r"(?P<end>\.jpe?g|(_gt)?\.png)",
    re.IGNORECASE,
)
_WRONG_CODES = {"ant0063": "nat0063", "sce0011": "sec0011"}
_WITHOUT_MASK = ("NRN", "A", frozenset({"cha0011", "sec0011"}), "0542")

_Key = tuple[str, str, frozenset[str], str]


class _Mask(NamedTuple):
    path: str
    name: str
    """The sample's name, in the corrected state."""
    host: str
    """The code of the image that was pasted into."""
    copy_move: bool


def walk(root: Path) -> Iterator[Found]:
    """Pair images and masks by (operation, shape, set of codes, number), whatever the renaming state."""
    images: dict[_Key, str] = {}
    masks: dict[_Key, _Mask] = {}
    for path in files_below(root):
        name = PurePosixPath(path).name
        if match := _AUTHENTIC.fullmatch(name):
            kind, number = match["kind"].lower(), match["number"]
            yield Entry(f"Au_{kind}_{number}", path, "authentic", group=kind + number)
        elif match := _TAMPERED.fullmatch(name):
            key = _key(match)
            if match["end"].lower().endswith(".png"):
                if key in masks:
                    yield _twice(key, path, masks[key].path)
                masks.setdefault(key, _mask(path, match))
            else:
                if key in images:
                    yield _twice(key, path, images[key])
                images.setdefault(key, path)
    yield from _pair(images, masks)


def _pair(images: dict[_Key, str], masks: dict[_Key, _Mask]) -> Iterator[Found]:
    for key, path in images.items():
        name = PurePosixPath(path).stem
        if mask := masks.get(key):
            kind = "copy_move" if mask.copy_move else "splice"
            yield Entry(mask.name, path, "tampered", mask.host, manipulation=kind, mask=MaskFile(mask.path))
        elif key == _WITHOUT_MASK:
            yield Fix(name, "no mask of it was ever published", "left out")
        else:
            expected = f"a mask Sp_…_{key[3]}_gt.png for {path}"
            fix = "Get the masks from github.com/namtpham/casia1groundtruth, or skip with --allow-issues unpaired."
            yield Problem("unpaired", name, expected, "no such file", fix)
    for mask in sorted(mask for key, mask in masks.items() if key not in images):
        yield Problem("missing", mask.name, f"the image of {mask.path}", "no such file", "Add it if you have it.")


def _codes(match: re.Match[str]) -> tuple[str, str]:
    src, dst = (_WRONG_CODES.get(match[end].lower(), match[end].lower()) for end in ("src", "dst"))
    return src, dst


def _key(match: re.Match[str]) -> _Key:
    return match["op"].upper(), match["shape"].upper(), frozenset(_codes(match)), match["id"]


def _mask(path: str, match: re.Match[str]) -> _Mask:
    src, dst = _codes(match)
    # Over the 920 published masks, D and S agree with two codes and one without exception.
    kind = "S" if src == dst else "D"
    name = f"Sp_{kind}_{match['op'].upper()}_{match['shape'].upper()}_{src}_{dst}_{match['id']}"
    return _Mask(path, name, host=dst, copy_move=src == dst)


def _twice(key: _Key, path: str, other: str) -> Problem:
    return Problem(
        "duplicate", PurePosixPath(path).stem, f"one file for sample number {key[3]}", f"{other} and {path}",
        "Remove one of the two.",
    )  # fmt: skip


SPEC = SourceSpec("casia-v1", walk)
