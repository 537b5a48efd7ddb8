"""All pairs of 256-bit hashes within a radius, without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from forgebench.audits.pixels import HASH_BITS

RADIUS = 31
"""Hashes that differ in at most this many of 256 bits are near duplicates.

Recompression down to quality 30 and resizing by half change at most 8 bits of a photograph's hash, brightening by a
fifth up to 18; of 24 000 pairs of different photographs none differs in fewer than 94.
"""

_CHUNKS = 16
# Of 16 chunks of two hashes within 31 bits, one differs in one bit at most: else there would be 32.
_FLIPS = (0, *(1 << bit for bit in range(HASH_BITS // _CHUNKS)))
_BLOCK = 2**21

Index = NDArray[np.int64]


def near_pairs(hashes: NDArray[np.uint8]) -> tuple[Index, Index, Index]:
    """Every pair of hashes that differ in at most 31 bits (multi-index hashing, Norouzi, Punjani and Fleet 2012).

    Args:
        hashes: Shape (N, 32), uint8.

    Returns:
        Rows i < j and their distance in bits, each of shape (P,), sorted by i and j.
    """
    # Equal hashes are searched for once and put back afterwards: they share every chunk.
    unique, inverse = np.unique(hashes, axis=0, return_inverse=True)
    members = np.argsort(inverse.ravel(), kind="stable")
    sizes = np.bincount(inverse.ravel(), minlength=len(unique))
    starts = np.cumsum(sizes) - sizes
    a, b, distance = _distinct_pairs(unique)
    left, right, which = _products(sizes[a], sizes[b])
    i = [members[starts[a][which] + left]]
    j = [members[starts[b][which] + right]]
    found = [distance[which]]
    left, right, which = _products(sizes, sizes)
    keep = left < right
    i.append(members[starts[which] + left][keep])
    j.append(members[starts[which] + right][keep])
    found.append(np.zeros(keep.sum(), np.int64))
    first, second, bits = (np.concatenate(parts) for parts in (i, j, found))
    first, second = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((second, first))
    return first[order], second[order], bits[order]


def _products(n: Index, m: Index) -> tuple[Index, Index, Index]:
    """For each pair of sizes all of range(n) by range(m): the two numbers, and the pair that they belong to."""
    times = n * m
    which = np.repeat(np.arange(len(n)), times)
    place = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    return place // m[which], place % m[which], which


def _distinct_pairs(unique: NDArray[np.uint8]) -> tuple[Index, Index, Index]:
    """The pairs among hashes that all differ."""
    words = np.ascontiguousarray(unique).view(np.uint64)
    codes = np.empty(0, np.int64)
    for keys in _chunks(unique):
        for a, b in _candidates(keys):
            distance = np.bitwise_count(words[a] ^ words[b]).sum(axis=1)
            near = distance <= RADIUS
            a, b = np.minimum(a[near], b[near]), np.maximum(a[near], b[near])
            codes = np.union1d(codes, a * len(unique) + b)
    a, b = np.divmod(codes, max(1, len(unique)))
    return a, b, np.bitwise_count(words[a] ^ words[b]).sum(axis=1).astype(np.int64)


def _chunks(hashes: NDArray[np.uint8]) -> Iterator[NDArray[np.uint16]]:
    """Each hash's 16 chunks of 16 bits; every 16th bit, so that each has coarse and fine frequencies."""
    bits = np.unpackbits(hashes, axis=1)
    for chunk in range(_CHUNKS):
        yield np.packbits(bits[:, chunk::_CHUNKS], axis=1).view(np.uint16).ravel()


def _candidates(keys: NDArray[np.uint16]) -> Iterator[tuple[Index, Index]]:
    """Pairs whose keys differ in one bit at most, in blocks; each once."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    for flip in _FLIPS:
        rows = np.flatnonzero(ordered & flip == 0)
        target = ordered[rows] | np.uint16(flip)
        # Within a run of equal keys, those that come later; else all that have the bit set.
        low = rows + 1 if flip == 0 else np.searchsorted(ordered, target, "left")
        counts = np.searchsorted(ordered, target, "right") - low
        ends = np.cumsum(counts)
        for start in range(0, int(counts.sum()), _BLOCK):
            place = np.arange(start, min(start + _BLOCK, int(counts.sum())))
            owner = np.searchsorted(ends, place, "right")
            partner = low[owner] + place - (ends - counts)[owner]
            yield order[rows[owner]], order[partner]
