"""ForgeBench: the honest referee of image forgery detection and localization."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from forgebench.version import VERSION

if TYPE_CHECKING:
    from forgebench import metrics
    from forgebench.annotations import loosen
    from forgebench.audits.run import audit
    from forgebench.benchmark.build import build
    from forgebench.benchmark.degrade import degrade
    from forgebench.benchmark.grid import degrade_grid, open_grid
    from forgebench.benchmark.hide import Halves, hide
    from forgebench.benchmark.opened import Benchmark, open_benchmark
    from forgebench.benchmark.publish import Pushed, push
    from forgebench.benchmark.synthesize import synthesize
    from forgebench.errors import ForgeBenchError, InputError, NotFoundError, Problem, ProblemsError
    from forgebench.schema import Box, Explanation, Prediction, Sample
    from forgebench.scoring.compare import Comparison, compare
    from forgebench.scoring.grid import score_grid
    from forgebench.scoring.record import Record, read_record
    from forgebench.scoring.robust import Robustness
    from forgebench.scoring.robustness import robustness
    from forgebench.scoring.score import score
    from forgebench.scoring.sign import sign
    from forgebench.scoring.verify import rescore, verify
    from forgebench.sources import SourceSpec, sources
    from forgebench.submission.opened import Submission
    from forgebench.submission.predict import predict, predict_grid
    from forgebench.submission.submit import submit
    from forgebench.submission.validate import validate
    from forgebench.submission.write import write_submission

__version__ = VERSION

_HOMES = {
    "annotations": ("loosen",),
    "audits": ("audit",),
    "benchmark": (
        "Benchmark", "Halves", "Pushed", "build", "degrade", "degrade_grid", "hide", "open_benchmark", "open_grid",
        "push", "synthesize",
    ),
    "errors": ("ForgeBenchError", "InputError", "NotFoundError", "Problem", "ProblemsError"),
    "schema": ("Box", "Explanation", "Prediction", "Sample"),
    "scoring": (
        "Comparison", "Record", "Robustness", "compare", "read_record", "rescore", "robustness", "score", "score_grid",
        "sign", "verify",
    ),
    "sources": ("SourceSpec", "sources"),
    "submission": ("Submission", "predict", "predict_grid", "submit", "validate", "write_submission"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Benchmark", "Box", "Comparison", "Explanation", "ForgeBenchError", "Halves", "InputError", "NotFoundError",
    "Prediction", "Problem", "ProblemsError", "Pushed", "Record", "Robustness", "Sample", "SourceSpec", "Submission",
    "__version__", "audit", "build", "compare", "degrade", "degrade_grid", "hide", "loosen", "metrics",
    "open_benchmark", "open_grid", "predict", "predict_grid", "push", "read_record", "rescore", "robustness", "score",
    "score_grid", "sign", "sources", "submit", "synthesize", "validate", "verify", "write_submission",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import on first use, so that `import forgebench` is quick."""
    if name == "metrics":
        return import_module("forgebench.metrics")
    if name in _HOME_OF:
        return getattr(import_module(f"forgebench.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'forgebench' has no attribute {name!r}")
