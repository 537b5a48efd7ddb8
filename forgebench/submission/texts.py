"""The members of a submission that are text, as they are written."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, get_args

from forgebench.errors import InputError
from forgebench.schema import FIELDS, Box, Prediction
from forgebench.submission.layout import BOXES, SCORES, TEXTS
from forgebench.submission.manifest import Output
from forgebench.submission.rows import SCORE_HEADERS, TEXT_HEADERS

_ALL_OR_NONE: dict[Output, str] = {"synthetic": "a probability of synthetic", "mask": "masks", "boxes": "boxes"}


class Given:
    """What predictions hold, as they come."""

    def __init__(self) -> None:
        self._given: set[Output] | None = None
        self._explained = False

    @property
    def outputs(self) -> list[Output]:
        """What they hold."""
        given = {"score"} | (self._given or set()) | ({"explanation"} if self._explained else set())
        return [name for name in get_args(Output) if name in given]

    def add(self, prediction: Prediction) -> None:
        """Take note of a prediction.

        Raises:
            InputError: If it has masks, boxes or a probability of synthetic where others had none, or the reverse.
        """
        given: set[Output] = {name for name in _ALL_OR_NONE if getattr(prediction, name) is not None}
        self._given = given if self._given is None else self._given
        self._explained |= prediction.explanation is not None
        for name, words in _ALL_OR_NONE.items():
            if name in given ^ self._given:
                raise InputError(f"{prediction.sample_id}: expected {words} for all samples or for none, got both.")


class Texts:
    """Scores, boxes and explanations, growing a sample at a time."""

    def __init__(self) -> None:
        self._scores: list[list[str]] = []
        self._boxes: list[str] = []
        self._explanations: list[list[str]] = []

    def add(self, prediction: Prediction) -> None:
        """Take a prediction in."""
        sample_id = prediction.sample_id
        numbers = [number for number in (prediction.score, prediction.synthetic) if number is not None]
        self._scores.append([sample_id, *(repr(float(number)) for number in numbers)])
        self._boxes += [json.dumps({"image_id": sample_id, **entry(box)}) for box in prediction.boxes or ()]
        if prediction.explanation is not None:
            self._explanations.append([sample_id, *(prediction.explanation[name] for name in FIELDS)])

    def members(self, outputs: list[Output]) -> dict[str, str]:
        """The members that these outputs have, by name."""
        found = {SCORES: _csv(SCORE_HEADERS["synthetic" in outputs], self._scores)}
        if "boxes" in outputs:
            found[BOXES] = "[" + ",".join(f"\n{text}" for text in self._boxes) + "\n]\n"
        if "explanation" in outputs:
            found[TEXTS] = _csv(TEXT_HEADERS[0], self._explanations)
        return found


def entry(box: Box) -> dict[str, Any]:
    """A box as an entry of a COCO results list, but for its image."""
    return {"bbox": list(box[:4]), "score": box.score}


def _csv(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
