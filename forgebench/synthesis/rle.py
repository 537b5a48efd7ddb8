"""Masks as COCO run-length codes, through pycocotools."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from forgebench.schema import Mask


def encode(mask: Mask) -> str:
    """The `counts` of a mask, shape (H, W), bool."""
    from pycocotools import mask as coco

    counts: bytes = coco.encode(np.asfortranarray(mask.view(np.uint8)))["counts"]
    return counts.decode()


def decode(code: Any) -> Mask:  # noqa: ANN401
    """The mask of a code `{"size": [H, W], "counts": …}`, shape (H, W), bool."""
    from pycocotools import mask as coco

    with warnings.catch_warnings():
        # Its arrays do not know the `copy` of NumPy 2.
        warnings.simplefilter("ignore", DeprecationWarning)
        grid = coco.decode(code)
    return np.ascontiguousarray(grid).view(bool)
