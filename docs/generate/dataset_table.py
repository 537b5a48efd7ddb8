"""Write the table of data sets from their cards."""

from __future__ import annotations

from pathlib import Path

from forgebench.sources import SourceSpec, sources

FILE = Path(__file__).parents[1] / "datasets.md"

_HEAD = """\
# Data sets

What `forgebench build NAME --from DIR --out BENCH` knows of each data set. The facts stand on its card in
`dataset_cards/`; `forgebench sources NAME` prints it: licence, where to get the data, layouts, known defects and what
is done about each. This page is written by `python -m docs.generate.dataset_table`.

*Tested on* says whether the source was tested on files of the data set itself, or only on generated look-alikes with
its names, file kinds and oddities. A source that meets something else than its card says stops and tells what it
expected; it never guesses.
"""
_COLUMNS = ("name", "data set", "authentic", "tampered", "splits", "protocols", "quirks handled", "tested on")


def datasets_text() -> str:
    """The page."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---|---|---:|---:|---|---|---|---|"]
    lines += [f"| {' | '.join(_row(spec))} |" for spec in sources()]
    layouts = [f"## {spec.name}\n\n```\n{spec.card.layout.rstrip()}\n```" for spec in sources()]
    return "\n".join([_HEAD, *lines, "", "# Layouts", "", "\n\n".join(layouts), ""])


def _row(spec: SourceSpec) -> list[str]:
    card = spec.card
    counts = [str(card.expected[label]) if label in card.expected else "" for label in ("authentic", "tampered")]
    listed = [", ".join(names) for names in (card.splits, list(card.protocols))]
    title = card.title if spec.generic else f"[{card.title}]({card.homepage})"
    quirks = "<br>".join(quirk.replace("|", "\\|").replace("*", "\\*") for quirk in card.quirks)
    return [f"`{card.name}`", title, *counts, *listed, quirks, card.checked]


def main() -> None:
    """Write it."""
    FILE.write_text(datasets_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
