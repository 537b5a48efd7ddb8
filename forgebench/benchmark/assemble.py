"""Shards, manifest and cards into one benchmark: what building and synthesis share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from forgebench.benchmark.card import CARD, card_text
from forgebench.benchmark.croissant import CROISSANT, croissant_text
from forgebench.benchmark.hashing import hash_of_lines
from forgebench.benchmark.manifest import MANIFEST, Facts, Manifest, SplitCounts
from forgebench.benchmark.opened import Benchmark
from forgebench.benchmark.write import Job, Make, Shard, discard, finish, write_shards
from forgebench.engine import Engine
from forgebench.errors import InputError, Problem, ProblemsError
from forgebench.schema import Fix
from forgebench.version import VERSION

NEVER_STOPS = "missing"
"""An image that a complete copy has and this one has not: reported and recorded, but no reason to stop."""


def assemble(
    out: Path,
    facts: Facts,
    jobs: Sequence[Job],
    make: Make,
    *,
    what: str,
    problems: Sequence[Problem] = (),
    fixes: Sequence[Fix] = (),
    allow_issues: Collection[str] | Literal["all"] = (),
    workers: int | None = None,
    engine: Engine = "local",
) -> Benchmark:
    """Make all samples, stop on problems that are not allowed, and write the benchmark.

    Raises:
        ProblemsError: If samples have problems that `allow_issues` does not name; nothing is left behind.
        InputError: If no sample is left.
    """
    shards = write_shards(out, jobs, make, what=what, workers=workers, engine=engine)
    found = sorted([*problems, *(Problem(**p) for shard in shards for p in shard.problems)])
    stopping = [p for p in found if p.code != NEVER_STOPS and allow_issues != "all" and p.code not in allow_issues]
    if stopping:
        discard(out)
        kinds = ",".join(sorted({p.code for p in stopping}))
        raise ProblemsError(
            f"{len(stopping)} problems in {facts.name}; nothing was written. Mend them, or leave these samples out "
            f"with --allow-issues {kinds}",
            stopping,
        )
    if not any(shard.rows for shard in shards):
        discard(out)
        raise InputError(f"No sample of {facts.name} is left to build: all have problems.")
    return put_in_place(out, manifest_of(facts, shards, found, fixes))


def put_in_place(out: Path, manifest: Manifest) -> Benchmark:
    """Write manifest and cards beside the shards, and give the whole its name."""
    texts = {
        MANIFEST: manifest.model_dump_json(indent=1) + "\n",
        CARD: card_text(manifest),
        CROISSANT: croissant_text(manifest),
    }
    finish(out, texts)
    return Benchmark(out, manifest)


def manifest_of(
    facts: Facts, shards: Sequence[Shard], problems: Sequence[Problem], fixes: Sequence[Fix]
) -> Manifest:
    """The manifest of finished shards."""
    splits: dict[str, SplitCounts] = {}
    for shard in shards:
        counts = splits.setdefault(shard.split, SplitCounts())
        labels = [label for _, label, *_ in shard.rows]
        counts.samples += len(labels)
        counts.authentic += labels.count("authentic")
        counts.tampered += labels.count("tampered")
    rows = [row for shard in shards for row in shard.rows]
    return Manifest(
        forgebench_version=VERSION,
        facts=facts,
        splits=splits,
        content_hash=hash_of_lines(bytes.fromhex(row[2]) for row in rows),
        annotation_hash=hash_of_lines(bytes.fromhex(row[3]) for row in rows),
        missing=sorted(p.sample_id for p in problems if p.code == NEVER_STOPS),
        known_issues=[*fixes, *(Fix(**fix) for shard in shards for fix in shard.fixes)],
        skipped=[p for p in problems if p.code != NEVER_STOPS],
        files=dict(sorted((path, sha) for shard in shards for path, sha in shard.files.items())),
        rows={row[0]: row[4] for row in sorted(rows)},
    )
