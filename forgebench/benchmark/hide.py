"""One benchmark → a public half without truth, and a private half that submissions are scored on.

Names, groups and the order of samples give truth away as labels do, so both halves get new names, and groups in the
private one: HMAC-SHA256 under a random key that stays in the private half. The key also makes the private half's
content hash, which the public one carries, tell nothing of the truth to whoever tries all possible labels.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from forgebench.benchmark.assemble import assemble, manifest_of, put_in_place
from forgebench.benchmark.cells import mask_of, pixels_of
from forgebench.benchmark.degrade import check_sound
from forgebench.benchmark.hashing import annotation_line, content_line, row_digest
from forgebench.benchmark.manifest import Facts, Hidden
from forgebench.benchmark.opened import Benchmark, RowGroup, open_benchmark
from forgebench.benchmark.rows import Row
from forgebench.benchmark.write import Job, check_free, write_shards
from forgebench.schema import COLUMNS, LABELS, Fix

KEY_FILE = "hidden.json"
"""In the private half: the key, and what each sample was called."""
_NAME_LENGTH = 20
_UNTOLD: dict[str, Any] = {
    "label": None, "manipulation": None, "boxes": [], "scribble": None, "mask": None, "source_mask": None,
    "mask_scope": "tampered", "explanation": None, "provenance": None,
}  # fmt: skip


class Halves(NamedTuple):
    """What `hide` makes."""

    public: Benchmark
    """For everyone: `predict` and `validate` work on it, `score` does not."""
    private: Benchmark
    """For the board's workers alone."""


class _Place(NamedTuple):
    group: RowGroup
    row: int
    split: str
    name: str


def hide(
    benchmark: str | Path | Benchmark,
    *,
    public: str | Path,
    private: str | Path,
    splits: Collection[str] | None = None,
    workers: int | None = None,
) -> Halves:
    """Split a benchmark into a half without truth and a half with it, both under new sample names.

    Submissions are made against the public half and scored on the private one: both say the private half's content
    hash. Splits that are not hidden are whole, and the same, in both. The images themselves stay as they are: who has
    the data set that they come from finds them in it.

    Args:
        benchmark: What to hide, or its folder.
        public: Where the half without truth is written; nothing may lie there.
        private: Where the half with the truth is written; nothing may lie there.
        splits: The splits to hide; None hides all.
        workers: Number of processes; None takes all cores.

    Raises:
        NotFoundError: If there is no such benchmark.
        InputError: If there is no such split, a place is taken, or the benchmark is itself a public half.
        ProblemsError: If the benchmark was changed after it was built.
    """
    whole, public, private = open_benchmark(benchmark), Path(public), Path(private)
    chosen = list(whole.splits) if splits is None else list(splits)
    for split in chosen:
        whole.check_truth(split)
    for place in (public, private):
        check_free(place)
    check_sound(whole, workers)
    key = secrets.token_bytes(32)
    jobs, names = _plan(whole, chosen, key)
    with_truth = assemble(
        private, _facts(whole, "The private half: never publish it."), jobs, partial(_private, key, frozenset(chosen)),
        what="hiding", fixes=_fixes(whole, names), workers=workers,
    )  # fmt: skip
    said = {"key": key.hex(), "names": {new: old for old, new in names.items()}}
    (private / KEY_FILE).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    (private / KEY_FILE).chmod(0o600)
    return Halves(_write_public(whole, with_truth, public, jobs, chosen, workers), with_truth)


def _write_public(
    whole: Benchmark, with_truth: Benchmark, out: Path, jobs: list[Job], chosen: list[str], workers: int | None
) -> Benchmark:
    """The half without truth: its own row digests, the private half's content hash."""
    shards = write_shards(out, jobs, partial(_public, frozenset(chosen)), what="hiding", workers=workers)
    facts = _facts(whole, f"Without the truth of {', '.join(chosen)}: send predictions to a board.")
    made = manifest_of(facts.model_copy(update={"expected": {}}), shards, [], [])
    told = {"content_hash": with_truth.content_hash, "files": {}}
    hidden = Hidden(splits=chosen, public_hash=made.content_hash)
    return put_in_place(out, made.model_copy(update={**told, "hidden": hidden}))


def _facts(whole: Benchmark, sentence: str) -> Facts:
    facts = whole.manifest.facts
    return facts.model_copy(update={"prose": f"{facts.prose}\n\n## Hidden truth\n\n{sentence}"})


def _fixes(whole: Benchmark, names: dict[str, str]) -> list[Fix]:
    return [replace(fix, sample_id=names.get(fix.sample_id, fix.sample_id)) for fix in whole.manifest.known_issues]


def _plan(whole: Benchmark, chosen: list[str], key: bytes) -> tuple[list[Job], dict[str, str]]:
    """A job for each sample, hidden ones in the order of their new names; and those names by the old ones."""
    jobs, names = list[Job](), dict[str, str]()
    for split in whole.splits:
        for group in whole.row_groups(split):
            for index, row in enumerate(group.read(["sample_id", "width", "height"])):
                old = row["sample_id"]
                name = _renamed(key, old) if split in chosen else old
                names[old] = name
                size = row["width"] * row["height"]
                digest = whole.manifest.rows[old]
                jobs.append(Job(f"{key.hex()}|{digest}", split, size, _Place(group, index, split, name)))
    order = {split: rank for rank, split in enumerate(whole.splits)}
    hidden = frozenset(chosen)
    return sorted(jobs, key=lambda job: (order[job.split], job.payload.name if job.split in hidden else "")), names


def _renamed(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_NAME_LENGTH]


@lru_cache(maxsize=8)
def _rows(group: RowGroup, _digest: str) -> list[dict[str, Any]]:
    """A row group's samples; hidden ones are asked for in another order than they lie in."""
    return group.read(COLUMNS)


def _values(place: _Place, *, renamed: bool) -> dict[str, Any]:
    row = dict(_rows(place.group, str(place.group.file.stat().st_mtime_ns))[place.row])
    if renamed:
        file = f"{place.name}{PurePath(row['image']['path']).suffix.lower()}"
        row |= {"sample_id": place.name, "image": {**row["image"], "path": file}}
    return row


def _private(key: bytes, hidden: frozenset[str], place: _Place) -> Row:
    row = _values(place, renamed=place.split in hidden)
    if place.split in hidden:
        row["group"] = _renamed(key, f"group {row['group']}")
        for name in ("mask", "source_mask", "scribble"):
            if row[name] is not None:
                row[name] = {**row[name], "path": f"{place.name}.png"}
    return _row(row, place.split)


def _public(hidden: frozenset[str], place: _Place) -> Row:
    row = _values(place, renamed=place.split in hidden)
    if place.split in hidden:
        row |= {**_UNTOLD, "group": place.name}
    return _row(row, place.split)


def _row(values: dict[str, Any], split: str) -> Row:
    """A row with its hashes; where the label is not told, it counts as neither."""
    label: Any = "untold" if values["label"] is None else LABELS[values["label"]]
    content = content_line(values, split, mask_of(values["mask"]), mask_of(values["source_mask"]))
    annotation = annotation_line(values, pixels_of(values["scribble"]))
    return Row(values, split, label, content, annotation, row_digest(values), (), {})

