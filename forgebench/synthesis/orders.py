"""Which photographs a sample may be made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError
from forgebench.synthesis.photos import Photo

_HOSTS, _DONORS = 3, 3


@dataclass(frozen=True)
class Pair:
    """A forgery and its matched authentic image."""

    number: int
    hosts: tuple[Photo, ...]
    """The first one that a forgery can be made in is taken."""
    donors: tuple[Photo, ...]
    split: str


@dataclass(frozen=True)
class Order:
    """One sample of a pair."""

    index: int
    pair: Pair


class Orders:
    """All samples of a seed; hosts are taken in turn, in a new order each round.

    Args:
        photos: At least two; with splits at least two in each.
        seed: Of every choice.
        splits: Shares of the photographs by the split's name; a photograph, host or donor, is in one split alone.

    Raises:
        InputError: If a split's name or share cannot be used, or too few photographs fall into it.
    """

    def __init__(self, photos: Sequence[Photo], seed: int, splits: Mapping[str, float] | None = None) -> None:
        self._photos, self._seed = photos, seed
        self._split_of = _divided(photos, seed, dict(splits or {"test": 1.0}))
        pools: dict[str, list[Photo]] = {}
        for photo in photos:
            pools.setdefault(self._split_of[photo.sha256], []).append(photo)
        self._pools = pools
        self._pair: Pair | None = None

    def order(self, index: int) -> Order:
        """Sample `index`, whatever the number of samples."""
        number = index // 2
        if self._pair is None or self._pair.number != number:
            self._pair = self._paired(number)
        return Order(index, self._pair)

    def _paired(self, number: int) -> Pair:
        round_, place = divmod(number, len(self._photos))
        host = self._photos[_permutation(len(self._photos), self._seed, round_)[place]]
        split = self._split_of[host.sha256]
        pool = self._pools[split]
        rng = np.random.default_rng((self._seed, number, 2))
        drawn = [pool[int(rng.integers(len(pool)))] for _ in range(2 * (_HOSTS + _DONORS))]
        others = list(dict.fromkeys(photo for photo in drawn if photo != host))
        if not others:
            others = [photo for photo in pool if photo != host][:1]
        hosts, donors = (host, *others[: _HOSTS - 1]), others[-_DONORS:]
        # A host that stands in for the first one needs a donor too.
        return Pair(number, hosts, tuple(dict.fromkeys([*donors, host])), split)


@lru_cache(maxsize=2)
def _permutation(n: int, seed: int, round_: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, round_, 1)).permutation(n)


def _divided(photos: Sequence[Photo], seed: int, splits: dict[str, float]) -> dict[str, str]:
    """The split of each photograph, by its hash."""
    wrong = [name for name in splits if not name.isidentifier()]
    if wrong or any(not share > 0 for share in splits.values()) or abs(sum(splits.values()) - 1) > 1e-6:
        told = ",".join(f"{name}={share:g}" for name, share in splits.items())
        raise InputError(f"Expected names with shares that add up to 1, such as train=0.8,test=0.2; got {told}")
    ordered = sorted(photo.sha256 for photo in photos)
    shuffled = [ordered[i] for i in np.random.default_rng((seed, 3)).permutation(len(ordered))]
    edges = np.rint(np.cumsum([0.0, *splits.values()]) * len(shuffled)).astype(int)
    found = {sha: name for name, a, b in zip(splits, edges, edges[1:], strict=False) for sha in shuffled[a:b]}
    few = [name for name, a, b in zip(splits, edges, edges[1:], strict=False) if b - a < 2]
    if few:
        raise InputError(f"Too few photographs: {len(photos)} leave less than two for {', '.join(few)}.")
    return found
