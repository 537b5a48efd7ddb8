"""A submission on disk, and everything that can be wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from forgebench.benchmark import Benchmark
from forgebench.errors import Problem, ProblemsError
from forgebench.submission.layout import MAX_MANIFEST, Store, UnreadableError, printable
from forgebench.submission.manifest import SubmissionManifest
from forgebench.submission.predicted import decode_prediction, most_bytes
from forgebench.submission.stores import open_store

FATAL = frozenset({
    "unsafe_archive", "unreadable_archive", "manifest", "wrong_benchmark", "unknown_id", "duplicate_id",
})  # fmt: skip
"""Problems that a submission cannot be scored with; all others concern a sample, which then scores worst."""
MAX_SHOWN = 10_000
"""Most problems of the manifest, and of the ids: further ones are more of the same, and could fill the memory."""


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
    def scores(self) -> dict[str, str]:
        """The scores as text, by sample id."""
        return dict(self.store.scores() or ())

    def read(self, sample_id: str, size: tuple[int, int]) -> tuple[float, NDArray[np.uint8] | None] | Problem:
        """A sample's score and mask; or the first thing that is wrong with its prediction.

        Args:
            sample_id: The sample.
            size: The image's (height, width).
        """
        if sample_id not in self.scores:
            return Problem("missing", sample_id, "a line in predictions.csv", "none", "Add the sample's prediction.")
        score = _score(sample_id, self.scores[sample_id])
        if isinstance(score, Problem) or not self.localizes:
            return score if isinstance(score, Problem) else (score, None)
        try:
            data = self.store.mask(sample_id, most_bytes(size))
        except UnreadableError as error:
            return Problem("undecodable", sample_id, "a readable mask", printable(str(error)), "Write the mask again.")
        if data is None:
            return Problem(
                "missing_mask", sample_id, f"masks/{sample_id}.png", "none",
                'Add the mask; for a submission without any, set "outputs": ["score"].',
            )  # fmt: skip
        mask = decode_prediction(sample_id, data, size)
        return mask if isinstance(mask, Problem) else (score, mask)


def _score(sample_id: str, text: str) -> float | Problem:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        got = f"'{printable(text)}'"
        return Problem("not_finite", sample_id, "a score in [0, 1]", got, "Write a finite number.")
    if not 0 <= score <= 1:
        fix = "Scores are probabilities: map them into [0, 1]."
        return Problem("out_of_range", sample_id, "a score in [0, 1]", printable(text), fix)
    return score


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


def check(path: str | Path, benchmark: Benchmark, split: str | None = None) -> tuple[Submission | None, list[Problem]]:
    """Everything that can be checked before a mask is decoded; the submission is None where it cannot be scored.

    Raises:
        NotFoundError: If there is no such submission.
    """
    submission, problems = open_submission(path)
    if submission is not None:
        problems += _benchmark_problems(submission.manifest, benchmark, split)
    if submission is not None and not any(p.code in FATAL for p in problems):
        try:
            problems += islice(_id_problems(submission, benchmark), MAX_SHOWN)
        except UnreadableError as error:
            problems.append(_unreadable_scores(str(error)))
    usable = not any(problem.code in FATAL for problem in problems)
    return submission if usable else None, problems


def _unreadable_scores(got: str) -> Problem:
    expected = "predictions.csv with the columns sample_id and score"
    return Problem("manifest", "", expected, printable(got), "Write it again.")


def _benchmark_problems(manifest: SubmissionManifest, benchmark: Benchmark, split: str | None) -> Iterator[Problem]:
    fix = "Predict this benchmark and this split; a build from the same files gives the same content hash."
    pairs = [
        ("content hash", benchmark.content_hash, manifest.content_hash),
        ("benchmark", benchmark.name, manifest.benchmark),
    ]
    for what, expected, got in pairs:
        if expected != got:
            yield Problem("wrong_benchmark", "", f"{what} {expected}", printable(got), fix)
    if manifest.split not in benchmark.splits or split not in (None, manifest.split):
        got = printable(manifest.split)
        yield Problem("wrong_benchmark", "", f"split {split or ' or '.join(benchmark.splits)}", got, fix)


def _id_problems(submission: Submission, benchmark: Benchmark) -> Iterator[Problem]:
    rows = submission.store.scores()
    if rows is None:
        yield _unreadable_scores("none")
        return
    known = {row["sample_id"] for row in benchmark.rows(submission.manifest.split, ["sample_id"])}
    seen: set[str] = set()
    for sample_id, _ in rows:
        if sample_id not in known:
            yield _unknown(sample_id, "predictions.csv")
        elif sample_id in seen:
            yield Problem("duplicate_id", sample_id, "one prediction", "several", "Remove all but one.")
        seen.add(sample_id)
    for sample_id in sorted(submission.store.mask_ids() - known - seen):
        yield _unknown(sample_id, "masks/")
    if not submission.localizes and submission.store.mask_ids():
        got = f"{len(submission.store.mask_ids())} masks"
        yield Problem("unexpected_file", "", 'no masks, as "outputs" says', got, 'Add "mask" to "outputs".')


def _unknown(sample_id: str, where: str) -> Problem:
    return Problem("unknown_id", printable(sample_id), "ids of the split", f"this one in {where}", "Remove it.")


def usable(path: str | Path, benchmark: Benchmark, split: str | None) -> tuple[Submission, list[Problem]]:
    """The same for scoring: a submission that can be scored, with what is wrong short of that.

    Raises:
        NotFoundError: If there is no such submission.
        InputError: If it cannot be scored.
    """
    submission, problems = check(path, benchmark, split)
    if submission is None:
        fatal = [problem for problem in problems if problem.code in FATAL]
        raise ProblemsError(f"{path} cannot be scored:", fatal)
    return submission, problems
