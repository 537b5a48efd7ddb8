"""`forgebench sources`: what there is, its licence, where to get it, its layout."""

from __future__ import annotations

from typing import Annotated

import typer

from forgebench.cli.output import AsJson, console, print_json


def sources(
    name: Annotated[str | None, typer.Argument(help="One source, in full.")] = None, as_json: AsJson = False
) -> None:
    """List the data sets that ForgeBench knows, or describe one."""
    from rich.markdown import Markdown
    from rich.table import Table

    from forgebench.sources import source
    from forgebench.sources import sources as all_sources

    specs = [source(name)] if name else all_sources()
    if as_json:
        print_json([spec.card.model_dump() for spec in specs])
        return
    if name:
        card = specs[0].card
        typer.echo(f"{card.title} ({card.year})\n\nLicence: {card.licence}\nGet it: {card.get}\nLayout:\n{card.layout}")
        console().print(Markdown(specs[0].prose))
        return
    table = Table("name", "title", "year", "authentic", "tampered", "licence")
    for card in (spec.card for spec in specs):
        counts = [str(card.expected[label]) if label in card.expected else "" for label in ("authentic", "tampered")]
        table.add_row(card.name, card.title, str(card.year), *counts, card.licence)
    console().print(table)
    typer.echo("Where to get one and how it must lie: forgebench sources NAME")
