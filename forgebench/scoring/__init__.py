"""Scoring: submission × benchmark → per-image counts → record; verify, rescore, compare."""

from forgebench.scoring.compare import Comparison, compare
from forgebench.scoring.grid import score_grid
from forgebench.scoring.record import Record, read_record
from forgebench.scoring.robust import Robustness
from forgebench.scoring.robustness import robustness
from forgebench.scoring.score import score
from forgebench.scoring.sign import is_signed, rounded, sign, sign_bytes, signed
from forgebench.scoring.verify import rescore, verify

__all__ = [
    "Comparison", "Record", "Robustness", "compare", "is_signed", "read_record", "rescore", "robustness", "rounded",
    "score", "score_grid", "sign", "sign_bytes", "signed", "verify",
]  # fmt: skip
