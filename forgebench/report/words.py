"""The summary in sentences, each of them read off the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forgebench.metrics import DEFINITIONS
from forgebench.report.entries import DEFINITION, Entry
from forgebench.report.ranking import Ranking
from forgebench.report.results import shown
from forgebench.scoring.record import MetricValue

_CHANCE = {"image_auc": 0.5, "pixel_auc": 0.5}
"""What a guess has."""


def sentences(entries: Sequence[Entry], rankings: dict[str, Ranking]) -> list[str]:
    """What the numbers say."""
    leads = [rankings[metric] for metric in ("pixel_f1", "image_auc") if metric in rankings]
    return [
        *(sentence for ranking in leads for sentence in _lead(entries, ranking)),
        *_near_chance(entries),
        *_false_alarms(entries),
        *_coverage(entries),
        *_undefined(entries),
    ]


def listed(names: Sequence[str]) -> str:
    """Names as one speaks them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _title(metric: str) -> str:
    title = DEFINITIONS[DEFINITION].metric(metric).title
    return title[0].lower() + title[1:] if title[1:2].islower() else title


def _with_interval(number: MetricValue) -> str:
    value = "undefined" if number.value is None else shown(number.value)
    if number.ci_low is None or number.ci_high is None:
        return f"{value} (no interval)"
    return f"{value} (95 % interval {shown(number.ci_low)} to {shown(number.ci_high)})"


def _lead(entries: Sequence[Entry], ranking: Ranking) -> Iterator[str]:
    title = _title(ranking.metric)
    if not ranking.order:
        yield f"No entry has a defined {title}."
        return
    best = ranking.order[0]
    number = best.number(ranking.metric)
    if number is None:
        raise ValueError(f"{best.title} was ranked without a value")
    if len(entries) == 1:
        yield f"{best.title} has a {title} of {_with_interval(number)}."
        return
    first = [entry.title for entry in ranking.order if entry.value(ranking.metric) == number.value]
    have = "have" if len(first) > 1 else "has"
    yield " ".join([
        f"{listed(first)} {have} the highest {title}, {_with_interval(number)}.",
        *_hedge(ranking, first),
    ])  # fmt: skip


def _hedge(ranking: Ranking, first: Sequence[str]) -> Iterator[str]:
    """Whom the paired comparison tells from the best, and whom not."""
    others = [entry.title for entry in ranking.order if entry.title not in first]
    if not others:
        return
    open_ones = [name for name in others if not ranking.ahead[name].separated]
    if open_ones:
        yield f"The data do not tell it from {listed(open_ones)}" + (
            "." if len(open_ones) == len(others) else "; from the others they do."
        )
    else:
        yield f"The data tell it from {'every other entry' if len(others) > 1 else others[0]}."
    gap = ranking.ahead[others[0]]
    yield (
        f"The paired difference to {others[0]}, the next, is {shown(gap.value)} "
        f"(95 % interval {shown(gap.ci_low)} to {shown(gap.ci_high)}, Holm-corrected p = {gap.p_holm:.2g})."
    )


def _near_chance(entries: Sequence[Entry]) -> Iterator[str]:
    for metric, chance in _CHANCE.items():
        names = []
        for entry in entries:
            number = entry.number(metric)
            if number and number.ci_low is not None and number.ci_high is not None:
                names += [entry.title] if number.ci_low <= chance <= number.ci_high else []
        if names:
            of = "interval" if len(names) == 1 else "intervals"
            includes = "includes" if len(names) == 1 else "include"
            yield f"By {_title(metric)}, the {of} of {listed(names)} {includes} {chance}, what guessing gives."


def _false_alarms(entries: Sequence[Entry]) -> Iterator[str]:
    called = []
    for entry in entries:
        number = entry.number("fpr_authentic")
        if number and number.value is not None:
            called.append((round(number.value * number.n), number.n, entry.title))
    if called:
        parts = [f"{title} calls {count} of {n}" for count, n, title in sorted(called, key=lambda one: one[0])]
        yield f"On the authentic images, {listed(parts)} tampered."


def _coverage(entries: Sequence[Entry]) -> Iterator[str]:
    n = entries[0].record.benchmark.n
    short = [entry for entry in entries if entry.record.predictions.n_valid < n]
    if not short:
        yield f"{'Every entry has' if len(entries) > 1 else 'There is'} a valid prediction for each of the {n} samples."
    for entry in short:
        kinds = entry.record.predictions.problems.items()
        lost = n - entry.record.predictions.n_valid
        yield (
            f"{entry.title} lacks a valid prediction for {lost} of {n} samples "
            f"({', '.join(f'{kind.replace('_', ' ')} {count}' for kind, count in kinds)}); "
            "each of them counts as the worst value that the metric allows."
        )


def _undefined(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        parts = [
            f"{_title(m.metric)} for {m.n_undefined} of {m.n}"
            for m in entry.record.metrics
            if m.n_undefined and m.definition == DEFINITION and m.subset is None
        ]
        if not entry.table.localizes:
            yield f"{entry.title} was submitted without masks: its localization is undefined."
        elif parts:
            yield f"Undefined, and left out of the mean: {listed(parts)} samples of {entry.title}."
