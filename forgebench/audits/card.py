"""The findings as a section of a benchmark's card."""

from __future__ import annotations

import os
import re
from pathlib import Path

from forgebench.audits.document import Audit, BenchmarkAudit, Feature
from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.errors import InputError

CARD = "README.md"
BEGIN, END = "<!-- forgebench audit: begin -->", "<!-- forgebench audit: end -->"
"""What stands between them is written anew by every audit; a card is in none of a benchmark's hashes."""

_SHOWN = 5


def card_section(audit: Audit, name: str) -> str:
    """One benchmark's findings, Markdown.

    Args:
        audit: That the benchmark is in.
        name: The benchmark's in the audit.
    """
    (one,) = (each for each in audit.benchmarks if each.name == name)
    about = [verdict for verdict in audit.verdicts if name in verdict.benchmarks]
    lines = [f"- {'**Fails.** ' if verdict.negative else ''}{verdict.text}" for verdict in about]
    rows = [_row(probe.name, feature) for probe in one.probes for feature in probe.features[:_SHOWN]]
    others = _names(audit, but=name)
    made = f"By ForgeBench {audit.forgebench_version}, seed {audit.seed}, {audit.resamples} resamples"
    parts = [
        "## Audit",
        f"{made}; content hash `{one.content_hash[:12]}…`.{f' Searched together with {others}.' if others else ''}",
        "\n".join(lines),
        "The most telling single features, the better of AUC and 1 − AUC (0.5 tells nothing):",
        "\n".join(["| probe | feature | AUC either way | |", "|---|---|---:|---|", *rows]),
        _regions(one),
    ]
    return "\n\n".join(part for part in parts if part)


def _names(audit: Audit, *, but: str = "") -> str:
    return ", ".join(one.name for one in audit.benchmarks if one.name != but)


def _row(probe: str, feature: Feature) -> str:
    value = "undefined" if feature.auc_either_way is None else f"{feature.auc_either_way:.3f}"
    return f"| {probe} | {feature.name} | {value} | {feature.direction} |"


def _regions(one: BenchmarkAudit) -> str:
    rows = []
    for kind in one.statistics.manipulations:
        area = "" if kind.median_area is None else f"{kind.median_area:.2%}"
        rows.append(f"| {kind.name} | {kind.samples} | {area} | {' | '.join(map(str, kind.regions.values()))} |")
    head = "| manipulation | samples | median area | 1 region | 2 | 3 | 4 or more |"
    return "\n".join([head, "|---" + "|---:" * 6 + "|", *rows]) if rows else ""


def write_card(audit: Audit, benchmark: str | Path | Benchmark) -> Path:
    """Write a benchmark's findings into its card, in place of those of an earlier audit.

    Returns:
        The card's path.

    Raises:
        InputError: If the benchmark is not in the audit, or has no card.
    """
    opened = open_benchmark(benchmark)
    names = [one.name for one in audit.benchmarks if one.content_hash == opened.content_hash]
    path = opened.path / CARD
    if not names:
        raise InputError(f"{opened.path} is not in this audit, which is of: {_names(audit)}. Audit it again.")
    if not path.is_file():
        raise InputError(f"Expected the benchmark's card at {path}, found none. Build the benchmark again.")
    section = f"{BEGIN}\n{card_section(audit, names[0])}\n{END}\n"
    text = path.read_text(encoding="utf-8")
    old = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}\n", re.DOTALL)
    new = old.sub(lambda _: section, text, count=1) if old.search(text) else f"{text.rstrip()}\n\n{section}"
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(new, encoding="utf-8")
    os.replace(temporary, path)  # noqa: PTH105
    return path
