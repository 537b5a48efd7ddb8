"""Why a metric says nothing of a submission, whatever its samples are."""

from __future__ import annotations

from forgebench.metrics import Metric
from forgebench.report.entries import Entry
from forgebench.scoring.record import MetricValue


def absence(metric: Metric, number: MetricValue, entry: Entry) -> str:
    """Why a metric that is undefined for a whole submission is; empty where it could have been defined.

    Args:
        metric: What it means.
        number: The undefined number.
        entry: Whose it is.
    """
    record = entry.record
    reasons = {
        "no threshold was frozen on another split": metric.threshold == "frozen" and record.calibration is None,
        "no explanations were submitted": metric.family == "text" and "explanation" not in record.method.outputs,
        "no probabilities of synthetic were submitted": (
            metric.family == "classes" and "synthetic" not in record.method.outputs
        ),
        "boundaries were not counted": metric.family == "boundary" and "boundary" not in record.per_image.families,
        "zero-shot needs no annotation": metric.family == "cost" and record.method.supervision == "zero-shot",
        f"no sample is {metric.over}": number.n == 0,
        "all images are of one class": (
            metric.family == "image" and 0 in (record.benchmark.n_tampered, record.benchmark.n_authentic)
        ),
        "no masks were submitted": not entry.table.localizes,
    }
    return next((why for why, holds in reasons.items() if holds), "")
