"""A page for each data set, from its card."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from forgebench.sources import SourceSpec, sources
from forgebench.sources.spec import Card


@cache
def pages() -> dict[str, str]:
    """The pages by path."""
    return {f"datasets/{spec.card.name}.md": "\n\n".join(_page(spec)) + "\n" for spec in sources()}


def _page(spec: SourceSpec) -> Iterator[str]:
    card = spec.card
    yield f"# {card.title}"
    yield _facts(card)
    yield f"```sh\nforgebench build {card.name} --from FOLDER --out {card.name}\n```"
    yield f"## Where to get it\n\n{card.get}"
    yield f"## Layout\n\n```\n{card.layout.rstrip()}\n```"
    if card.protocols:
        yield "## Protocols"
        divisions = card.protocols.items()
        yield "\n".join(f"- `--protocol {name}`: {one.about} {one.get}".rstrip() for name, one in divisions)
    if card.annotations:
        yield "## Annotations"
        yield "\n".join(f"- {level}: {how}" for level, how in card.annotations.items())
    yield "## About it"
    yield spec.prose.strip()
    if card.citation:
        yield f"## Citation\n\n```bibtex\n{card.citation.rstrip()}\n```"


def _facts(card: Card) -> str:
    expected = ", ".join(f"{count} {label}" for label, count in card.expected.items()) or "copies differ"
    publish = "may be published again" if card.redistributable else "may not be published again: `push` goes private"
    rows = {
        "year": str(card.year), "samples": expected, "splits": ", ".join(card.splits),
        "licence": f"{card.licence} Its images {publish}.", "home": f"<{card.homepage}>",
        "tested on": card.checked,
    }  # fmt: skip
    lines = [f"| {what} | {said} |" for what, said in rows.items()]
    return "\n".join([f"| name | `{card.name}` |", "|---|---|", *lines])
