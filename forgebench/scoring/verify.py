"""Check a record by its hashes and by computing every number again; and make a record again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from forgebench.benchmark import Benchmark, open_benchmark, verify_benchmark
from forgebench.benchmark.manifest import MANIFEST
from forgebench.engine import Engine
from forgebench.errors import ForgeBenchError, InputError, Problem
from forgebench.metrics import DEFINITIONS, Definition
from forgebench.scoring import per_image
from forgebench.scoring.columns import wanted
from forgebench.scoring.count import count
from forgebench.scoring.per_image import PerImage, open_table
from forgebench.scoring.record import MetricValue, Record, read_record
from forgebench.scoring.score import Plan, make_record, numbers
from forgebench.scoring.sign import signature_problems
from forgebench.scoring.slices import check_slices
from forgebench.submission import usable

_AGAIN = "Score the submission again: forgebench score."


def verify(
    path: str | Path, workers: int | None = None, *, key: str | Path | None = None, recompute: bool = True
) -> list[Problem]:
    """Verify anything that has a hash: a benchmark, or a record (its file or its folder).

    Args:
        path: What to verify.
        workers: Number of processes; None takes all cores.
        key: A board's public key, PEM: the record must be signed by it.
        recompute: Compute every number of a record again; without, hashes and the signature alone are checked.

    Returns:
        What is wrong; empty for a sound one.

    Raises:
        NotFoundError: If there is nothing to verify.
        InputError: If it cannot be read.
    """
    path = Path(path)
    if (path / MANIFEST).is_file():
        return verify_benchmark(open_benchmark(path), workers)
    record, folder = read_record(path)
    found = _record_problems(record, folder, recompute)
    return sorted([*found, *_unsigned(record, key), *signature_problems(record, key)])


def _unsigned(record: Record, key: str | Path | None) -> Iterator[Problem]:
    """Numbers that nobody else can compute again are worth what the board's signature is."""
    if record.rounded is not None and key is None:
        fix = "Name the key: forgebench verify RECORD --key board.pub"
        yield Problem("signature", "", "the key of the board, which hides the truth of this split", "none", fix)


def _record_problems(record: Record, folder: Path, recompute: bool) -> Iterator[Problem]:
    if record.sealed().record_sha256 != record.record_sha256:
        expected = record.sealed().record_sha256
        yield Problem("record_hash", "", f"record_sha256 {expected}", record.record_sha256, _AGAIN)
    if record.rounded is not None:
        return
    try:
        table = open_table(folder / per_image.FILE)
        found = table.sha256()
    except ForgeBenchError as error:
        yield Problem("per_image", "", f"the table {per_image.FILE} beside the record", str(error), _AGAIN)
        return
    if found != record.per_image.sha256:
        yield Problem("per_image", "", f"a table of SHA-256 {record.per_image.sha256}", found, _AGAIN)
        return
    if not recompute:
        return
    try:
        definitions = _definitions(record)
    except InputError as error:
        yield Problem("definition", "", "definitions of this version of ForgeBench", str(error), _AGAIN)
        return
    impossible = list(_impossible_rows(table))
    if impossible:
        yield from impossible
        return
    yield from _different_counts(record, table)
    yield from _different_numbers(record, _recompute(record, table, definitions))


def _impossible_rows(stored: PerImage) -> Iterator[Problem]:
    """Rows that no prediction can give: counts that do not add up, or a score that is no probability."""
    table = stored.table()
    if not len(table):
        yield Problem("per_image", "", "one row a sample", "none", _AGAIN)
    scored = (table.score >= 0) & (table.score <= 1)
    sound = (scored | ~table.valid) & (table.tampered_px >= 0) & (table.authentic_px >= 0)
    counted = table.valid & table.localizes
    for rows, *pair in table.blocks():
        for histograms, px in zip(pair, (table.tampered_px, table.authentic_px), strict=True):
            adds_up = histograms.sum(axis=1) == np.where(counted[rows], px[rows], 0)
            sound[rows] &= adds_up & (histograms >= 0).all(axis=1)
    for sample_id in table.sample_id[~sound]:
        expected = "a score in [0, 1] and counts that add up to the image's pixels"
        yield Problem("per_image", str(sample_id), expected, "others", _AGAIN)


def _different_counts(record: Record, table: PerImage) -> Iterator[Problem]:
    labels, statuses = (Counter(table.column(name).tolist()) for name in ("label", "status"))
    valid = statuses.pop(per_image.OK, 0)
    pairs = {
        "benchmark.n": (record.benchmark.n, len(table)),
        "benchmark.n_authentic": (record.benchmark.n_authentic, labels["authentic"]),
        "benchmark.n_tampered": (record.benchmark.n_tampered, labels["tampered"]),
        "predictions.n_valid": (record.predictions.n_valid, valid),
        "predictions.problems": (record.predictions.problems, dict(statuses)),
        "statistics.n_groups": (record.statistics.n_groups, len(np.unique(table.column("group").astype(str)))),
    }
    for name, (said, found) in pairs.items():
        if said != found:
            yield Problem("number", "", f"{name} {found}, as the per-image table has it", str(said), _AGAIN)


def _different_numbers(record: Record, again: list[MetricValue]) -> Iterator[Problem]:
    """Every number that the per-image table does not give."""
    said_of, found_of = ([(m.definition, m.metric, m.subset) for m in some] for some in (record.metrics, again))
    if said_of != found_of:
        yield Problem("number", "", f"the metrics {[m.metric for m in again]}", "others", _AGAIN)
        return
    for said, found in zip(record.metrics, again, strict=True):
        for name, value in found.model_dump().items():
            if getattr(said, name) != value:
                expected = f"{found.metric}.{name} {value}, as the per-image table gives it"
                yield Problem("number", "", expected, str(getattr(said, name)), _AGAIN)


def _definitions(record: Record) -> list[Definition]:
    for name, version in record.definitions.items():
        here = DEFINITIONS[name].version if name in DEFINITIONS else None
        if version != here:
            raise InputError(
                f"the record has {name} version {version}, this ForgeBench has {here or 'none'}: verify it with "
                f"forgebench {record.suite.version}"
            )
    return [DEFINITIONS[name] for name in record.definitions]


def _recompute(record: Record, table: PerImage, definitions: list[Definition]) -> list[MetricValue]:
    return numbers(table, record.method, _plan(record, definitions))


def _plan(record: Record, definitions: list[Definition]) -> Plan:
    return Plan(definitions, record.statistics, check_slices(record.slices), record.subsets, record.calibration)


def rescore(
    path: str | Path,
    *,
    predictions: str | Path | None = None,
    benchmark: Benchmark | str | Path | None = None,
    workers: int | None = None,
    engine: Engine = "local",
) -> Record:
    """Compute a record's numbers again, with its own definitions, seed and resamples.

    Args:
        path: The record, or its folder.
        predictions: The submission, to begin from the predictions; else from the per-image table beside the record.
        benchmark: The benchmark or its folder, needed with `predictions`.
        workers: Number of processes; None takes all cores.
        engine: `local` processes, or `ray`.

    Returns:
        A new record; its `metrics` are identical unless something was changed.

    Raises:
        NotFoundError, InputError: If something needed is missing, is not what was scored, or cannot be used.
    """
    record, folder = read_record(path)
    definitions = _definitions(record)
    if predictions is None:
        stored = open_table(folder / per_image.FILE)
        if stored.sha256() != record.per_image.sha256:
            raise InputError(f"{folder / per_image.FILE} is not the table that the record names. {_AGAIN}")
        return record.model_copy(update={"metrics": _recompute(record, stored, definitions)}).sealed()
    if benchmark is None:
        raise InputError("To rescore from predictions, name the benchmark too: --benchmark BENCH")
    benchmark = open_benchmark(benchmark)
    if benchmark.content_hash != record.benchmark.content_hash:
        raise InputError(
            f"{path} was scored on content hash {record.benchmark.content_hash}, {benchmark.path} has "
            f"{benchmark.content_hash}. Name the benchmark that was scored."
        )
    submission, _ = usable(predictions, benchmark, record.benchmark.split)
    about = wanted(record.per_image.families, submission.manifest.outputs)
    with TemporaryDirectory() as temporary:
        table = Path(temporary) / per_image.FILE
        qualities = "jpeg_quality" in record.slices
        counts = count(submission, benchmark, table, about, qualities=qualities, workers=workers, engine=engine)
        return make_record(open_table(table), counts, submission.manifest, benchmark, _plan(record, definitions))
