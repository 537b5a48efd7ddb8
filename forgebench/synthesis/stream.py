"""Forgeries on the fly, for training: nothing is written, no sample comes twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np

from forgebench.annotations.boxes import boxes_around, components
from forgebench.errors import Problem
from forgebench.schema import LABELS, Item
from forgebench.synthesis.forge import forge_order
from forgebench.synthesis.orders import Orders
from forgebench.synthesis.photos import Photo, list_photos
from forgebench.synthesis.recipe import Recipe, load_recipe


def samples(
    recipe: str | Recipe,
    photos: str | Path | Sequence[Photo],
    seed: int = 0,
    *,
    n: int | None = None,
    start: int = 0,
    step: int = 1,
) -> Iterator[dict[str, Any]]:
    """Samples `start`, `start + step`, … of a seed: the same as `synthesize` writes.

    A pair for which the recipe's gates let nothing through is left out.

    Args:
        recipe: A recipe, a shipped one's name or the path of a TOML file.
        photos: A folder, a URL that fsspec reaches, or what `list_photos` found.
        seed: Of every random choice.
        n: How many samples the seed has; None never ends.
        start: The first one.
        step: From one to the next.

    Yields:
        `sample_id`, `image` (the file's bytes), `mask` (uint8, (H, W), 0 or 255), `boxes` (COCO, pixels), `label`
        (1 is tampered), `manipulation`, `group`, `width`, `height`.
    """
    chosen = load_recipe(recipe) if isinstance(recipe, str) else recipe
    found = list_photos(photos) if isinstance(photos, (str, Path)) else photos
    orders = Orders(found, seed)
    for index in count(start, step) if n is None else range(start, n, step):
        made = forge_order(chosen, seed, orders.order(index))
        if not isinstance(made, Problem):
            yield _values(made)


def stream(recipe: str | Recipe, photos: str | Path | Sequence[Photo], seed: int = 0, *, n: int | None = None) -> Any:  # noqa: ANN401
    """The same samples as a `torch.utils.data.IterableDataset`, shared among all workers of all ranks.

    Args:
        recipe: As for `samples`.
        photos: As for `samples`; looked at once, here.
        seed: Another one for each epoch gives new samples.
        n: How many samples there are in all; None never ends.

    Returns:
        A dataset of dictionaries; give a DataLoader a `collate_fn`, or `batch_size=None`.

    Raises:
        ImportError: If torch is not installed.
    """
    from forgebench.synthesis.training import Stream

    chosen = load_recipe(recipe) if isinstance(recipe, str) else recipe
    found = list_photos(photos) if isinstance(photos, (str, Path)) else list(photos)
    return Stream(chosen, found, seed, n)


def _values(item: Item) -> dict[str, Any]:
    assert item.mask is not None  # noqa: S101 (every synthetic sample has one)
    parts = components(item.mask) if item.label == "tampered" else []
    return {
        "sample_id": item.sample_id,
        "image": item.image,
        "mask": item.mask.view(np.uint8) * np.uint8(255),
        "boxes": boxes_around(parts, hypot(*item.size)),
        "label": LABELS.index(item.label),
        "manipulation": item.manipulation,
        "group": item.group,
        "width": item.size[1],
        "height": item.size[0],
    }
