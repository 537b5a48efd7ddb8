"""What the App shows first: visible masks, a tidy sidebar, colours that say something."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

from forgebench.browse.audited import AUDITED
from forgebench.browse.maps import FALSE_ALARM, HIT, MISS
from forgebench.browse.scores import Scores
from forgebench.browse.truth import TRUTH

if TYPE_CHECKING:
    import fiftyone as fo

_VISIBLE = ("mask", "pixel_f1", "false_area")
_OTHER = (
    ("tags", ["tags", "_label_tags"]), ("metadata", ["metadata.width", "metadata.height", "metadata.size_bytes"]),
    ("other", ["id", "filepath", "created_at", "last_modified_at"]),
)  # fmt: skip
_LABEL_COLOUR, _TRUTH_COLOUR = "#666666", "#19e04b"
_METHOD_COLOURS = ("#ff2d55", "#2f7bff", "#ffb000", "#c04dff", "#00d5d5", "#ff7a1a")
_ERROR_COLOURS = {HIT: "#19e04b", MISS: "#ff2d55", FALSE_ALARM: "#ffb000"}


def arrange(dataset: fo.Dataset, methods: Mapping[str, Mapping[str, Any]], shown: list[Scores]) -> None:
    """Set the App's sidebar, colours and visible fields.

    Args:
        dataset: What is shown.
        methods: All submissions in it, as `noted` by slug.
        shown: Those whose masks are visible from the start.
    """
    import fiftyone as fo

    visible = ["label", "ground_truth"]
    for scores in shown:
        visible += [scores.field(name) for name in (_VISIBLE if scores.localizes else ("score",))]
        visible += scores.defined_fields
    schema = dataset.get_field_schema()
    groups = [("truth", list(TRUTH))]
    groups += [(about["heading"], list(about["fields"])) for about in methods.values()]
    groups += [("audit", [name for name in AUDITED if name in schema])]
    config = dataset.app_config
    config.active_fields = fo.ActiveFields(paths=visible)
    config.sidebar_groups = [
        fo.SidebarGroupDocument(name=name, paths=paths, expanded=name != "other")
        for name, paths in [*groups, *_OTHER]
        if paths
    ]
    config.color_scheme = _colours(methods)
    dataset.save()


def _colours(methods: Mapping[str, Mapping[str, Any]]) -> fo.ColorScheme:
    import fiftyone as fo

    colours = {"label": _LABEL_COLOUR, "ground_truth": _TRUTH_COLOUR, "boxes": _TRUTH_COLOUR}
    for about, colour in zip(methods.values(), cycle(_METHOD_COLOURS), strict=False):
        colours |= dict.fromkeys(about["fields"], colour)
    fields = [_colour(path, colour, {255: colour}) for path, colour in colours.items() if not path.endswith("_errors")]
    fields += [_colour(f"{slug}_errors", _ERROR_COLOURS[MISS], _ERROR_COLOURS) for slug in methods]
    return fo.ColorScheme(color_by="field", opacity=0.6, fields=fields)


def _colour(path: str, colour: str, targets: Mapping[int, str]) -> dict[str, object]:
    masks = [{"intTarget": target, "color": one} for target, one in targets.items()]
    return {"path": path, "fieldColor": colour, "maskTargetsColors": masks}
