"""NIST Nimble Challenge 2016 (Guan et al., WACVW 2019), which papers call NIST16."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from forgebench.errors import InputError
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, duplicate, missing, unpaired

_REFERENCE = re.compile(r"(?:.*/)?NC2016-(?P<task>[a-z]+)-ref\.csv", re.IGNORECASE)
_PROBE = re.compile(r"(?:.*/)?probe/NC2016_\d{4}\.jpe?g", re.IGNORECASE)
_COLUMNS = {
    "probefilename": "image", "imgfname": "image", "probemaskfilename": "mask", "maskfname": "mask",
    "istarget": "target", "basefilename": "base", "ismanipulationtypesplice": "splice",
    "ismanipulationtyperemoval": "removal", "ismanipulationtypecopyclone": "copy_move",
}  # fmt: skip
"""The columns of all published variants of the reference tables, in lower case, and what they are called here."""
_KINDS = ("splice", "removal", "copy_move")
_OF_TASK = {"splice": "splice", "remove": "removal", "removal": "removal"}
_YES = frozenset({"y", "true", "1"})


@dataclass
class _Probe:
    image: str
    target: bool
    masks: list[str] = field(default_factory=list)
    bases: set[str] = field(default_factory=set)
    kind: str | None = None


def walk(root: Path) -> Iterator[Found]:
    """Pair probes and masks by the reference tables alone: a mask's number is not its probe's.

    Raises:
        InputError: If there are probes and no reference table, or one that cannot be read.
    """
    paths = files_below(root)
    found = [(path, match["task"].lower()) for path in paths if (match := _REFERENCE.fullmatch(path))]
    # The table of all manipulations comes first; one of a single task adds only what it lacks.
    tables = sorted(found, key=lambda one: (one[1] != "manipulation", one[0]))
    if not tables:
        if any(_PROBE.fullmatch(path) for path in paths):
            raise InputError(f"{root}: expected reference/*/NC2016-*-ref.csv, which alone pairs probes and masks.")
        return
    probes: dict[str, _Probe] = {}
    for table, task in tables:
        probes = _read(root, table, _OF_TASK.get(task)) | probes
    groups = _groups(probes)
    files = {_tail(path): path for path in paths}
    for name, probe in sorted(probes.items()):
        yield _found(name, probe, groups[name], files)


def _found(name: str, probe: _Probe, group: str, files: dict[str, str]) -> Found:
    image = files.get(_tail(probe.image))
    if image is None:
        return missing(name, f"the reference table ({probe.image})")
    if not probe.target:
        return Entry(name, image, "authentic", group)
    masks = sorted({files[_tail(mask)] for mask in probe.masks if _tail(mask) in files})
    if not masks:
        return unpaired(name, f"the mask {' or '.join(probe.masks) or 'that the reference table leaves open'}")
    if len(masks) > 1:
        return duplicate(name, f"mask for {image}", masks)
    return Entry(name, image, "tampered", group, manipulation=probe.kind, mask=MaskFile(masks[0], rule="below_128"))


def _tail(path: str) -> str:
    """A path's last three parts: masks of one name lie in the folders of several tasks."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[-3 if parts[-2:-1] == ("mask",) else -2 :]).casefold()


def _read(root: Path, table: str, kind: str | None) -> dict[str, _Probe]:
    """The probes of one table; one that is there once a donor is one probe."""
    text = (root / table).read_text(encoding="utf-8-sig")
    header = text.partition("\n")[0]
    rows = list(csv.DictReader(text.splitlines(), delimiter="|" if "|" in header else ","))
    theirs = [name for name in (rows[0] if rows else ()) if name and name.strip().lower() in _COLUMNS]
    names = {_COLUMNS[name.strip().lower()]: name for name in theirs}
    if not {"image", "mask", "target"} <= names.keys():
        raise InputError(
            f"{root / table}: expected columns ProbeFileName, ProbeMaskFileName and IsTarget, found {header}"
        )
    probes: dict[str, _Probe] = {}
    for row in rows:
        _note(probes, {ours: (row[name] or "").strip() for ours, name in names.items()}, kind)
    return probes


def _note(probes: dict[str, _Probe], values: dict[str, str], kind: str | None) -> None:
    target = values["target"].casefold() in _YES
    probe = probes.setdefault(PurePosixPath(values["image"]).stem, _Probe(values["image"], target))
    if values["mask"] and values["mask"] not in probe.masks:
        probe.masks.append(values["mask"])
    if values.get("base"):
        probe.bases.add(PurePosixPath(values["base"]).stem)
    if target:
        flagged = [name for name in _KINDS if values.get(name, "").casefold() in _YES]
        probe.kind = flagged[0] if len(flagged) == 1 else probe.kind or kind


def _groups(probes: dict[str, _Probe]) -> dict[str, str]:
    """One group for all probes that are joined by a mask or a base image, named after its first probe."""
    members: dict[str, list[str]] = defaultdict(list)
    for name, probe in probes.items():
        for link in (name, *(f"mask {_tail(mask)}" for mask in probe.masks), *(f"base {base}" for base in probe.bases)):
            members[link].append(name)
    group = {name: name for name in probes}

    def first(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for names in members.values():
        roots = sorted({first(name) for name in names})
        for other in roots[1:]:
            group[other] = roots[0]
    return {name: first(name) for name in probes}


SPEC = SourceSpec("nist16", walk)
