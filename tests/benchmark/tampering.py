"""Ways to change a built benchmark behind its back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from forgebench.benchmark import Benchmark

Rows = list[dict[str, Any]]


def shard(benchmark: Benchmark) -> Path:
    """The one shard of a small benchmark."""
    (file,) = benchmark.shards("test")
    return file


def rewrite(benchmark: Benchmark, change: Callable[[Rows], Rows], **options: Any) -> None:
    """Write the one shard again with its rows changed."""
    file = shard(benchmark)
    table = pq.read_table(file)
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema), file, **options)
