"""What an audit concludes, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from forgebench.audits.document import BenchmarkAudit, Finding, PairCount, Recurring, Verdict
from forgebench.audits.duplicates import LEAKS

FINDINGS = {
    "empty_mask": "tampered, with an empty mask",
    "full_mask": "tampered, with the whole image marked",
    "tiny_mask": "tampered, with no region of at least 0.1 % of the image",
    "specks": "with regions under 0.1 % of the image beside larger ones",
    "marked_authentic": "authentic, with a mask that marks something",
    "mask_disagrees": "whose mask covers less than 75 % of the difference from the authentic original",
    "box_misses": "with more than 5 % of the tampered pixels in no box",
    "box_empty": "with a box that holds no tampered pixel",
}
"""Findings of single samples, in words after "N samples "."""
_ACROSS = {
    "benchmarks": "in both of two benchmarks",
    "splits": "in two splits",
    "labels": "under both labels",
    "groups": "in two groups of a split",
}


def verdicts(
    audits: Sequence[BenchmarkAudit],
    counts: Sequence[PairCount],
    recurring: Sequence[Recurring],
    findings: Sequence[Finding],
) -> Iterator[Verdict]:
    """Every conclusion: the probes, leaks, and findings by kind."""
    for one in audits:
        for probe in one.probes:
            yield _verdict(f"shortcut_{probe.name}", [one.name], probe.text, negative=probe.verdict == "shortcut")
    yield from map(_pairs, counts)
    if not counts:
        text = "No image is there twice, or nearly so, across benchmarks, splits or groups."
        yield _verdict("no_duplicates", [one.name for one in audits], text)
    yield from _recurring(recurring)
    times = Counter((finding.benchmark, finding.code) for finding in findings)
    for (name, code), number in sorted(times.items()):
        yield _verdict(code, [name], f"{counted(number, 'sample')} {FINDINGS[code]}.")


def _verdict(code: str, names: list[str], text: str, *, negative: bool = False) -> Verdict:
    return Verdict(code=code, benchmarks=names, negative=negative, text=text)


def _pairs(one: PairCount) -> Verdict:
    what = counted(one.pairs, "pair") + (" of the same bytes" if one.kind == "exact" else " of near duplicates")
    names = sorted({place.rpartition("/")[0] for place in one.between})
    text = f"{what} {_ACROSS[one.across]}: {' and '.join(dict.fromkeys(one.between))}."
    return _verdict(f"{one.kind}_across_{one.across}", names, text, negative=one.across in LEAKS)


def _recurring(recurring: Sequence[Recurring]) -> Iterator[Verdict]:
    for (what, name), some in groupby(recurring, key=lambda one: (one.what, one.benchmark)):
        first, *others = some
        samples = ", ".join(f"{n} in {split}" for split, n in first.samples.items())
        number = counted(1 + len(others), what)
        text = f"{number} in several splits, such as {first.name[:32]} ({samples})."
        yield _verdict(f"{what}_across_splits", [name], text, negative=True)


def counted(number: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "pair"), counted(1200, "sample")
    ('1 pair', '1 200 samples')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}".replace(",", " ")
