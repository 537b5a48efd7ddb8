"""Prometheus metrics: requests counted as they pass, the queue as the database has it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select

from leaderboard.service.board import Board
from leaderboard.service.models import AuditEntry, Job, Submission

REGISTRY = CollectorRegistry()
REQUESTS = Counter("board_requests_total", "Requests by status.", ["method", "status"], registry=REGISTRY)
SECONDS = Histogram("board_request_seconds", "Time to the end of the answer.", registry=REGISTRY)
_JOBS = Gauge("board_jobs", "Jobs by state.", ["state"], registry=REGISTRY)
_SUBMISSIONS = Gauge("board_submissions", "Submissions by state.", ["state"], registry=REGISTRY)
_OLDEST = Gauge("board_oldest_waiting_timestamp_seconds", "When the oldest waiting job was made.", registry=REGISTRY)
_AUDIT = Gauge("board_audit_lines", "Lines of the audit log; they never become fewer.", registry=REGISTRY)


def exposition(board: Board) -> bytes:
    """All metrics, in Prometheus' text format."""
    with board.database.read() as session:
        jobs = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        states = session.execute(select(Submission.state, func.count()).group_by(Submission.state)).all()
        oldest = session.scalar(select(func.min(Job.created)).where(Job.state == "waiting"))
        lines = session.scalar(select(func.max(AuditEntry.number)))
    for gauge, counts in ((_JOBS, jobs), (_SUBMISSIONS, states)):
        gauge.clear()
        for state, count in counts:
            gauge.labels(state).set(count)
    _OLDEST.set(oldest or 0)
    _AUDIT.set(lines or 0)
    return generate_latest(REGISTRY)
