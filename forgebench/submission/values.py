"""Scores, boxes and texts from a submission into values, or what is wrong with them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from forgebench.errors import Problem
from forgebench.schema import FIELDS, Box, Explanation
from forgebench.submission.layout import printable
from forgebench.submission.manifest import CONTROL

MAX_BOXES = 100
"""Most boxes of a sample: what COCO's evaluation looks at."""
MAX_FIELD = 4000
"""Most characters of a field of an explanation."""
_EDGE = 0.01
"""Pixels that a box may reach beyond the image: the rounding of single precision."""
_CONTROLS = re.compile(f"[{CONTROL}]")
_ALLOWED = str.maketrans("", "", "\n\t")
_BOX_KEYS = {"bbox", "score", "category_id"}


def score_value(sample_id: str, text: str, *, what: str = "a score", most: float = 1.0) -> float | Problem:
    """A probability in [0, `most`] from its text."""
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    expected = f"{what} in [0, {most:g}]"
    if not math.isfinite(score):
        return Problem("not_finite", sample_id, expected, f"'{printable(text)}'", "Write a finite number.")
    if not 0 <= score <= most:
        fix = "Scores are probabilities: map them into [0, 1]."
        return Problem("out_of_range", sample_id, expected, printable(text), fix)
    return score


def boxes_value(sample_id: str, boxes: Sequence[Box | None], size: tuple[int, int]) -> tuple[Box, ...] | Problem:
    """The boxes of an image of this (height, width); None stands for an entry that is no box."""
    if None in boxes:
        expected = '"bbox": [x, y, width, height] and "score": a number in each entry, and "category_id": 1 if any'
        got = f"another form in its entry {boxes.index(None) + 1}"
        return Problem("undecodable", sample_id, expected, got, "Write the boxes again.")
    found = tuple(box for box in boxes if box is not None)
    return boxes_problem(sample_id, found, size) or found


def box_of(entry: Any) -> Box | None:  # noqa: ANN401
    """The box of an entry of a COCO results list, its image left out; None where it is no box."""
    if not isinstance(entry, dict) or not {"bbox", "score"} <= set(entry) <= _BOX_KEYS:
        return None
    sides, score, category = entry["bbox"], entry["score"], entry.get("category_id", 1)
    if not isinstance(sides, list) or len(sides) != 4 or type(category) is not int or category != 1:
        return None
    if any(type(number) not in (int, float) for number in (*sides, score)):
        return None
    try:
        return Box(*map(float, (*sides, score)))
    except OverflowError:
        return Box(math.inf, 0, 0, 0, 0)


def boxes_problem(sample_id: str, boxes: Sequence[Box], size: tuple[int, int]) -> Problem | None:
    """The first thing that is wrong with the boxes of an image of this (height, width)."""
    if len(boxes) > MAX_BOXES:
        fix = "Keep those with the highest scores."
        return Problem("too_many_boxes", sample_id, f"at most {MAX_BOXES} boxes", "more", fix)
    for number, box in enumerate(boxes, 1):
        fault = _box_fault(box, size)
        if fault:
            code, expected, fix = fault
            got = f"{', '.join(f'{value:g}' for value in box)} (box {number} of {len(boxes)})"
            return Problem(code, sample_id, expected, got, fix)
    return None


def _box_fault(box: Box, size: tuple[int, int]) -> tuple[str, str, str] | None:
    height, width = size
    if not all(map(math.isfinite, box)):
        return "not_finite", "a box of finite x, y, width, height and score", "Write finite numbers."
    if not 0 <= box.score <= 1:
        return "out_of_range", "a box with a score in [0, 1]", "Scores are probabilities: map them into [0, 1]."
    if min(box.width, box.height) < 0:
        return "negative_size", "a box [x, y, width, height] of no negative size", "Write sizes, not corners."
    inside = min(box.x, box.y) >= -_EDGE and box.x + box.width <= width + _EDGE and box.y + box.height <= height + _EDGE
    if not inside:
        return "outside_image", f"a box within the image of {width}x{height}", "Clip it to the image, in its pixels."
    return None


def explanation_value(sample_id: str, fields: Sequence[str]) -> Explanation | Problem:
    """An explanation from its fields."""
    if len(fields) != len(FIELDS):
        got = f"{len(fields)} fields"
        return Problem("undecodable", sample_id, f"{', '.join(FIELDS)}", got, 'Quote fields with commas: "a, b".')
    kind, area, content, evidence = fields
    found = Explanation(type=kind, area=area, content=content, evidence=evidence)
    return explanation_problem(sample_id, found) or found


def explanation_problem(sample_id: str, explanation: Explanation) -> Problem | None:
    """The first thing that is wrong with an explanation."""
    if tuple(sorted(explanation)) != tuple(sorted(FIELDS)):
        got = printable(", ".join(map(str, explanation)))
        return Problem("undecodable", sample_id, f"the fields {', '.join(FIELDS)}", got, "Give all four, as text.")
    for name, text in explanation.items():
        fault = _text_fault(text)
        if fault:
            code, expected, got = fault
            return Problem(code, sample_id, f"{expected} for {name}", got, "Write the explanation again.")
    return None


def _text_fault(text: object) -> tuple[str, str, str] | None:
    if not isinstance(text, str):
        return "undecodable", "text", type(text).__name__
    if len(text) > MAX_FIELD:
        return "text_too_long", f"at most {MAX_FIELD} characters", str(len(text))
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "undecodable", "UTF-8", "other bytes"
    control = _CONTROLS.search(text.translate(_ALLOWED))
    if control:
        return "control_character", "text without control characters", printable(control[0])
    return None
