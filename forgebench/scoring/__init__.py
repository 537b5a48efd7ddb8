"""Scoring: submission × benchmark → per-image counts → record; verify, rescore, compare."""

from forgebench.scoring.compare import Comparison, compare
from forgebench.scoring.record import Record, read_record
from forgebench.scoring.score import score
from forgebench.scoring.sign import sign
from forgebench.scoring.verify import rescore, verify

__all__ = ["Comparison", "Record", "compare", "read_record", "rescore", "score", "sign", "verify"]
