"""Submissions: predictions on disk; write, read safely, validate."""

from forgebench.submission.check import usable
from forgebench.submission.digest import prediction_line
from forgebench.submission.manifest import SubmissionManifest, json_schema
from forgebench.submission.opened import FATAL, Submission, open_submission
from forgebench.submission.predict import Method, load_method, predict, predict_grid
from forgebench.submission.submit import submit
from forgebench.submission.validate import validate
from forgebench.submission.write import write_submission

__all__ = [
    "FATAL", "Method", "Submission", "SubmissionManifest", "json_schema", "load_method", "open_submission", "predict",
    "predict_grid", "prediction_line", "submit", "usable", "validate", "write_submission",
]  # fmt: skip
