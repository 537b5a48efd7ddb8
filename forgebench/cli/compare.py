"""`forgebench compare`: which entries do the data tell apart?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, console, number, print_json


def compare(
    records: Annotated[list[Path], typer.Argument(help="Two records or more, or their folders.")],
    metric: Annotated[str, typer.Option(help="The metric's id.")] = "pixel_f1",
    definition: Annotated[str, typer.Option(help="Its definition.")] = "forgebench",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare entries image by image: paired differences, corrected for the number of pairs."""
    from rich.table import Table

    import forgebench

    found = forgebench.compare(records, metric=metric, definition=definition, seed=seed)
    if as_json:
        pairs = [
            {k: number(v) if isinstance(v, float) else v for k, v in d.items()} for d in found.to_dict()["differences"]
        ]
        values = {name: number(value) for name, value in found.values.items()}
        print_json(found.to_dict() | {"values": values, "differences": pairs})
        return
    entries = Table("tier", "entry", metric)
    for name, value in found.values.items():
        entries.add_row(str(found.tiers[name]), name, f"{value:.4f}")
    pairs_table = Table("first", "second", "first - second", "95 % interval", "p (Holm)", "")
    for one in found.differences:
        interval = f"{one.ci_low:+.4f} to {one.ci_high:+.4f}"
        verdict = "separated" if one.separated else "not separated"
        pairs_table.add_row(one.first, one.second, f"{one.value:+.4f}", interval, f"{one.p_holm:.4f}", verdict)
    console().print(entries, pairs_table)
