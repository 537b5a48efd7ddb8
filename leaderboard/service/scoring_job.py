"""One submission scored, in a process of its own: `python -m leaderboard.service.scoring_job SPEC`.

What it reads was written by strangers. It has no network, no secrets, little memory, little time, and ends with the
worker that started it; what it has to say lies in `verdict.json`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leaderboard.service.isolation import die_with_parent, leave_network, set_limits

STAGE, VERDICT, SCORE, SKETCH = "stage", "verdict.json", "score", "sketch"
MOST_PROBLEMS = 200


@dataclass(frozen=True)
class Spec:
    """What is to be scored, and within which limits."""

    submission: str
    benchmark: str
    out: str
    definitions: list[str]
    slices: list[str]
    calibration: str | None
    """Folder of the exact score on the calibration split."""
    partial: bool
    memory: int
    seconds: float
    disk: int
    require_isolation: bool

    def write(self, path: Path) -> Path:
        """Write it for the process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path


def main(path: str) -> None:
    """Lock the process up, then score."""
    spec = Spec(**json.loads(Path(path).read_text(encoding="utf-8")))
    die_with_parent()
    isolated = leave_network()
    if spec.require_isolation and not isolated:
        raise SystemExit("The kernel does not let this process leave the network, and the board requires it.")
    set_limits(memory=spec.memory, seconds=spec.seconds, disk=spec.disk)
    verdict = {"isolated": isolated, **_scored(spec)}
    (Path(spec.out) / VERDICT).write_text(json.dumps(verdict), encoding="utf-8")


def _scored(spec: Spec) -> dict[str, Any]:
    from forgebench import open_benchmark, validate, verify
    from forgebench.submission import FATAL, open_submission

    out, benchmark = Path(spec.out), open_benchmark(spec.benchmark)
    _say(out, "validating")
    problems = validate(spec.submission, benchmark, workers=1)
    submission, _ = open_submission(spec.submission)
    about = None if submission is None else submission.manifest.model_dump(mode="json")
    fatal = any(problem.code in FATAL for problem in problems)
    if submission is None or fatal or (problems and not spec.partial):
        return _invalid(problems, about)
    _say(out, "scoring")
    wrong = _score(spec, benchmark)
    if wrong:
        return _invalid([wrong], about)
    found = verify(out / SCORE, workers=1)
    if found:
        raise SystemExit(f"The record does not verify: {found[0]}")
    from leaderboard.service.sketches import sketch

    (out / SKETCH).write_bytes(sketch(submission, benchmark))
    return {"verdict": "scored", "problems": _shown(problems), "n_problems": len(problems), "manifest": about}


def _score(spec: Spec, benchmark: Any) -> Any:  # noqa: ANN401
    """Score it; what is wrong with its calibration comes back."""
    from forgebench import InputError, Problem, ProblemsError, score

    try:
        score(
            spec.submission, benchmark, Path(spec.out) / SCORE, definitions=spec.definitions, slices=spec.slices,
            calibration=spec.calibration, workers=1,
        )  # fmt: skip
    except ProblemsError:
        raise
    except InputError as error:
        if spec.calibration is None:
            raise
        got = str(error).replace(spec.calibration, "the calibration")
        fix = "Name an earlier submission of the same method and version, on another split."
        return Problem("calibration", "", "a calibration of the same method on another split", got, fix)
    return None


def _invalid(problems: list[Any], about: dict[str, Any] | None) -> dict[str, Any]:
    return {"verdict": "invalid", "problems": _shown(problems), "n_problems": len(problems), "manifest": about}


def _shown(problems: list[Any]) -> list[dict[str, str]]:
    return [problem.to_dict() for problem in problems[:MOST_PROBLEMS]]


def _say(out: Path, stage: str) -> None:
    """What is going on, for the worker to read."""
    (out / f"{STAGE}.new").write_text(stage, encoding="utf-8")
    (out / f"{STAGE}.new").rename(out / STAGE)


if __name__ == "__main__":
    main(sys.argv[1])
