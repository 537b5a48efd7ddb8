"""`forgebench sources`: what there is, its licence, where to get it, its layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forgebench.cli.output import AsJson, console, print_json

if TYPE_CHECKING:
    from forgebench.sources import Card, SourceSpec


def sources(
    name: Annotated[str | None, typer.Argument(help="One source, in full.")] = None, as_json: AsJson = False
) -> None:
    """List the data sets that ForgeBench knows, or describe one."""
    from forgebench.sources import source
    from forgebench.sources import sources as all_sources

    specs = [source(name)] if name else all_sources()
    if as_json:
        print_json([spec.card.model_dump() for spec in specs])
    elif name:
        _describe(specs[0])
    else:
        _list(specs)


def _list(specs: list[SourceSpec]) -> None:
    from rich.table import Table

    table = Table("name", "title", "year", "authentic", "tampered", "protocols", row_styles=["", "dim"])
    for card in (spec.card for spec in specs):
        counts = [str(card.expected[label]) if label in card.expected else "" for label in ("authentic", "tampered")]
        table.add_row(card.name, card.title, str(card.year), *counts, ", ".join(card.protocols))
    console().print(table)
    typer.echo("Licence, where to get one and how it must lie: forgebench sources NAME")


def _describe(spec: SourceSpec) -> None:
    from rich.markdown import Markdown

    card = spec.card
    typer.echo(f"{card.title} ({card.year})\n{card.homepage}\n")
    typer.echo(f"Licence: {card.licence}")
    typer.echo(f"Get it:  {card.get}")
    typer.echo(f"Splits:  {', '.join(card.splits)}{_counts(card)}")
    typer.echo(f"Tested on {card.checked}.\n\nLayouts looked for:\n")
    for line in card.layout.splitlines():
        typer.echo(f"  {line}")
    if card.protocols:
        typer.echo("\nProtocols (--protocol):\n")
        for name, protocol in card.protocols.items():
            needs = f" Needs {protocol.file}: {protocol.get}." if protocol.file else ""
            typer.echo(f"  {name}: {protocol.about}{needs}")
    typer.echo()
    console().print(Markdown(spec.prose))


def _counts(card: Card) -> str:
    counts = ", ".join(f"{count} {label}" for label, count in card.expected.items())
    return f" ({counts})" if counts else ""
