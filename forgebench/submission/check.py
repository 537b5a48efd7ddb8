"""Everything about a submission that can be checked before a sample is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from forgebench.benchmark import Benchmark
from forgebench.errors import Problem, ProblemsError
from forgebench.schema import FIELDS
from forgebench.submission.layout import BOXES, MEMBERS, SCORES, TEXTS, UnreadableError, printable
from forgebench.submission.manifest import Output, SubmissionManifest
from forgebench.submission.opened import FATAL, MAX_SHOWN, Submission, open_submission

_CONTENTS = {
    SCORES: "the columns sample_id, score and, if any, synthetic",
    BOXES: "a COCO results list: image_id, bbox and score in each entry",
    TEXTS: f"the columns sample_id, {', '.join(FIELDS)}",
}


def check(path: str | Path, benchmark: Benchmark, split: str | None = None) -> tuple[Submission | None, list[Problem]]:
    """Everything that can be checked before a mask is decoded; the submission is None where it cannot be scored.

    Raises:
        NotFoundError: If there is no such submission.
    """
    submission, problems = open_submission(path)
    if submission is not None:
        problems += _benchmark_problems(submission.manifest, benchmark, split)
    if submission is not None and not any(p.code in FATAL for p in problems):
        problems += islice(_member_problems(submission, benchmark), MAX_SHOWN)
    usable = not any(problem.code in FATAL for problem in problems)
    return submission if usable else None, problems


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


def _member_problems(submission: Submission, benchmark: Benchmark) -> Iterator[Problem]:
    """Members that are not there, not announced or not readable, and the ids that they name."""
    known = {row["sample_id"] for row in benchmark.rows(submission.manifest.split, ["sample_id"])}
    seen: set[str] = set()
    yield from _readable(SCORES, _score_problems(submission, known, seen))
    for output, member in MEMBERS.items():
        yield from _readable(member, _output_problems(submission, output, known, seen))


def _readable(member: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    try:
        yield from problems
    except UnreadableError as error:
        yield _broken(member, str(error), "Write it again.")


def _broken(member: str, got: str, fix: str) -> Problem:
    return Problem("manifest", "", f"{member} with {_CONTENTS[member]}", printable(got), fix)


def _score_problems(submission: Submission, known: set[str], seen: set[str]) -> Iterator[Problem]:
    """Fills `seen` with the ids."""
    rows = submission.store.scores()
    if rows is None:
        yield _broken(SCORES, "none", "Write it again.")
        return
    announced, given = "synthetic" in submission.manifest.outputs, False
    for sample_id, _, synthetic in rows:
        given |= synthetic is not None
        if sample_id not in known:
            yield _unknown(sample_id, SCORES)
        elif sample_id in seen:
            yield Problem("duplicate_id", sample_id, "one prediction", "several", "Remove all but one.")
        seen.add(sample_id)
    if given and not announced:
        yield _unannounced("synthetic", SCORES)
    if announced and not given:
        yield _broken(SCORES, "no column synthetic", 'Add it, or take "synthetic" out of "outputs".')


def _output_problems(submission: Submission, output: Output, known: set[str], seen: set[str]) -> Iterator[Problem]:
    member, there = MEMBERS[output], submission.store.holds(output)
    if output in submission.manifest.outputs:
        if output != "mask" and not there:
            yield _broken(member, "none", f'Add it, or take "{output}" out of "outputs".')
    elif there:
        yield _unannounced(output, member)
    if output in submission.manifest.outputs or output == "mask":
        yield from _named(submission, output, known, seen)


def _named(submission: Submission, output: Output, known: set[str], seen: set[str]) -> Iterator[Problem]:
    """What is wrong with the ids that an output's member names; one that was reported before is not again."""
    once: set[str] = set()
    for sample_id in submission.store.ids(output):
        if sample_id in known:
            if output == "explanation" and sample_id in once:
                yield Problem("duplicate_id", sample_id, "one explanation", "several", "Remove all but one.")
        elif sample_id not in seen:
            yield _unknown(sample_id, MEMBERS[output])
            seen.add(sample_id)
        once.add(sample_id)


def _unannounced(output: Output, member: str) -> Problem:
    got = f"{output} in {member}"
    return Problem("unexpected_file", "", f'no {output}, as "outputs" says', got, f'Add "{output}" to "outputs".')


def _unknown(sample_id: str, where: str) -> Problem:
    return Problem("unknown_id", printable(sample_id), "ids of the split", f"this one in {where}", "Remove it.")


def usable(path: str | Path, benchmark: Benchmark, split: str | None) -> tuple[Submission, list[Problem]]:
    """A submission that can be scored, with what is wrong short of that.

    Raises:
        NotFoundError: If there is no such submission.
        InputError: If it cannot be scored.
    """
    submission, problems = check(path, benchmark, split)
    if submission is None:
        fatal = [problem for problem in problems if problem.code in FATAL]
        raise ProblemsError(f"{path} cannot be scored:", fatal)
    return submission, problems
