"""CASIA v1+ (Chen et al., MVSS-Net, ICCV 2021): CASIA v1 with authentic images that CASIA v2 does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from forgebench.errors import InputError
from forgebench.sources import casia_v1
from forgebench.sources.files import files_below
from forgebench.sources.pairing import below
from forgebench.sources.spec import Entry, Found, SourceSpec

_COREL = below(r"(Au|Au_corel|corel-1k(/(training|test)_set)?(/[^/]+)?)/(?P<number>\d{1,3})\.jpe?g")
_LIST = "CASIAv1plus.txt"
_LISTED = re.compile(r"corel-1k/\S*/(?P<number>\d{1,3})\.jpg")
_N_COREL = 782
_OWN = frozenset({
    "sec_0011", "sec_0012", "sec_0057", "sec_0058", "sec_0059", "sec_0060", "sec_0061", "sec_0062", "sec_0063",
    "sec_0064", "sec_0065", "cha_0045", "cha_0047", "cha_0048", "cha_0049", "cha_0050", "cha_0051", "nat_0078",
})  # fmt: skip
"""The 18 authentic images of CASIA v1 itself that are in the published list."""


def walk(root: Path) -> Iterator[Found]:
    """The forgeries of CASIA v1; 782 Corel photographs and 18 of CASIA v1 as authentic images.

    Raises:
        InputError: If there are more Corel photographs than belong to it, and no list that says which.
    """
    for found in casia_v1.walk(root):
        if not isinstance(found, Entry) or found.label == "tampered" or found.sample_id[3:] in _OWN:
            yield found
    corel = {}
    for path in files_below(root):
        if match := _COREL.fullmatch(path):
            corel[path] = int(match["number"])
    chosen = _chosen(root, set(corel.values()))
    for path, number in corel.items():
        if number in chosen:
            yield Entry(f"corel_{number:03d}", path, "authentic", f"corel{number:03d}")


def _chosen(root: Path, numbers: set[int]) -> set[int]:
    """The numbers of the Corel photographs that belong to the data set."""
    if len(numbers) <= _N_COREL:
        return numbers
    lists = [path for path in files_below(root) if PurePosixPath(path).name == _LIST]
    if not lists:
        raise InputError(
            f"{root}: expected {_N_COREL} Corel photographs, found {len(numbers)}; which belong to CASIA v1+ says "
            f"{_LIST} of github.com/dong03/MVSS-Net (folder data). Put it beside them."
        )
    listed = {int(number) for number in _LISTED.findall((root / lists[0]).read_text(encoding="utf-8"))}
    if len(listed) != _N_COREL:
        raise InputError(f"{root / lists[0]}: expected {_N_COREL} Corel photographs, found {len(listed)}")
    return listed


SPEC = SourceSpec("casia-v1-plus", walk)
