"""What an audit concludes, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from forgebench.audit.document import BenchmarkAudit, Finding, PairCount, Recurring, Verdict
from forgebench.audit.duplicates import LEAKS

FINDINGS = {
    "empty_mask": "tampered, with an empty mask",
    "full_mask": "tampered, with the whole image marked",
    "tiny_mask": "tampered, with no region of at least 0.1 % of the image",
    "specks": "with regions under 0.1 % of the image beside larger ones",
    "marked_authentic": "authentic, with a mask that marks something",
    "mask_disagrees": "whose mask covers less than half of the difference from the authentic original",
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
            negative = probe.verdict == "shortcut"
            yield Verdict(code=f"shortcut_{probe.name}", benchmark=one.name, negative=negative, text=probe.text)
    yield from _duplicates(counts)
    yield from _recurring(recurring)
    times = Counter((finding.benchmark, finding.code) for finding in findings)
    for (name, code), number in sorted(times.items()):
        yield Verdict(code=code, benchmark=name, negative=False, text=f"{counted(number, 'sample')} {FINDINGS[code]}.")


def _duplicates(counts: Sequence[PairCount]) -> Iterator[Verdict]:
    if not counts:
        yield Verdict(
            code="no_duplicates", benchmark=None, negative=False,
            text="No image is there twice, or nearly so, across benchmarks, splits or groups.",
        )  # fmt: skip
    for one in counts:
        what = counted(one.pairs, "pair") + (" of the same bytes" if one.kind == "exact" else " of near duplicates")
        left, right = one.between
        where = f"{left} and {right}" if left != right else left
        yield Verdict(
            code=f"{one.kind}_across_{one.across}", benchmark=None, negative=one.across in LEAKS,
            text=f"{what} {_ACROSS[one.across]}: {where}.",
        )  # fmt: skip


def _recurring(recurring: Sequence[Recurring]) -> Iterator[Verdict]:
    for what in ("group", "photograph"):
        found = [one for one in recurring if one.what == what]
        if found:
            first = found[0]
            samples = ", ".join(f"{n} in {split}" for split, n in first.samples.items())
            yield Verdict(
                code=f"{what}_across_splits", benchmark=None, negative=True,
                text=f"{counted(len(found), what)} in several splits, such as {first.name[:32]} of {first.benchmark} "
                f"({samples}).",
            )  # fmt: skip


def counted(number: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "pair"), counted(1200, "sample")
    ('1 pair', '1 200 samples')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}".replace(",", " ")
