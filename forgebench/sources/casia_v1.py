"""CASIA v1.0 (Dong, Wang and Tan, ChinaSIP 2013), with the masks of Pham et al. (Symmetry 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

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


def walk(root: Path) -> Iterator[Found]:
    """Pair images and masks by (operation, shape, set of codes, number), whatever the renaming state."""
    images: dict[_Key, str] = {}
    masks: dict[_Key, str] = {}
    for path in files_below(root):
        name = PurePosixPath(path).name
        if match := _AUTHENTIC.fullmatch(name):
            code = match["kind"].lower() + match["number"]
            yield Entry(f"Au_{match['kind'].lower()}_{match['number']}", path, "authentic", group=code)
        elif match := _TAMPERED.fullmatch(name):
            found = masks if match["end"].lower().endswith(".png") else images
            key = _key(match)
            if key in found:
                yield _twice(key, path, found[key])
            else:
                found[key] = path
    yield from _pair(images, masks)


def _pair(images: dict[_Key, str], masks: dict[_Key, str]) -> Iterator[Found]:
    for key, path in images.items():
        if key in masks:
            yield _tampered(path, masks[key])
        elif key == _WITHOUT_MASK:
            yield Fix(PurePosixPath(path).stem, "no mask of it was ever published", "left out")
        else:
            yield Problem(
                "unpaired", PurePosixPath(path).stem, f"a mask Sp_…_{key[3]}_gt.png for {path}", "no such file",
                "Get the masks from github.com/namtpham/casia1groundtruth, or skip with --allow-issues unpaired.",
            )  # fmt: skip
    for path in sorted(path for key, path in masks.items() if key not in images):
        yield Problem(
            "missing", _canonical(path)[0], "the image of this mask", "no such file",
            "Add the image if you have it.",
        )  # fmt: skip


def _key(match: re.Match[str]) -> _Key:
    codes = (match[name].lower() for name in ("src", "dst"))
    both = frozenset(_WRONG_CODES.get(code, code) for code in codes)
    return match["op"].upper(), match["shape"].upper(), both, match["id"]


def _canonical(mask: str) -> tuple[str, str, bool]:
    """A sample's name, its host original and whether it is a copy-move, from its mask's name."""
    match = _TAMPERED.fullmatch(PurePosixPath(mask).name)
    assert match is not None
    src, dst = (_WRONG_CODES.get(match[name].lower(), match[name].lower()) for name in ("src", "dst"))
    # Over the 920 published masks, D and S agree with two codes and one without exception.
    kind = "S" if src == dst else "D"
    name = f"Sp_{kind}_{match['op'].upper()}_{match['shape'].upper()}_{src}_{dst}_{match['id']}"
    return name, dst, src == dst


def _tampered(image: str, mask: str) -> Entry:
    name, host, copy_move = _canonical(mask)
    kind = "copy_move" if copy_move else "splice"
    return Entry(name, image, "tampered", host, manipulation=kind, mask=MaskFile(mask))


def _twice(key: _Key, path: str, other: str) -> Problem:
    return Problem(
        "duplicate", PurePosixPath(path).stem, f"one file for sample number {key[3]}", f"{other} and {path}",
        "Remove one of the two.",
    )  # fmt: skip


SPEC = SourceSpec("casia-v1", walk)
