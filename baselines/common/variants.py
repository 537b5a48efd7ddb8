"""Which parts of a method matter: every variant against the whole, on the same images."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
        rows = [_ahead(pair, names, whole) for pair in pairs if whole in (names[pair.first], names[pair.second])]
        place = list(scores)
        found[metric] = sorted(rows, key=lambda row: place.index(row["variant"]))
    return found


def _ahead(pair: Difference, names: Mapping[str, str], whole: str) -> dict[str, Any]:
    turned = names[pair.first] == whole
    variant, sign = names[pair.second if turned else pair.first], -1 if turned else 1
    low, high = sorted((sign * pair.ci_low, sign * pair.ci_high))
    numbers = {"value": sign * pair.value, "ci_low": low, "ci_high": high, "p_holm": pair.p_holm}
    return {"variant": variant, **{name: None if math.isnan(one) else one for name, one in numbers.items()}}
