"""Leaks: images that are there twice, and groups and photographs that several splits share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forgebench.audits.document import Pair, PairCount, Place, Recurring
from forgebench.audits.look import Look
from forgebench.audits.near import near_pairs
from forgebench.audits.pixels import HASH_BITS

MOST_PAIRS = 10_000
"""Pairs listed; all are counted."""

Across = Literal["benchmarks", "splits", "groups", "labels"]
ACROSS: tuple[Across, ...] = ("benchmarks", "splits", "labels", "groups")
"""From the worst."""
LEAKS: tuple[Across, ...] = ("benchmarks", "splits")

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of samples that are the same image, or nearly so; all arrays have shape (P,)."""

    a: Index
    b: Index
    distance: Index
    exact: NDArray[np.bool_]
    across: Index
    """Index into `ACROSS`."""


def find_pairs(looks: Sequence[Look]) -> Pairs:
    """Every pair of the same bytes or of near hashes, those that one group of one split is expected to hold left out.

    A host and its forgery are of one group and alike by nature; bytes that stand under both labels are not.
    """
    exact = _exact(looks)
    hashed = np.flatnonzero([look.hash is not None for look in looks])
    hashes = np.frombuffer(b"".join(look.hash or b"" for look in looks), np.uint8).reshape(-1, HASH_BITS // 8)
    i, j, distance = near_pairs(hashes)
    near = np.stack([hashed[i], hashed[j], distance], axis=1)
    same_bytes = _numbered([look.sha256 for look in looks])
    near = near[same_bytes[near[:, 0]] != same_bytes[near[:, 1]]]
    every = np.concatenate([exact, near]).astype(np.int64)
    is_exact = np.arange(len(every)) < len(exact)
    across = _across(looks, every[:, 0], every[:, 1], is_exact)
    order = np.lexsort((every[:, 1], every[:, 0], every[:, 2], ~is_exact, across))
    order = order[across[order] >= 0]
    a, b, bits = every[order].T
    return Pairs(a, b, bits, is_exact[order], across[order])


def _numbered(names: Sequence[Hashable]) -> Index:
    """The same number for the same name."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _exact(looks: Sequence[Look]) -> Index:
    """Pairs of the same bytes, shape (P, 3): the two, and 0."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, look in enumerate(looks):
        members[look.sha256].append(index)
    found = [(i, j, 0) for same in members.values() if len(same) > 1 for i, j in combinations(same, 2)]
    return np.array(found, np.int64).reshape(-1, 3)


def _across(looks: Sequence[Look], a: Index, b: Index, exact: NDArray[np.bool_]) -> Index:
    """What each pair crosses; -1 for nothing of note."""
    columns: dict[Across, Sequence[Hashable]] = {
        "benchmarks": [look.benchmark for look in looks],
        "splits": [(look.benchmark, look.split) for look in looks],
        "labels": [look.tampered for look in looks],
        "groups": [(look.benchmark, look.group) for look in looks],
    }
    across = np.full(len(a), -1)
    for place in reversed(range(len(ACROSS))):
        numbers = _numbered(columns[ACROSS[place]])
        differs = numbers[a] != numbers[b]
        # A forgery is near its host, so only the same bytes contradict each other.
        across[differs & exact if ACROSS[place] == "labels" else differs] = place
    return across


def place(look: Look) -> Place:
    """Where a sample is."""
    return Place(
        benchmark=look.benchmark, split=look.split, sample_id=look.sample_id, group=look.group,
        label="tampered" if look.tampered else "authentic",
    )  # fmt: skip


def listed(looks: Sequence[Look], pairs: Pairs) -> list[Pair]:
    """The first pairs, those across benchmarks and splits before the others."""
    columns = (pairs.a, pairs.b, pairs.distance, pairs.exact, pairs.across)
    return [
        Pair(
            kind="exact" if exact else "near", across=ACROSS[across], distance=int(bits), a=place(looks[a]),
            b=place(looks[b]),
        )
        for a, b, bits, exact, across in zip(*(column[:MOST_PAIRS] for column in columns), strict=True)
    ]  # fmt: skip


def counted(looks: Sequence[Look], pairs: Pairs) -> list[PairCount]:
    """How many pairs of each kind there are between which splits; all of them."""
    names = [f"{look.benchmark}/{look.split}" for look in looks]
    rows = zip(pairs.a.tolist(), pairs.b.tolist(), pairs.exact.tolist(), pairs.across.tolist(), strict=True)
    counts = Counter((across, not exact, *sorted((names[a], names[b]))) for a, b, exact, across in rows)
    return [
        PairCount(kind="near" if near else "exact", across=ACROSS[across], between=(one, other), pairs=number)
        for (across, near, one, other), number in sorted(counts.items())
    ]


def units(looks: Sequence[Look], pairs: Pairs) -> Index:
    """Shape (N,): a number for each sample, the same for groups that share a duplicate."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups = _numbered([(look.benchmark, look.group) for look in looks])
    n = int(groups.max(initial=-1)) + 1
    links = coo_array((np.ones(len(pairs.a), np.int8), (groups[pairs.a], groups[pairs.b])), (n, n))
    joined: Index = connected_components(links, directed=False)[1][groups].astype(np.int64)
    return joined


def recurring(looks: Sequence[Look]) -> list[Recurring]:
    """Groups, and photographs that synthetic samples were made of, that several splits of a benchmark share."""
    return [*_recurring("group", looks), *_recurring("photograph", looks)]


def _recurring(what: Literal["group", "photograph"], looks: Sequence[Look]) -> Iterator[Recurring]:
    splits: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for look in looks:
        for name in {look.group} if what == "group" else set(look.photos):
            splits[look.benchmark, name][look.split] += 1
    for (benchmark, name), counts in sorted(splits.items()):
        if len(counts) > 1:
            yield Recurring(what=what, benchmark=benchmark, name=name, samples=dict(sorted(counts.items())))
