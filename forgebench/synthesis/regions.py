"""Regions worth pasting: connected groups of superpixels, object-like in shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.schema import Mask

_THUMBNAIL = 192
_SEGMENTS = 80


def grow_region(image: NDArray[np.uint8], area: float, rng: np.random.Generator) -> Mask:
    """A connected group of superpixels of about the given area.

    It grows from a random superpixel by its most similar neighbours, away from the border.

    Args:
        image: Shape (H, W, 3), uint8, RGB.
        area: Wanted share of the image.
        rng: The source of chance.

    Returns:
        Shape (H, W), bool, smooth in outline.
    """
    from skimage.segmentation import slic

    height, width = image.shape[:2]
    shrink = min(1.0, _THUMBNAIL / max(height, width))
    size = max(8, round(width * shrink)), max(8, round(height * shrink))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    labels = slic(small, n_segments=_SEGMENTS, compactness=12, start_label=0)
    chosen = _grow(labels, small.astype(np.float64), area, rng)
    soft = ndimage.gaussian_filter(np.isin(labels, chosen).astype(np.float32), 1.0)
    full = Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC)
    return _largest(np.asarray(full) > 0.5)


def _grow(labels: NDArray[np.int64], image: NDArray[np.float64], area: float, rng: np.random.Generator) -> list[int]:
    sizes = np.bincount(labels.ravel())
    colours = np.stack([np.bincount(labels.ravel(), image[..., c].ravel()) for c in range(3)], 1) / sizes[:, None]
    neighbours = _neighbours(labels)
    border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    inner = [label for label in range(len(sizes)) if label not in border] or list(range(len(sizes)))
    chosen = [int(rng.choice(inner))]
    while sizes[chosen].sum() < area * labels.size:
        around = sorted(set.union(*(neighbours[label] for label in chosen)) - set(chosen) - border)
        if not around:
            break
        mean = np.average(colours[chosen], axis=0, weights=sizes[chosen])
        chosen.append(min(around, key=lambda label: float(np.abs(colours[label] - mean).sum())))
    return chosen


def _neighbours(labels: NDArray[np.int64]) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(int(labels.max()) + 1)]
    for a, b in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        differ = a != b
        for x, y in np.unique(np.stack([a[differ], b[differ]], 1), axis=0).tolist():
            found[x].add(y)
            found[y].add(x)
    return found


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    return np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)
