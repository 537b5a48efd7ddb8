"""What the App shows first: views of the worst cases, visible masks, a tidy sidebar, colours that say something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import TYPE_CHECKING

from forgebench.browse.predictions import fields_of
from forgebench.browse.scores import Scores
from forgebench.browse.truth import ID, TRUTH
from forgebench.scoring.per_image import OK

if TYPE_CHECKING:
    import fiftyone as fo

SMALL = 0.01
"""A tampered region below this share of the image is small."""
_VISIBLE = ("mask", "pixel_f1", "false_area")
_OTHER = (
    ("tags", ["tags", "_label_tags"]), ("metadata", ["metadata.width", "metadata.height", "metadata.size_bytes"]),
    ("other", ["id", "filepath", "created_at", "last_modified_at"]),
)  # fmt: skip
_LABEL_COLOUR, _TRUTH_COLOUR = "#666666", "#19e04b"
_METHOD_COLOURS = ("#ff2d55", "#2f7bff", "#ffb000", "#c04dff", "#00d5d5", "#ff7a1a")


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


def arrange(dataset: fo.Dataset, methods: Mapping[str, Mapping[str, str]], shown: list[Scores]) -> None:
    """Set the App's sidebar, colours and visible fields.

    Args:
        dataset: What is shown.
        methods: All submissions in it: by slug, at least the title.
        shown: Those whose masks are visible from the start.
    """
    import fiftyone as fo

    visible = ["label", "ground_truth"]
    for scores in shown:
        visible += [scores.field(name) for name in (_VISIBLE if scores.localizes else ("score",))]
    schema = dataset.get_field_schema()
    groups = [("truth", list(TRUTH))]
    groups += [(about["title"], [f for f in fields_of(slug) if f in schema]) for slug, about in methods.items()]
    config = dataset.app_config
    config.active_fields = fo.ActiveFields(paths=visible)
    config.sidebar_groups = [
        fo.SidebarGroupDocument(name=name, paths=paths, expanded=name != "other") for name, paths in [*groups, *_OTHER]
    ]
    config.color_scheme = _colours(methods)
    dataset.save()


def _colours(methods: Mapping[str, Mapping[str, str]]) -> fo.ColorScheme:
    import fiftyone as fo

    colours = {"label": _LABEL_COLOUR, "ground_truth": _TRUTH_COLOUR, "boxes": _TRUTH_COLOUR}
    for slug, colour in zip(methods, cycle(_METHOD_COLOURS), strict=False):
        colours |= dict.fromkeys(fields_of(slug), colour)
    return fo.ColorScheme(color_by="field", opacity=0.6, fields=[_colour(*pair) for pair in colours.items()])


def _colour(path: str, colour: str) -> dict[str, object]:
    return {"path": path, "fieldColor": colour, "maskTargetsColors": [{"intTarget": 255, "color": colour}]}
