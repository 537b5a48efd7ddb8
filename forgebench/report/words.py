"""The summary in sentences, each of them read off the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forgebench.metrics import DEFINITIONS
from forgebench.report.absence import absence
from forgebench.report.entries import DEFINITION, Entry
from forgebench.report.misses import misses
from forgebench.report.ranking import Ranking
from forgebench.report.results import shown
from forgebench.scoring.record import MetricValue

_LEADS = ("pixel_f1", "image_auc")
_CHANCE = {"pixel_auc": 0.5, "image_auc": 0.5}
"""What a guess has."""
_MANY = 5


def sentences(entries: Sequence[Entry], rankings: dict[str, Ranking], lead: str) -> list[str]:
    """What the numbers say, the leading metric first; `rankings` by metric."""
    return [
        *(" ".join(_lead(len(entries), rankings[metric])) for metric in dict.fromkeys((lead, *_LEADS))),
        *misses(entries[:_MANY]),
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
    """A metric's name within a sentence.

    >>> _title("pixel_f1"), _title("fpr_authentic")
    ('pixel F1', 'FPR on authentic')
    """
    title = DEFINITIONS[DEFINITION].metric(metric).title
    return title[0].lower() + title[1:] if title[1].islower() else title


def _with_interval(number: MetricValue, value: float) -> str:
    if number.ci_low is None or number.ci_high is None:
        return f"{shown(value)} (no interval)"
    return f"{shown(value)} (95 % interval {shown(number.ci_low)} to {shown(number.ci_high)})"


def _lead(n_entries: int, ranking: Ranking) -> Iterator[str]:
    title = _title(ranking.metric)
    number = ranking.order[0].number(ranking.metric) if ranking.order else None
    if number is None or number.value is None:
        yield f"No entry has a defined {title}."
        return
    first = [entry.title for entry in ranking.order if entry.value(ranking.metric) == number.value]
    value = _with_interval(number, number.value)
    if n_entries == 1:
        yield f"{first[0]} has {_article(title)} {title} of {value}."
    else:
        end = "highest" if DEFINITIONS[DEFINITION].metric(ranking.metric).higher_is_better else "lowest"
        yield f"{listed(first)} {'have' if len(first) > 1 else 'has'} the {end} {title}, {value}."
        yield from _hedge(ranking, first)


def _article(word: str) -> str:
    return "an" if word[0] in "aeio" else "a"


def _hedge(ranking: Ranking, first: Sequence[str]) -> Iterator[str]:
    """Whom the paired comparison tells from the best, and whom not."""
    others = [entry.title for entry in ranking.order if entry.title not in first]
    if not others:
        return
    alike = [name for name in others if not ranking.ahead[name].separated]
    if not alike:
        yield f"The data tell {first[0]} apart from {'every other entry' if len(others) > 1 else others[0]}."
    else:
        rest = "." if len(alike) == len(others) else "; from the others they do."
        yield f"The data do not tell {first[0]} apart from {listed(alike)}{rest}"
    gap = ranking.ahead[others[0]]
    yield (
        f"The paired difference to {others[0]}{', the next,' if len(others) > 1 else ''} is {shown(gap.value)} "
        f"({shown(gap.ci_low)} to {shown(gap.ci_high)}; Holm-corrected p = {gap.p_holm:.2g})."
    )


def _near_chance(entries: Sequence[Entry]) -> Iterator[str]:
    for metric, chance in _CHANCE.items():
        names = [entry.title for entry in entries if _includes(entry.number(metric), chance)]
        whose = "every entry" if 1 < len(names) == len(entries) else listed(names)
        if names:
            verb = "intervals of {} include" if 1 < len(names) < len(entries) else "interval of {} includes"
            yield f"By {_title(metric)}, the {verb.format(whose)} {chance}, what guessing gives."


def _includes(number: MetricValue | None, value: float) -> bool:
    if number is None or number.ci_low is None or number.ci_high is None:
        return False
    return number.ci_low <= value <= number.ci_high


def _false_alarms(entries: Sequence[Entry]) -> Iterator[str]:
    numbers = [(entry.title, entry.number("fpr_authentic")) for entry in entries]
    calls = [(round(m.value * m.n), title) for title, m in numbers if m and m.value is not None]
    calls.sort(key=lambda call: call[0])
    of = f"Of the {entries[0].record.benchmark.n_authentic} authentic images,"
    if len(calls) > _MANY:
        (fewest, low), *_, (most, high) = calls
        yield f"{of} {low} calls the fewest tampered, {fewest}, and {high} the most, {most}."
    elif calls:
        parts = [f"{title} {'calls ' if place == 0 else ''}{count}" for place, (count, title) in enumerate(calls)]
        yield f"{of} {listed(parts)} tampered."


def _coverage(entries: Sequence[Entry]) -> Iterator[str]:
    n = entries[0].record.benchmark.n
    if not any(entry.lost for entry in entries):
        yield f"{'Every entry has' if len(entries) > 1 else 'There is'} a valid prediction for each of the {n} samples."
    for entry in entries:
        kinds = [f"{count} {kind.replace('_', ' ')}" for kind, count in entry.record.predictions.problems.items()]
        if entry.lost:
            yield (
                f"{entry.title} lacks a valid prediction for {entry.lost} of {n} samples ({', '.join(kinds)}); "
                "each of them counts as the worst value that the metric allows."
            )


def _undefined(entries: Sequence[Entry]) -> Iterator[str]:
    silent = [entry.title for entry in entries if not entry.table.localizes]
    if silent:
        was = "was" if len(silent) == 1 else "were"
        yield f"{listed(silent)} {was} submitted without masks: localization is undefined there."
    alike: dict[tuple[str, ...], list[str]] = {}
    for metric in DEFINITIONS[DEFINITION].metrics:
        numbers = [(entry, entry.number(metric.id)) for entry in entries]
        parts = tuple(
            f"{m.n_undefined} of {m.n} samples of {entry.title}"
            for entry, m in numbers
            if m and m.n_undefined and not (m.value is None and absence(metric, m, entry))
        )
        if parts:
            alike.setdefault(parts, []).append(metric.title)
    for parts, titles in alike.items():
        are, whose = ("is", "its mean") if len(titles) == 1 else ("are", "their means")
        named = listed(titles if len(titles) <= _MANY else [*titles[:2], f"{len(titles) - 2} further metrics"])
        yield f"{named} {are} undefined for {listed(parts)}: they are counted, and left out of {whose}."
