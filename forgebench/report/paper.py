"""The main table for a paper, in Markdown or LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from forgebench.metrics import DEFINITIONS
from forgebench.report.entries import DEFINITION, Entry
from forgebench.report.ranking import Ranking
from forgebench.report.results import columns, main_rows

_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "—": "---", "−": "$-$",
    "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&$])")


def tex(value: object) -> str:
    r"""Text as LaTeX sets it.

    >>> tex("50 % of A_1 & {B}")
    '50 \\% of A\\_1 \\& \\{B\\}'
    """
    return "".join(_TEX.get(one, one) for one in str(value))


def md(value: object) -> str:
    r"""Text as Markdown sets it within a line.

    >>> md("A|B *c*")
    'A\\|B \\*c\\*'
    """
    return _MARKDOWN.sub(r"\\\1", str(value))


@dataclass(frozen=True)
class Form:
    """A format: its template, and how text is escaped there."""

    template: str
    escape: Callable[[object], str]


MARKDOWN = Form("table.md.j2", md)
LATEX = Form("table.tex.j2", tex)


def paper_table(form: Form, entries: Sequence[Entry], rankings: dict[str, Ranking], lead: str) -> str:
    """The main table, with what its numbers are of and from in the caption."""
    record, definition = entries[0].record, DEFINITIONS[DEFINITION]
    versions = {entry.record.definitions[DEFINITION] for entry in entries if DEFINITION in entry.record.definitions}
    return _environment(form).get_template(form.template).render(
        benchmark=record.benchmark,
        statistics=record.statistics,
        definition=DEFINITION,
        versions=sorted(versions),
        columns=[definition.metric(name) for name in columns(lead)],
        lead=definition.metric(lead),
        entries=entries,
        rows=main_rows(entries, rankings, lead),
    )  # fmt: skip


def _environment(form: Form) -> Environment:
    """Every expression of a template is escaped as text of that format, but what it says is `safe`."""

    def finalize(value: object) -> str:
        return value if isinstance(value, Markup) else form.escape(value)

    # Braces are LaTeX's own. Autoescaping is HTML's.
    return Environment(
        loader=PackageLoader("forgebench.report", "assets"), autoescape=False, finalize=finalize,  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        block_start_string="<%", block_end_string="%>", variable_start_string="<<", variable_end_string=">>",
        comment_start_string="<#", comment_end_string="#>",
    )  # fmt: skip
