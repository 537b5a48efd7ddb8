"""Saved views: the worst cases of a method, where two disagree, each manipulation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from forgebench.browse.scores import Scores
from forgebench.browse.truth import ID
from forgebench.scoring.per_image import OK

if TYPE_CHECKING:
    import fiftyone as fo

SMALL = 0.01
"""A tampered region below this share of the image is small."""
MOST = 200
"""How many images a view of disagreements holds."""



def save_views(dataset: fo.Dataset, scores: Scores) -> dict[str, int]:
    """Save the views of a submission, worst first; how many samples each holds comes back by its name."""
    counts = {}
    for what, about, view in _views(dataset, scores):
        name, count = f"{scores.title}: {what}", view.count()
        if count:
            dataset.save_view(name, view, description=about, overwrite=True)
            counts[name] = count
        elif dataset.has_saved_view(name):
            dataset.delete_saved_view(name)
    return counts


def _views(dataset: fo.Dataset, scores: Scores) -> Iterator[tuple[str, str, fo.DatasetView]]:
    from fiftyone import ViewField as F

    score, status = scores.field("score"), scores.field("status")
    miss, alarm = (scores.field(n) if scores.localizes else score for n in ("pixel_f1", "false_area"))
    said = "pixel F1" if scores.localizes else "score"
    tampered = dataset.match(F("label") == "tampered").exists(miss)
    authentic = dataset.match(F("label") == "authentic").exists(alarm)
    small = tampered.exists("tampered_area").match(F("tampered_area") < SMALL)
    # Ties are broken down to the id, for the database promises no order of its own.
    worst = [(miss, 1), ("tampered_area", -1), (ID, 1)]
    yield "worst misses", f"Tampered images, lowest {said} first, then largest region", tampered.sort_by(worst)
    yield (
        "false alarms", "Authentic images, most area called tampered first, then highest score",
        authentic.sort_by([*([(alarm, -1)] if scores.localizes else []), (score, -1), (ID, 1)]),
    )  # fmt: skip
    yield (
        "small regions", f"Tampered on less than {SMALL:.0%} of the image, lowest {said} first",
        small.sort_by(worst),
    )  # fmt: skip
    invalid = dataset.match(F(status) != OK)
    yield "invalid", "Without a valid prediction: these have the worst value of each metric", invalid.sort_by(ID)


def save_disagreements(
    dataset: fo.Dataset, methods: Mapping[str, Mapping[str, Any]], given: Collection[str]
) -> dict[str, int]:
    """Save a view of every two methods, one of them given: the images on which they differ most come first.

    They differ by pixel F1 where the image is tampered and by the area called tampered where it is authentic; by
    score where one of them has no masks.
    """
    counts = {}
    for one, other in combinations(sorted(methods), 2):
        if one in given or other in given:
            name = f"{methods[one]['title']} and {methods[other]['title']}: disagreements"
            ids = _most_different(dataset, methods, one, other)
            if ids:
                view = dataset.select(ids, ordered=True)
                dataset.save_view(name, view, description="The furthest apart first", overwrite=True)
                counts[name] = len(ids)
            elif dataset.has_saved_view(name):
                dataset.delete_saved_view(name)
    return counts


def _most_different(
    dataset: fo.Dataset, methods: Mapping[str, Mapping[str, Any]], one: str, other: str
) -> list[str]:
    masks = all(f"{slug}_pixel_f1" in methods[slug]["fields"] for slug in (one, other))
    found = []
    for name in ("pixel_f1", "false_area") if masks else ("score",):
        rows = zip(*dataset.values(["id", ID, f"{one}_{name}", f"{other}_{name}"]), strict=True)
        found += [(-abs(a - b), ours, id_) for id_, ours, a, b in rows if a is not None and b is not None and a != b]
    return [id_ for _, _, id_ in sorted(found)[:MOST]]


def save_manipulations(dataset: fo.Dataset) -> dict[str, int]:
    """Save a view of each manipulation, the smallest region first."""
    counts = {name: count for name, count in dataset.count_values("manipulation").items() if name}
    for name in counts:
        view = dataset.match({"manipulation": name}).sort_by([("tampered_area", 1), (ID, 1)])
        about = "Tampered in this way, smallest region first"
        dataset.save_view(f"manipulation: {_spoken(name)}", view, description=about, overwrite=True)
    return {f"manipulation: {_spoken(name)}": counts[name] for name in sorted(counts)}


def _spoken(name: str) -> str:
    return name.replace("_", " ")
