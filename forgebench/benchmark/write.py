"""Write a benchmark: shard by shard, atomic, continued after a kill.

Shards are written into a hidden folder beside the target and renamed as each is finished; the folder becomes the
benchmark in one rename at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from forgebench.benchmark.rows import Row
from forgebench.engine import Engine, run
from forgebench.errors import ForgeBenchError, InputError, Problem
from forgebench.schema import features
from forgebench.version import VERSION

GROUP_ROWS, GROUP_BYTES = 100, 32 * 2**20
"""A row group ends at whichever comes first, so that the first sample is at hand at once."""
SHARD_ROWS, SHARD_BYTES = 5000, 500 * 2**20


@dataclass(frozen=True)
class Job:
    """One sample to be made."""

    key: str
    """Changes when the sample's inputs do; a finished shard whose keys are unchanged is not made again."""
    split: str
    size: int
    """About how many bytes the sample will take."""
    payload: Any
    """What the maker needs."""


@dataclass
class Shard:
    """A finished shard, as the manifest needs to know it."""

    key: str
    split: str
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """Sample id, label, content line (hexadecimal), annotation line (hexadecimal), row digest."""
    fixes: list[dict[str, str]] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


Make = Callable[[Any], Row | Problem]


def partial_folder(out: Path) -> Path:
    """Where a benchmark lies while it is being built."""
    return out.parent / f".{out.name}.partial"


def check_free(out: Path) -> None:
    """Make sure that nothing lies where a benchmark is to be written.

    Raises:
        InputError: If something does.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise InputError(f"{out} exists already. Choose another --out, or remove it first.")


def write_shards(
    out: Path, jobs: Sequence[Job], make: Make, *, what: str, workers: int | None, engine: Engine = "local"
) -> list[Shard]:
    """Make all samples and write them into the partial folder; finished shards are taken as they are.

    Raises:
        ForgeBenchError: If the disk is full or cannot be written; what is finished is kept.
    """
    folder = partial_folder(out)
    plan = list(_plan(jobs))
    done = {name: shard for name, key, _ in plan if (shard := _finished(folder, name, key))}
    waiting = [(name, key, chunk) for name, key, chunk in plan if name not in done]
    todo = [job for _, _, chunk in waiting for job in chunk]
    results = run(partial(_make, make), todo, total=len(todo), what=what, workers=workers, engine=engine)
    with _writing(folder):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        _remove_strays(folder, [name for name, _, _ in plan])
        for name, key, chunk in waiting:
            done[name] = _write_shard(folder, name, key, chunk[0].split, _take(results, len(chunk)))
    return [done[name] for name, _, _ in plan]


def finish(out: Path, texts: dict[str, str]) -> None:
    """Write the benchmark's texts beside its shards, and give the whole its name.

    Raises:
        ForgeBenchError: If the disk is full or cannot be written; what is finished is kept.
    """
    folder = partial_folder(out)
    with _writing(folder):
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        for sidecar in folder.glob("data/*.json"):
            sidecar.unlink()
        if out.is_dir():
            out.rmdir()
        os.replace(folder, out)  # noqa: PTH105


def discard(out: Path) -> None:
    """Remove what was written of a benchmark that cannot be built."""
    shutil.rmtree(partial_folder(out), ignore_errors=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ForgeBenchError(
            f"Could not write {folder}: {error}. What is finished is kept: make room and run the same command again."
        ) from error


def _remove_strays(folder: Path, shards: Iterable[str]) -> None:
    """Remove what a killed build of other samples has left: it would be taken for shards of this one."""
    ours = {f"{name}.{end}" for name in shards for end in ("parquet", "json")}
    for file in folder.glob("data/*"):
        if file.name not in ours:
            file.unlink()


def _make(make: Make, job: Job) -> Row | Problem:
    return make(job.payload)


def _take(results: Iterator[Row | Problem], count: int) -> Iterator[Row | Problem]:
    for _ in range(count):
        yield next(results)


def _plan(jobs: Sequence[Job]) -> Iterator[tuple[str, str, list[Job]]]:
    """Cut the jobs of each split into shards: name, key over the jobs' keys, jobs."""
    for split, members in groupby(sorted(jobs, key=lambda job: job.split), key=lambda job: job.split):
        chunks = list(_chunks(members))
        for index, chunk in enumerate(chunks):
            key = hashlib.sha256("\n".join([VERSION, *(job.key for job in chunk)]).encode()).hexdigest()
            yield f"{split}-{index:05d}-of-{len(chunks):05d}", key, chunk


def _chunks(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    chunk: list[Job] = []
    size = 0
    for job in jobs:
        if chunk and (len(chunk) == SHARD_ROWS or size + job.size > SHARD_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(job)
        size += job.size
    yield chunk


def _finished(folder: Path, name: str, key: str) -> Shard | None:
    sidecar = folder / "data" / f"{name}.json"
    if not sidecar.is_file() or not (folder / "data" / f"{name}.parquet").is_file():
        return None
    told = json.loads(sidecar.read_text(encoding="utf-8"))
    return Shard(**told | {"rows": [tuple(row) for row in told["rows"]]}) if told["key"] == key else None


def _write_shard(folder: Path, name: str, key: str, split: str, results: Iterator[Row | Problem]) -> Shard:
    import pyarrow.parquet as pq

    shard = Shard(key, split)
    final, temporary = (folder / "data" / f"{name}.{end}" for end in ("parquet", "parquet.tmp"))
    schema = features().arrow_schema
    options = {"compression": "none", "use_dictionary": False, "write_statistics": ["sample_id"]}
    try:
        with pq.ParquetWriter(temporary, schema, **options) as writer:
            for batch in _row_groups(_noted(results, shard)):
                writer.write_table(_table(batch, schema))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(final)
    _write_sidecar(final.with_suffix(".json"), shard)
    return shard


def _table(batch: list[dict[str, Any]], schema: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    return pa.Table.from_pylist(batch, schema=schema)


def _write_sidecar(path: Path, shard: Shard) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(shard)), encoding="utf-8")
    temporary.replace(path)


def _noted(results: Iterator[Row | Problem], shard: Shard) -> Iterator[dict[str, Any]]:
    """The rows' values; what the manifest needs of rows and problems is noted in the shard."""
    for row in results:
        if isinstance(row, Problem):
            shard.problems.append(row.to_dict())
            continue
        line = (row.values["sample_id"], row.label, row.content.hex(), row.annotation.hex(), row.digest)
        shard.rows.append(line)
        shard.fixes += [asdict(fix) for fix in row.fixes]
        shard.files |= row.files
        yield row.values


def _row_groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        length = len(row["image"]["bytes"])
        if group and (len(group) == GROUP_ROWS or size + length > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(row)
        size += length
    if group:
        yield group
