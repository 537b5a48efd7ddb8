"""What the board shows: entries whose records verify; and what it refuses, with the reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forgebench import ForgeBenchError, InputError, NotFoundError, Problem, Record, Robustness, read_record, verify
from forgebench.scoring.per_image import FILE as TABLE
from forgebench.scoring.record import FILE as RECORD
from forgebench.scoring.robust import read_robustness
from forgebench.scoring.score import ROBUSTNESS
from leaderboard.entry import EARLIER, Entry, read_entry

ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True)
class Shown:
    """One entry that verifies."""

    id: str
    folder: Path
    record: Record
    entry: Entry
    robustness: Robustness | None
    earlier: tuple[Shown, ...] = ()
    """What was said of the same predictions before, the newest first; the note tells why it was scored again."""

    @property
    def public(self) -> bool:
        """Whether the per-image table lies beside the record."""
        return (self.folder / TABLE).is_file()

    @property
    def current(self) -> bool:
        """Whether it stands among the others: neither superseded nor withdrawn."""
        return self.entry.superseded_by is None and self.entry.state == "published"


@dataclass(frozen=True)
class Refused:
    """One entry that the board does not show, and why."""

    id: str
    problems: tuple[str, ...]


def read_all(records: Path, key: Path | None = None) -> tuple[list[Shown], list[Refused]]:
    """Every entry's folder, verified.

    A record with its per-image table is computed again. Where there is a key, the board computed it before it signed:
    hashes and the signature must hold, of a hidden split without its table, too. Of earlier records hash
    and signature alone are checked, for their definitions may be gone.

    Args:
        records: Folders `<entry id>/record.json`.
        key: The board's public key, PEM; every record must be signed by it.

    Raises:
        NotFoundError: If there is no such folder.
    """
    if not records.is_dir():
        raise NotFoundError(f"Expected a folder of entries at {records}, found none.")
    folders = sorted(file.parent for file in records.glob(f"*/{RECORD}"))
    read = [_read(folder, key, recompute=key is None) for folder in folders]
    refused = [one for one in read if isinstance(one, Refused)]
    return _linked([one for one in read if isinstance(one, Shown)], refused)


def _read(folder: Path, key: Path | None, *, recompute: bool) -> Shown | Refused:
    if not ID.fullmatch(folder.name) or folder.name in (".", ".."):
        return Refused(folder.name, (f"An entry's id matches {ID.pattern}. Rename its folder.",))
    try:
        problems = _problems(folder, key, recompute)
        record, _ = read_record(folder)
        robustness = read_robustness(folder) if (folder / ROBUSTNESS).is_file() else None
        if robustness is not None and robustness.record_sha256 != record.record_sha256:
            problems.append(f"{ROBUSTNESS} is of another record, {robustness.record_sha256[:12]}…. Make it again.")
        earlier = [_read(one.parent, key, recompute=False) for one in folder.glob(f"{EARLIER}/*/{RECORD}")]
        wrong = [one for one in earlier if isinstance(one, Refused)]
        problems += [f"{EARLIER}/{one.id}: {said}" for one in wrong for said in one.problems]
        before = [one for one in earlier if isinstance(one, Shown)]
        before.sort(key=lambda one: one.record.created_utc, reverse=True)
        shown = Shown(folder.name, folder, record, read_entry(folder), robustness, tuple(before))
    except ForgeBenchError as error:
        return Refused(folder.name, (str(error),))
    return Refused(folder.name, tuple(problems)) if problems else shown


def _problems(folder: Path, key: Path | None, recompute: bool) -> list[str]:
    found: Sequence[Problem] = verify(folder, key=key, recompute=recompute)
    if key is not None and not (folder / TABLE).is_file():
        found = [problem for problem in found if problem.code != "per_image"]
    return [str(problem) for problem in found]


def _linked(shown: list[Shown], refused: list[Refused]) -> tuple[list[Shown], list[Refused]]:
    """A superseded row must lead to one that was read."""
    known = {one.id for one in shown} | {one.id for one in refused}
    for one in shown:
        successor = one.entry.superseded_by
        if successor is not None and (successor not in known or successor == one.id):
            raise InputError(f"{one.folder} is superseded by {successor!r}, which is no other entry here.")
    return shown, refused
