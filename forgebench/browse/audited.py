"""What an audit found of a split's samples, as fields of its FiftyOne dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from forgebench.audits import Audit
from forgebench.audits.document import Pair, Place
from forgebench.benchmark import Benchmark
from forgebench.browse.truth import ID
from forgebench.errors import InputError, NotFoundError

if TYPE_CHECKING:
    import fiftyone as fo

FILE = "audit.json"
FINDINGS, DUPLICATES, SET = "audit_findings", "duplicates", "duplicate_set"
AUDITED = (FINDINGS, DUPLICATES, SET)
"""Fields: what is odd of a sample; its duplicates elsewhere or here; the first of those that belong together."""
NEAR, ODD = "near duplicates", "audit findings"


def add_audit(dataset: fo.Dataset, path: str | Path, benchmark: Benchmark, split: str) -> dict[str, int]:
    """Add what an audit found, and save views of it; how many samples each holds comes back by its name.

    Args:
        dataset: The benchmark's split.
        path: What `forgebench audit --out` wrote.
        benchmark: What is browsed.
        split: Its split.

    Raises:
        NotFoundError: If there is no audit.
        InputError: If it cannot be read, or is not of this benchmark.
    """
    found = read_audit(path)
    names = {one.name for one in found.benchmarks if one.content_hash == benchmark.content_hash}
    if not names:
        others = ", ".join(f"{one.name} ({one.content_hash[:12]}…)" for one in found.benchmarks)
        raise InputError(
            f"{path} is an audit of {others}, not of {benchmark.name} ({benchmark.content_hash[:12]}…). "
            f"Audit it: forgebench audit {benchmark.path} --out {path}"
        )
    (name,) = names
    findings: dict[str, list[str]] = defaultdict(list)
    for one in found.findings:
        if (one.benchmark, one.split) == (name, split):
            findings[one.sample_id].append(f"{one.code}: {one.text}")
    places = _duplicates(found.pairs, name, split)
    first = _first_of_set(found.pairs)
    sets = {sample_id: first[_said(name, split, sample_id)] for sample_id in places}
    ids = dict(zip(*dataset.values([ID, "id"]), strict=True))
    _declare(dataset)
    for field, values in ((FINDINGS, findings), (DUPLICATES, places), (SET, sets)):
        dataset.set_values(field, {ids[one]: values.get(one) for one in ids}, key_field="id")
    return _save_views(dataset)


def read_audit(path: str | Path) -> Audit:
    """Read an audit, from its file or its folder.

    Raises:
        NotFoundError: If there is none.
        InputError: If it cannot be read.
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise NotFoundError(f"Expected an audit at {file}, found none. Make one with: forgebench audit BENCH --out DIR")
    try:
        return Audit.model_validate_json(file.read_bytes())
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        raise InputError(f"{file} is not an audit: {wrong}. Make it again: forgebench audit") from error


def _said(benchmark: str, split: str, sample_id: str) -> str:
    return f"{benchmark}/{split}/{sample_id}"


def _place(place: Place) -> str:
    return _said(place.benchmark, place.split, place.sample_id)


def _duplicates(pairs: Iterable[Pair], benchmark: str, split: str) -> dict[str, list[str]]:
    """The duplicates of each sample of a split."""
    found: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        for here, there in ((pair.a, pair.b), (pair.b, pair.a)):
            if (here.benchmark, here.split) == (benchmark, split):
                found[here.sample_id].append(f"{_place(there)} ({pair.kind}, {pair.distance} bits)")
    return found


def _first_of_set(pairs: Iterable[Pair]) -> dict[str, str]:
    """Of each place, the first of all that pairs join it to."""
    first: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for pair in pairs:
        ends = [first.get(one, one) for one in (_place(pair.a), _place(pair.b))]
        whole = sorted({one for end in ends for one in members.pop(end, [end])})
        members[whole[0]] = whole
        first |= dict.fromkeys(whole, whole[0])
    return first


def _declare(dataset: fo.Dataset) -> None:
    import fiftyone as fo

    for name in (FINDINGS, DUPLICATES):
        dataset.add_sample_field(name, fo.ListField, subfield=fo.StringField)
    dataset.add_sample_field(SET, fo.StringField)


def _save_views(dataset: fo.Dataset) -> dict[str, int]:
    views = {
        NEAR: ("The same image or nearly so, side by side", dataset.exists(SET).sort_by([(SET, 1), (ID, 1)])),
        ODD: ("What the audit finds odd in a sample's truth", dataset.exists(FINDINGS).sort_by(ID)),
    }
    counts = {name: view.count() for name, (_, view) in views.items()}
    for name, (about, view) in views.items():
        if counts[name]:
            dataset.save_view(name, view, description=about, overwrite=True)
        elif dataset.has_saved_view(name):
            dataset.delete_saved_view(name)
    return {name: count for name, count in counts.items() if count}
