"""The curves, from per-image tables; and the curves as Plotly figures.

A figure's traces name their entry or label under `meta`; colours are the page's, which has a light and a dark set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from forgebench.metrics import Table, calibration, image
from forgebench.metrics.pixel import BINS, THRESHOLD, Floats, Histograms, ratio
from forgebench.report.entries import Entry

SCORE_BINS = 20
_MOST_POINTS = 2000
_DIGITS = 5

Figure = dict[str, Any]
Curve = tuple[Floats, Floats]
Bins = tuple[Floats, Floats, Floats]
"""What was said, what was so, and of how many, in each bin that holds any."""


def f1_by_threshold(table: Table) -> Floats:
    """Pixel F1 at each byte threshold, mean over tampered images with a mask; shape (256,), NaN without any.

    At 128 it is `pixel_f1`: undefined images are left out, invalid predictions count 0.
    """
    total, n = np.zeros(BINS), 0
    for rows, tampered, authentic in table.blocks() if table.localizes else ():
        inside = table.tampered_with_mask[rows]
        tp, fp = (_at_or_above(h[inside]) for h in (tampered, authentic))
        p = np.broadcast_to(tp[:, :1], tp.shape)
        f1 = ratio(2 * tp, tp + fp + p, where=p > 0)
        f1[~table.valid[rows][inside]] = 0.0
        defined = ~np.isnan(f1[:, 0])
        total, n = total + f1[defined].sum(axis=0), n + int(defined.sum())
    return total / n if n else np.full(BINS, np.nan)


def _at_or_above(histograms: Histograms) -> Histograms:
    """How many pixels have at least each byte, shape (N, 256)."""
    return np.cumsum(histograms[:, ::-1].astype(np.int64), axis=1)[:, ::-1]


def _pooled(table: Table) -> tuple[Histograms, Histograms]:
    """True and false positives over all pixels of tampered images, at each byte that occurs, from the highest."""
    by_unit = table.histograms_by_unit(table.tampered_with_mask)
    tampered, authentic = (h.sum(axis=0).astype(np.int64)[::-1] for h in by_unit)
    occurs = tampered + authentic > 0
    return np.cumsum(tampered)[occurs], np.cumsum(authentic)[occurs]


def pixel_roc(table: Table) -> Curve:
    """False and true positive rates over the pooled pixels, from (0, 0) to (1, 1); empty without both classes."""
    if not table.localizes:
        return np.empty(0), np.empty(0)
    tp, fp = _pooled(table)
    if not len(tp) or not tp[-1] or not fp[-1]:
        return np.empty(0), np.empty(0)
    return np.concatenate([[0], fp / fp[-1]]), np.concatenate([[0], tp / tp[-1]])


def pixel_precision_recall(table: Table) -> Curve:
    """Recall and precision over the pooled pixels, from the highest threshold; empty without both classes."""
    if not table.localizes:
        return np.empty(0), np.empty(0)
    tp, fp = _pooled(table)
    if not len(tp) or not tp[-1] or not fp[-1]:
        return np.empty(0), np.empty(0)
    return tp / tp[-1], tp / (tp + fp)


def _steps(table: Table) -> Curve:
    """The same from recall 0 on, to be drawn as steps.

    The area below is `pixel_ap_pooled` where all predictions are valid.
    """
    recall, precision = pixel_precision_recall(table)
    return np.concatenate([[0.0][: len(recall)], recall]), np.concatenate([precision[:1], precision])


def image_roc(table: Table) -> Curve:
    """False and true positive rates over the images, from (0, 0) to (1, 1); empty without both classes."""
    fpr, tpr = (rates[0] for rates in image.curve_counts(table, table.whole).rates)
    return (np.empty(0), np.empty(0)) if np.isnan(fpr[-1] + tpr[-1]) else (fpr, tpr)


def reliability(table: Table) -> Bins:
    """Mean score, share of tampered images and number of images, of each of 15 bins that holds a valid prediction."""
    return _held(calibration.image_reliability_counts(table, table.whole))


def pixel_reliability(table: Table) -> Bins:
    """The same of the pixels of all images with a mask; empty without predicted masks."""
    if not table.localizes:
        return np.empty(0), np.empty(0), np.empty(0)
    inside = table.has_truth
    tampered, authentic = (h.sum(axis=0, keepdims=True) for h in table.histograms_by_unit(inside))
    missing = inside & ~table.valid
    lost = np.array([[px[missing].sum() for px in (table.tampered_px, table.authentic_px)]])
    return _held(calibration.pixel_reliability_counts(tampered, authentic, lost))


def _held(counts: calibration.Reliability) -> Bins:
    held = counts.total[0] > 0
    said, so, n = (values[0][held] for values in (counts.said, counts.tampered, counts.total))
    return said / n, so / n, n


def score_histogram(table: Table, tampered: bool) -> Histograms:
    """How many valid scores of one label fall into each of 20 equal bins of [0, 1]; shape (20,)."""
    scores = table.score[table.valid & (table.tampered == tampered)]
    return np.histogram(scores, bins=SCORE_BINS, range=(0, 1))[0]


def figures(entries: Sequence[Entry]) -> dict[str, Figure]:
    """Every curve of the page as a Plotly figure; one that no entry has a line in is left out."""
    tables = [entry.table for entry in entries]
    found = {
        "f1": _figure(_f1_traces(entries), "threshold", "mean pixel F1"),
        "pixel_roc": _figure(_lines(entries, map(pixel_roc, tables)), "false positive rate", "true positive rate"),
        "pixel_pr": _figure(_lines(entries, map(_steps, tables), shape="vh"), "recall", "precision"),
        "image_roc": _figure(_lines(entries, map(image_roc, tables)), "false positive rate", "true positive rate"),
        "reliability": _figure(
            _reliability_traces(entries, map(reliability, tables), "images"), "mean score", "share tampered"
        ),
        "pixel_reliability": _figure(
            _reliability_traces(entries, map(pixel_reliability, tables), "pixels"), "mean probability", "share tampered"
        ),
    }
    for name in ("pixel_roc", "image_roc", "reliability", "pixel_reliability"):
        found[name]["layout"]["shapes"] = [{"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1}]
    byte = THRESHOLD / (BINS - 1)
    highest = max((y for trace in found["f1"]["data"] for y in trace["y"]), default=0.0)
    found["f1"]["layout"]["shapes"] = [{"type": "line", "x0": byte, "x1": byte, "y0": 0, "y1": 1}]
    found["f1"]["layout"]["yaxis"]["range"] = [0, min(1.02, 1.1 * highest + 0.02)]
    for index, entry in enumerate(entries):
        found[f"scores-{index}"] = _figure(_score_traces(entry), "score", "share of images")
    return {name: figure for name, figure in found.items() if figure["data"]}


def _figure(traces: list[Figure], x: str, y: str) -> Figure:
    axes = {f"{axis}axis": {"title": {"text": text}, "range": [-0.02, 1.02]} for axis, text in (("x", x), ("y", y))}
    return {"data": traces, "layout": axes}


def _line(index: int, entry: Entry, x: Floats, y: Floats, **more: object) -> Figure:
    return {
        "type": "scatter", "mode": "lines", "name": escape(entry.title, quote=False), "meta": {"entry": index},
        "x": _plain(x), "y": _plain(y), **more,
    }  # fmt: skip


def _lines(entries: Sequence[Entry], curves: Iterable[Curve], shape: str = "linear") -> list[Figure]:
    traces = []
    for index, (entry, (x, y)) in enumerate(zip(entries, curves, strict=True)):
        if len(x):
            keep = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).astype(np.int64))
            traces.append(_line(index, entry, x[keep], y[keep], line={"shape": shape}))
    return traces


def _f1_traces(entries: Sequence[Entry]) -> list[Figure]:
    x = np.arange(BINS) / (BINS - 1)
    values = [(index, entry, f1_by_threshold(entry.table)) for index, entry in enumerate(entries)]
    lines = [_line(index, entry, x, f1) for index, entry, f1 in values if not np.isnan(f1[0])]
    return lines + [mark for index, entry, _ in values for mark in _frozen_mark(index, entry)]


def _frozen_mark(index: int, entry: Entry) -> list[Figure]:
    """The record's own F1 at the threshold that was frozen, where there is one."""
    frozen, f1 = entry.record.calibration, entry.value("pixel_f1_frozen")
    if frozen is None or f1 is None:
        return []
    at, marker = np.array([frozen.byte / (BINS - 1)]), {"symbol": "diamond", "size": 11}
    return [_line(index, entry, at, np.array([f1]), mode="markers", marker=marker)]


def _reliability_traces(entries: Sequence[Entry], bins: Iterable[Bins], of: str) -> list[Figure]:
    traces = []
    for index, (entry, (said, so, n)) in enumerate(zip(entries, bins, strict=True)):
        if len(n):
            sizes = 6 + 14 * np.sqrt(n / n.sum())
            one = _line(index, entry, said, so, mode="lines+markers", marker={"size": _plain(sizes)})
            traces.append(one | {"customdata": _plain(n), "meta": {"entry": index, "of": of}})
    return traces


def _score_traces(entry: Entry) -> list[Figure]:
    centres = (np.arange(SCORE_BINS) + 0.5) / SCORE_BINS
    traces = []
    for label, tampered in (("authentic", False), ("tampered", True)):
        counts = score_histogram(entry.table, tampered)
        if counts.sum():
            traces.append({
                "type": "bar", "name": label, "meta": {"label": label}, "x": _plain(centres),
                "y": _plain(counts / counts.sum()), "customdata": _plain(counts), "width": 1 / SCORE_BINS,
            })  # fmt: skip
    return traces


def _plain(values: Floats | Histograms) -> list[float]:
    """Numbers for JSON."""
    return [round(float(value), _DIGITS) for value in values]
