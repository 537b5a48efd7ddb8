"""A submission on disk, and what it says of each sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from forgebench.errors import Problem, ProblemsError
from forgebench.schema import Explanation, Prediction
from forgebench.submission.layout import MAX_MANIFEST, Store, UnreadableError, printable
from forgebench.submission.manifest import Output, SubmissionManifest
from forgebench.submission.predicted import decode_prediction, most_bytes
from forgebench.submission.stores import open_store
from forgebench.submission.values import boxes_value, explanation_value, score_value

FATAL = frozenset({
    "unsafe_archive", "unreadable_archive", "manifest", "wrong_benchmark", "unknown_id", "duplicate_id",
})  # fmt: skip
"""Problems that a submission cannot be scored with; all others concern a sample, which then scores worst."""
MAX_SHOWN = 10_000
"""Most problems of the manifest, and of the members: further ones are more of the same, and could fill the memory."""


@dataclass(frozen=True)
class Submission:
    """A submission whose container and manifest can be read."""

    store: Store
    manifest: SubmissionManifest

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.store.path

    @cached_property
    def _token(self) -> str:
        return uuid4().hex

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to a worker as its path: a worker opens it once, not once a job."""
        return _opened_once, (self.path.absolute(), self._token)

    @property
    def localizes(self) -> bool:
        """Whether it says that it has masks."""
        return "mask" in self.manifest.outputs

    @cached_property
    def scores(self) -> dict[str, tuple[str, str | None]]:
        """Score and, where there are any, probability of synthetic as text, by sample id."""
        return {sample_id: (score, synthetic) for sample_id, score, synthetic in self.store.scores() or ()}

    def read(self, sample_id: str, size: tuple[int, int]) -> Prediction | Problem:
        """What is predicted of a sample; or the first thing that is wrong with it.

        Outputs that the manifest does not name are None. A sample without a box has an empty tuple of them.

        Args:
            sample_id: The sample.
            size: The image's (height, width).
        """
        parts = self._parts(sample_id, size)
        wrong = (part for part in parts.values() if isinstance(part, Problem))
        return next(wrong, None) or Prediction(sample_id, **parts)

    def problems(self, sample_id: str, size: tuple[int, int]) -> list[Problem]:
        """What is wrong with each part of what is predicted of a sample."""
        return [part for part in self._parts(sample_id, size).values() if isinstance(part, Problem)]

    def _parts(self, sample_id: str, size: tuple[int, int]) -> dict[str, Any]:
        """Each part of a prediction, or what is wrong with it."""
        if sample_id not in self.scores:
            fix = "Add the sample's prediction."
            return {"score": Problem("missing", sample_id, "a line in predictions.csv", "none", fix)}
        text, synthetic = self.scores[sample_id]
        parts: dict[str, Any] = {"score": score_value(sample_id, text)}
        if "synthetic" in self.manifest.outputs:
            most = 1.0 if isinstance(parts["score"], Problem) else parts["score"]
            parts["synthetic"] = score_value(sample_id, synthetic or "", what="a probability of synthetic", most=most)
        readers: dict[Output, Callable[[], Any]] = {
            "mask": lambda: self._mask(sample_id, size),
            "boxes": lambda: boxes_value(sample_id, self.store.boxes(sample_id), size),
            "explanation": lambda: self._explanation(sample_id),
        }
        for output, read in readers.items():
            if output in self.manifest.outputs:
                parts[output] = _readable(sample_id, output, read)
        return parts

    def _mask(self, sample_id: str, size: tuple[int, int]) -> NDArray[np.uint8] | Problem:
        data = self.store.mask(sample_id, most_bytes(size))
        if data is None:
            return Problem(
                "missing_mask", sample_id, f"masks/{sample_id}.png", "none",
                'Add the mask; for a submission without any, leave "mask" out of "outputs".',
            )  # fmt: skip
        return decode_prediction(sample_id, data, size)

    def _explanation(self, sample_id: str) -> Explanation | Problem | None:
        fields = self.store.explanation(sample_id)
        return None if fields is None else explanation_value(sample_id, fields)


def _readable(sample_id: str, output: Output, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return read()
    except UnreadableError as error:
        fix = f"Write the {output} again."
        return Problem("undecodable", sample_id, f"readable {output}", printable(str(error)), fix)


def open_submission(path: str | Path) -> tuple[Submission | None, list[Problem]]:
    """Open a submission as far as it can be: None where its container or manifest cannot be used.

    Raises:
        NotFoundError: If there is no such folder or file.
    """
    store = open_store(Path(path))
    problems = store.problems()
    if any(problem.code in FATAL for problem in problems):
        return None, problems
    manifest = _manifest(store)
    if isinstance(manifest, list):
        return None, problems + manifest
    return Submission(store, manifest), problems


@lru_cache(maxsize=2)
def _opened_once(path: Path, token: str) -> Submission:
    """A worker's own copy; the token tells this submission from an earlier one at the same path."""
    submission, problems = open_submission(path)
    if submission is None:
        raise ProblemsError(f"{path} changed while it was read:", problems)
    return submission


def _manifest(store: Store) -> SubmissionManifest | list[Problem]:
    fix = "See the schema: forgebench validate --schema"
    try:
        data = store.manifest()
    except UnreadableError as error:
        return [Problem("manifest", "", "a readable submission.json", printable(str(error)), fix)]
    if data is not None and len(data) > MAX_MANIFEST:
        return [Problem("manifest", "", f"at most {MAX_MANIFEST} bytes", f"{len(data)}", fix)]
    if data is None:
        return [Problem("manifest", "", "submission.json", "none", fix)]
    try:
        return SubmissionManifest.model_validate_json(data)
    except ValidationError as error:
        return [
            Problem("manifest", "", f"a valid {_field(e['loc']) or 'submission.json'}", e["msg"], fix)
            for e in error.errors(include_url=False, include_input=False)[:MAX_SHOWN]
        ]


def _field(place: tuple[int | str, ...]) -> str:
    return printable(".".join(map(str, place)))
