"""Samples that someone chose, scored on their own beside all samples: a choice never replaces the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark import Benchmark
from forgebench.errors import InputError, NotFoundError
from forgebench.metrics.table import Members

_SHOWN = 5


def read_subsets(files: Sequence[str | Path]) -> dict[str, list[str]]:
    """Lists of sample ids, one id a line, each under its file's name without the suffix.

    Raises:
        NotFoundError: If there is no such file.
        InputError: If a file is no text, or two are of one name.
    """
    found: dict[str, list[str]] = {}
    for file in map(Path, files):
        if not file.is_file():
            raise NotFoundError(f"Expected a list of sample ids, one a line, at {file}, found none.")
        if file.stem in found:
            raise InputError(f"Two lists are called {file.stem}. Rename one: a subset goes by its file's name.")
        try:
            found[file.stem] = file.read_text(encoding="utf-8").split()
        except UnicodeDecodeError as error:
            raise InputError(f"{file} is no list of sample ids: {error}.") from error
    return found


def check_subsets(subsets: Mapping[str, Sequence[str]], benchmark: Benchmark, split: str) -> dict[str, list[str]]:
    """The choices, each sample once, in the order of the ids.

    Raises:
        InputError: If a choice is empty, or names samples that the split does not have.
    """
    if not subsets:
        return {}
    known = {row["sample_id"] for row in benchmark.rows(split, ("sample_id",))}
    wrong = []
    for name, ids in subsets.items():
        unknown = sorted(set(ids) - known)
        if unknown:
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            wrong.append(f"{name}: {benchmark.name} {split} has no {', '.join(unknown[:_SHOWN])}{more}.")
        if not ids:
            wrong.append(f"{name}: expected sample ids, one a line, got none.")
    if wrong:
        raise InputError(" ".join(wrong))
    return {name: sorted(set(subsets[name])) for name in sorted(subsets)}


def chosen(subsets: Mapping[str, Sequence[str]], sample_id: NDArray[Any]) -> Iterator[tuple[str, Members]]:
    """Every choice as `subset=name` with its members, shape (N,)."""
    for name, ids in subsets.items():
        yield f"subset={name}", np.isin(sample_id.astype(str), list(ids))
