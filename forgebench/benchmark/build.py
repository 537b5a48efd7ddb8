"""Public data set → benchmark."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from forgebench.benchmark.assemble import NEVER_STOPS, assemble
from forgebench.benchmark.manifest import Facts
from forgebench.benchmark.opened import Benchmark
from forgebench.benchmark.rows import Row, row_of
from forgebench.benchmark.write import Job, check_free
from forgebench.engine import Engine, check_engine
from forgebench.errors import InputError, NotFoundError, Problem
from forgebench.schema import SAMPLE_ID, Fix
from forgebench.sources import Entry, SourceSpec, read
from forgebench.sources import source as source_named
from forgebench.sources.containers import stamp
from forgebench.sources.files import files_below
from forgebench.sources.protocols import divide
from forgebench.sources.spec import bad_name, duplicate

DERIVED = {
    "mask": "published with the data set; 0 and 255, all 0 for authentic images",
    "boxes": "derived: tight boxes around the mask's components, nearly touching ones merged",
    "scribble": "derived: strokes along the mask's skeleton and through the authentic ground, seeded by sample id",
}


def build(
    source: str,
    root: str | Path,
    out: str | Path,
    *,
    protocol: str | Path | None = None,
    allow_issues: Collection[str] | Literal["all"] = (),
    workers: int | None = None,
    engine: Engine = "local",
) -> Benchmark:
    """Turn a public data set, or a folder of one's own, into a benchmark.

    Args:
        source: The source's name, such as `casia-v1`; `forgebench.sources()` lists them.
        root: The folder that holds the data set, in any of its known layouts.
        out: Where the benchmark is written; nothing may lie there.
        protocol: A published division into splits by its name on the card, or the path of a CSV file of one's own
            with the columns sample_id and split; None takes the card's splits.
        allow_issues: Kinds of problems whose samples are left out and recorded, or `all`; else they stop the build.
        workers: Number of processes; None takes all cores.
        engine: `local` processes, or `ray`.

    Raises:
        NotFoundError: If there is no such folder.
        InputError: If the folder does not hold the data set, `out` is taken, or there is no such protocol.
        ProblemsError: If samples have problems that `allow_issues` does not name, or a protocol of one's own puts a
            group into several splits.
    """
    spec, root, out = source_named(source), Path(root), Path(out)
    if not root.is_dir():
        raise NotFoundError(f"Expected the folder of {spec.name} at {root}, found none. {_how_to_get(spec)}")
    check_engine(engine)
    check_free(out)
    found = list(spec.walk(root))
    entries, twice = _unique(one for one in found if isinstance(one, Entry))
    problems = [one for one in found if isinstance(one, Problem)] + twice
    if not entries and all(problem.code == NEVER_STOPS for problem in problems):
        raise InputError(_nothing_found(spec, root))
    divided = divide(spec, root, entries, protocol)
    named = {problem.sample_id for problem in problems}
    return assemble(
        out,
        _facts(spec, out, divided.protocol),
        [_job(root, entry) for entry in divided.entries],
        partial(_make, root),
        what=f"building {spec.name}",
        problems=problems + [problem for problem in divided.problems if problem.sample_id not in named],
        fixes=[*(one for one in found if isinstance(one, Fix)), *divided.fixes],
        allow_issues=allow_issues,
        workers=workers,
        engine=engine,
    )


def _make(root: Path, entry: Entry) -> Row | Problem:
    item = read(root, entry)
    return item if isinstance(item, Problem) else row_of(item)


def _job(root: Path, entry: Entry) -> Job:
    stamps = [stamp(root, path) for path in entry.files]
    return Job("|".join([repr(entry), *map(str, stamps)]), entry.split, stamps[0][0], entry)


def _unique(entries: Iterable[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Entries whose id is one and theirs alone, also where upper and lower case are one; the others as problems."""
    by_id: dict[str, list[Entry]] = defaultdict(list)
    bad: list[Problem] = []
    for entry in entries:
        if SAMPLE_ID.fullmatch(entry.sample_id):
            by_id[entry.sample_id.casefold()].append(entry)
        else:
            bad.append(bad_name(entry.sample_id, entry.image))
    twice = [
        duplicate(same[0].sample_id, "image with this id", [entry.image for entry in same])
        for same in by_id.values()
        if len(same) > 1
    ]
    return [same[0] for same in by_id.values() if len(same) == 1], twice + bad


def _facts(spec: SourceSpec, out: Path, protocol: str | None) -> Facts:
    card = spec.card
    name = out.name if spec.generic else spec.name
    return Facts(
        name=name, title=name if spec.generic else card.title, source=spec.name, licence=card.licence,
        redistributable=card.redistributable, homepage=card.homepage, citation=card.citation, prose=spec.prose,
        year=card.year, expected={} if protocol else card.expected, derived=DERIVED | card.annotations,
        protocol=protocol,
    )  # fmt: skip


def _how_to_get(spec: SourceSpec) -> str:
    return f"How to get it: {spec.card.get}"


def _nothing_found(spec: SourceSpec, root: Path) -> str:
    files = files_below(root)
    kinds = Counter(Path(path).suffix.lower() or "no suffix" for path in files)
    seen = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common(5)) or "no files at all"
    examples = f" (such as {', '.join(files[:3])})" if files else ""
    layout = spec.card.layout.rstrip().replace("\n", "\n    ")
    return (
        f"{root} holds no sample of {spec.name}. Looked for:\n    {layout}\n  found {seen}{examples}.\n  "
        f"{_how_to_get(spec)}"
    )
