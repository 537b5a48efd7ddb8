"""Shortcuts: does what a method should not go by tell tampered from authentic?

A classifier sees the file's container, or statistics of the whole image, and is judged on samples of groups that it
was not trained on. Three biases are kept out. A photograph's forgery and its original, even where a data set gives
them two groups, are never divided between training and test (two samples alike but for the label, one on either
side, push the AUC far below 0.5). Folds have about the shares of labels of the whole, and labels weigh alike in
training, for a fold with more of one label is trained on less of it. And nothing is chosen by its result: one
classifier, one setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forgebench.audits import container, pixels
from forgebench.audits.document import Feature, Probe
from forgebench.audits.look import Floats, Look
from forgebench.metrics import image
from forgebench.metrics.intervals import bootstrap, percentile_interval
from forgebench.metrics.table import Statistic, Table

LIMIT = 0.6
"""A shortcut: the lower end of the AUC's 95 % interval is above this."""
FOLDS = 5
REPEATS = 3
"""Divisions into folds; a sample's score is the mean over them."""

_BINS = 64
_MOST_VALUES = 12
"""Of a kind: the most frequent ones each become a feature."""
_SEES = {
    "container": "format, name suffix, size, compression and metadata of the file",
    "statistics": "colour, contrast, sharpness, noise and traces of compression of the whole image",
}

Name = Literal["container", "statistics"]
Direction = Literal["higher is tampered", "lower is tampered", "neither"]
Verdict = Literal["shortcut", "weak", "none found", "below chance", "undefined"]
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Features:
    """What a classifier sees."""

    names: list[str]
    values: Floats
    """Shape (N, F); NaN where a sample has no such thing."""


def container_features(looks: Sequence[Look]) -> Features:
    """The numbers of the files, and one 0/1 feature for each frequent value of each kind."""
    names = list(container.NUMBERS)
    columns = [np.array([look.file for look in looks])]
    for index, kind in enumerate(container.KINDS):
        values = [look.kinds[index] for look in looks]
        frequent = Counter(values).most_common(_MOST_VALUES)
        for value, count in sorted(frequent):
            if count < len(looks):
                names.append(f"{kind} is {value or 'absent'}")
                columns.append(np.array([[value == other] for other in values], np.float64))
    return Features(names, np.hstack(columns))


def statistics_features(looks: Sequence[Look]) -> Features:
    """The statistics of the images."""
    return Features(list(pixels.NUMBERS), np.array([look.image for look in looks]))


PROBES: dict[Name, Callable[[Sequence[Look]], Features]] = {
    "container": container_features,
    "statistics": statistics_features,
}
"""The probes by name, and what each sees."""


def probe(
    name: Name, features: Features, tampered: Labels, units: NDArray[np.int64], *, seed: int, resamples: int
) -> Probe:
    """Judge one set of features.

    Args:
        name: Of the probe.
        features: Of all samples.
        tampered: Shape (N,).
        units: Shape (N,): samples of one unit are never divided between training and test.
        seed: Of folds, classifier and bootstrap.
        resamples: Of the bootstrap over units; the classifiers are not trained again, so the interval says how far
            these scores are from chance, not how a larger benchmark would come out.
    """
    telling = sorted(_features(features, tampered), key=lambda one: (-(one.auc_either_way or 0), one.name))
    auc = low = high = nan
    verdict: Verdict = "undefined"
    if not (text := _missing(tampered, units)):
        scores = _scores(features.values, tampered, units, seed)
        auc = _plain_auc(scores, tampered)
        low, high = _interval(scores, tampered, units.astype(str), seed, resamples)
        verdict, text = _verdict(name, auc, low, high, telling)
    numbers = [None if isnan(number) else number for number in (auc, low, high)]
    return Probe(
        name=name, sees=_SEES[name], verdict=verdict, text=text, auc=numbers[0], ci_low=numbers[1], ci_high=numbers[2],
        n=len(units), n_units=len(np.unique(units)), features=telling,
    )  # fmt: skip


def _missing(tampered: Labels, units: NDArray[np.int64]) -> str:
    """Why nothing can be said, or nothing."""
    for label, members in (("authentic", ~tampered), ("tampered", tampered)):
        groups = len(np.unique(units[members]))
        if groups < FOLDS:
            what = "no samples" if not groups else f"samples in {groups} group{'s' if groups > 1 else ''} alone"
            return f"Undefined: there are {what} with the label {label}; {FOLDS} groups are needed."
    return ""


def _scores(values: Floats, tampered: Labels, units: NDArray[np.int64], seed: int) -> Floats:
    """Out of fold: how much each sample looks tampered to classifiers that saw none of its unit."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    values = np.stack([_binned(column) for column in values.T], axis=1)
    total = np.zeros(len(units))
    for repeat in range(REPEATS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for train, test in folds.split(values, tampered, units):
            seen = ~np.isnan(values[train]).all(axis=0)
            classifier = HistGradientBoostingClassifier(
                max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, class_weight="balanced", early_stopping=False,
                random_state=seed,
            ).fit(values[train][:, seen], tampered[train])  # fmt: skip
            total[test] += classifier.predict_proba(values[test][:, seen])[:, 1]
    return total / REPEATS


def _binned(column: Floats) -> Floats:
    """A number as the index of one of at most 64 bins that hold about as many samples each; NaN stays.

    Trees see the order of values alone, and finding their thresholds among weighted values is slow.
    """
    has = ~np.isnan(column)
    if not has.any():
        return column
    edges = np.unique(np.quantile(column[has], np.linspace(0, 1, _BINS + 1)[1:-1], method="lower"))
    return np.where(has, np.searchsorted(edges, column, side="left"), nan)


def _interval(
    scores: Floats, tampered: Labels, units: NDArray[np.str_], seed: int, resamples: int
) -> tuple[float, float]:
    """The 95 % interval of the scores' AUC, whole units drawn with replacement."""
    n = len(scores)
    no_histogram, no_pixels = np.zeros((n, 256), np.int8), np.zeros(n, np.int64)
    table = Table(
        sample_id=np.arange(n).astype(str), group=units, tampered=tampered, score=scores, valid=np.ones(n, bool),
        hist_tampered=no_histogram, hist_authentic=no_histogram, tampered_px=no_pixels, authentic_px=no_pixels,
    )  # fmt: skip
    auc = Statistic(n, 0, lambda weights: image.auc(image.curve_counts(table, weights)))
    return percentile_interval(bootstrap({"auc": auc}, table.drawn_by, seed, resamples)["auc"])


def _verdict(name: Name, auc: float, low: float, high: float, telling: Sequence[Feature]) -> tuple[Verdict, str]:
    number = f"AUC {auc:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    if low > LIMIT:
        best = telling[0]
        return "shortcut", (
            f"Shortcut: {_SEES[name]} alone tell tampered from authentic ({number}); most of all "
            f"{best.name.replace('_', ' ')}, by itself {best.auc_either_way:.3f} ({best.direction})."
        )
    if high < 0.5:
        return "below chance", (
            f"Undecided: {_SEES[name]} come out below chance ({number}). Samples that are alike but for their label "
            "are balanced over groups; that neither shows nor excludes a shortcut."
        )
    if low > 0.5:
        return "weak", f"No shortcut, but a trace: {_SEES[name]} tell the label a little ({number})."
    return "none found", f"No shortcut found: {_SEES[name]} are not told from chance ({number})."


def _features(features: Features, tampered: Labels) -> list[Feature]:
    found = []
    direction: Direction
    for name, column in zip(features.names, features.values.T, strict=True):
        has = ~np.isnan(column)
        auc = _plain_auc(column[has], tampered[has])
        if auc == 0.5 or np.isnan(auc):
            direction = "neither"
        else:
            direction = "higher is tampered" if auc > 0.5 else "lower is tampered"
        either = None if np.isnan(auc) else max(auc, 1 - auc)
        found.append(Feature(name=name, auc_either_way=either, direction=direction, n=int(has.sum())))
    return found


def _plain_auc(values: Floats, tampered: Labels) -> float:
    """AUC of one number (Mann and Whitney 1947), ties counting half; NaN without both classes."""
    from scipy.stats import rankdata

    p = int(tampered.sum())
    n = len(tampered) - p
    if not p or not n:
        return nan
    return float((rankdata(values)[tampered].sum() - p * (p + 1) / 2) / (p * n))
