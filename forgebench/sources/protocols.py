"""Other divisions of a data set into splits: published ones, and one's own."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from forgebench.errors import InputError, NotFoundError, Problem, ProblemsError
from forgebench.schema import Fix
from forgebench.sources.files import files_below, sha256
from forgebench.sources.masks import RuleName
from forgebench.sources.spec import Entry, MaskFile, Protocol, SourceSpec

_SHOWN = 10


@dataclass(frozen=True)
class Divided:
    """A data set's samples in the splits of a protocol."""

    entries: list[Entry]
    protocol: str | None = None
    """What the manifest calls the division; None is the card's own."""
    fixes: list[Fix] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def divide(spec: SourceSpec, root: Path, entries: list[Entry], protocol: str | Path | None) -> Divided:
    """Put the samples into the splits of a protocol.

    Args:
        spec: The source.
        root: The data set's folder, where a published list that the user got is looked for.
        entries: The samples as the walk found them.
        protocol: A name on the card, or the path of a CSV file with the columns sample_id and split; None changes
            nothing.

    Raises:
        InputError: If there is no such protocol, or its list is not the published one.
        NotFoundError: If its list or file is not there.
        ProblemsError: If one's own file names samples that are not there, or puts a group into several splits.
    """
    if protocol is None:
        return Divided(entries)
    published = spec.card.protocols
    if str(protocol) in published:
        return _published(spec, root, entries, str(protocol), published[str(protocol)])
    if Path(protocol).suffix.lower() == ".csv":
        return _own(entries, Path(protocol))
    known = f"{spec.name} knows {', '.join(published)}" if published else f"{spec.name} knows none"
    raise InputError(f"There is no protocol {protocol!s}: {known}. One's own is a CSV file with sample_id and split.")


def _published(spec: SourceSpec, root: Path, entries: list[Entry], name: str, protocol: Protocol) -> Divided:
    listed, origin = _list(root, name, protocol)
    if protocol.mask_rule:
        entries = [_read_by(entry, protocol.mask_rule) for entry in entries]
    if not listed:
        return Divided([replace(entry, split=protocol.split) for entry in entries], name)
    chosen, problems = _matched(spec, entries, listed, name)
    splits = {entry.sample_id: protocol.split for entry in chosen}
    if protocol.rest:
        splits |= {e.sample_id: protocol.rest for e in entries if e.label == "tampered" and e.sample_id not in splits}
    _follow(splits, entries)
    divided = [replace(entry, split=splits[entry.sample_id]) for entry in entries if entry.sample_id in splits]
    fixes = _left_out(name, len(entries) - len(divided))
    if torn := _torn_groups(divided):
        what = f"{len(torn)} groups of images of one original lie in several splits: {_some(torn)}"
        fixes.append(Fix(f"protocol {name}", what, "built as published; a known leak"))
    return Divided(divided, f"{name}{origin}", fixes, problems)


def _read_by(entry: Entry, rule: RuleName) -> Entry:
    return replace(entry, mask=replace(entry.mask, rule=rule)) if isinstance(entry.mask, MaskFile) else entry


def _list(root: Path, name: str, protocol: Protocol) -> tuple[list[str], str]:
    """The names that the protocol lists, and what the manifest says of a list that the user got."""
    if protocol.file is None:
        return protocol.names, ""
    found = [path for path in files_below(root) if PurePosixPath(path).name == protocol.file]
    if not found:
        raise NotFoundError(
            f"Protocol {name} needs the published list {protocol.file}: expected it below {root}, found none. "
            f"How to get it: {protocol.get}"
        )
    data = (root / found[0]).read_bytes()
    listed = [_first_field(line) for line in data.decode("utf-8").splitlines() if line.strip()]
    if protocol.count is not None and len(set(listed)) != protocol.count:
        raise InputError(
            f"Protocol {name}: expected {protocol.count} different images in {found[0]}, found {len(set(listed))}. "
            f"How to get it: {protocol.get}"
        )
    return listed, f" ({protocol.file}, SHA-256 {sha256(data)})"


def _first_field(line: str) -> str:
    """The image in a line of a list: up to a comma, where blanks may stand in it, else up to a blank."""
    field = line.split(",")[0] if "," in line else line.split()[0]
    return field.strip().removeprefix("./")


def _matched(
    spec: SourceSpec, entries: Iterable[Entry], listed: Sequence[str], name: str
) -> tuple[list[Entry], list[Problem]]:
    """The samples that are listed, by name and, where several share it, by folder; those that this copy lacks."""
    by_key: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for key in {spec.key(entry.image), spec.key(f"{entry.sample_id}.png")}:
            by_key[key].append(entry)
    chosen: list[Entry] = []
    problems: list[Problem] = []
    for one in listed:
        found = by_key.get(spec.key(one), [])
        if len(found) > 1:
            found = _nearest(found, one)
        if len(found) > 1:
            raise InputError(
                f"Protocol {name} lists {one}, which may be {_some([entry.image for entry in found])}: which is meant "
                "cannot be known."
            )
        chosen += found
        if not found:
            expected = f"{one}, which protocol {name} lists"
            problems.append(Problem("missing", one, expected, "no such sample", "Add the image if you have it."))
    return chosen, problems


def _nearest(entries: Sequence[Entry], listed: str) -> list[Entry]:
    """The entries that share the most of their path's end with a listed path."""
    folders = PurePosixPath(listed).parts[-2::-1]

    def shared(entry: Entry) -> int:
        count = 0
        for ours, theirs in zip(PurePosixPath(entry.image).parts[-2::-1], folders, strict=False):
            if ours.casefold() != theirs.casefold():
                break
            count += 1
        return count

    most = max(map(shared, entries))
    return [entry for entry in entries if shared(entry) == most]


def _follow(splits: dict[str, str], entries: Iterable[Entry]) -> None:
    """Authentic images that are not listed go where their group's forgeries are, if that is one split."""
    of_group: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.sample_id in splits:
            of_group[entry.group].add(splits[entry.sample_id])
    for entry in entries:
        if entry.label == "authentic" and entry.sample_id not in splits and len(of_group[entry.group]) == 1:
            splits[entry.sample_id] = next(iter(of_group[entry.group]))


def _own(entries: list[Entry], file: Path) -> Divided:
    """A division of one's own, which may not separate a group."""
    splits = _read_own(file)
    known = {entry.sample_id for entry in entries}
    problems = [
        Problem("unknown", name, "only samples of the data set", f"this one in {file}", "Remove the line.")
        for name in sorted(splits.keys() - known)
    ]
    divided = [replace(entry, split=splits[entry.sample_id]) for entry in entries if entry.sample_id in splits]
    problems += [
        Problem("leak", names[0], f"group {group} in one split", f"several, with {_some(names)}", "Keep it together.")
        for group, names in _torn_groups(divided).items()
    ]
    if problems:
        raise ProblemsError(f"{len(problems)} problems in {file}; nothing was written.", problems)
    name = f"{file.name} (SHA-256 {sha256(file.read_bytes())})"
    return Divided(divided, name, _left_out(file.name, len(entries) - len(divided)))


def _read_own(file: Path) -> dict[str, str]:
    if not file.is_file():
        raise NotFoundError(f"Expected a CSV file with the columns sample_id and split at {file}, found none.")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"sample_id", "split"} <= set(rows.fieldnames or ()):
            raise InputError(f"{file}: expected the columns sample_id and split, found {rows.fieldnames}")
        pairs = [(row["sample_id"], row["split"] or "") for row in rows]
    wrong = {split for _, split in pairs if not re.fullmatch(r"\w+", split, re.ASCII)}
    if wrong:
        raise InputError(f"{file}: expected splits of letters, digits and underscores, found {sorted(wrong)}")
    splits = dict(pairs)
    if len(splits) < len(pairs):
        raise InputError(f"{file}: expected each sample once, found {len(pairs) - len(splits)} lines too many")
    return splits


def _torn_groups(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """The samples of every group that lies in several splits."""
    members: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        members[entry.group].append(entry)
    return {
        group: [entry.sample_id for entry in same]
        for group, same in sorted(members.items())
        if len({entry.split for entry in same}) > 1
    }


def _left_out(name: str, count: int) -> list[Fix]:
    return [Fix(f"protocol {name}", f"{count} samples are in none of its splits", "left out")] if count else []


def _some(names: Iterable[str]) -> str:
    names = list(names)
    rest = f" … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest
