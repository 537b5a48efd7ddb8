"""Which parts of a method matter: every variant against the whole, on the same images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import forgebench
from forgebench.scoring.compare import Difference

PAIRED = "variants.json"
MEASURED = ("pixel_auc", "pixel_ap", "pixel_f1", "image_auc")


def against_the_whole(scores: Mapping[str, Path], whole: str) -> dict[str, list[dict[str, Any]]]:
    """For each of MEASURED, how much each variant is ahead of the whole method, by paired tests.

    Args:
        scores: Folders of scores by the variant's name, the whole method's among them.
        whole: Its name.

    Returns:
        By metric, for each other variant: `variant`, `value` (its own minus the whole's), `ci_low`, `ci_high` (95 %, by
        photograph), and `p_holm`, corrected over all pairs of variants; null where undefined.
    """
    # Records of one method are told apart by their folders, the first by the method's name alone.
    ordered = [scores[whole], *(folder for name, folder in scores.items() if name != whole)]
    method = forgebench.read_record(scores[whole])[0].method.method
    names = {f"{method} ({folder})": name for name, folder in scores.items()} | {method: whole}
    found = {}
    for metric in MEASURED:
        pairs = forgebench.compare(ordered, metric=metric).differences
        rows = {
            names[one]: ahead(pair, one)
            for pair in pairs for one, other in ((pair.first, pair.second), (pair.second, pair.first))
            if other == method
        }  # fmt: skip
        kept = ("value", "ci_low", "ci_high", "p_holm")
        found[metric] = [
            {"variant": name, **{key: rows[name][key] for key in kept}} for name in scores if name != whole
        ]
    return found


def ahead(pair: Difference, first: str) -> dict[str, Any]:
    """How much one of two entries is ahead of the other, as plain JSON; undefined is null."""
    found = {key: None if isinstance(one, float) and math.isnan(one) else one for key, one in asdict(pair).items()}
    if pair.first == first or found["value"] is None:
        return found
    return found | {
        "first": pair.second, "second": pair.first, "value": -pair.value, "ci_low": -pair.ci_high,
        "ci_high": -pair.ci_low,
    }  # fmt: skip
