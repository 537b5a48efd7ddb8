"""`forgebench compare`: which entries do the data tell apart?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forgebench.cli.output import AsJson, console, defined, print_json

if TYPE_CHECKING:
    from forgebench.scoring.compare import Test


def compare(
    records: Annotated[list[Path], typer.Argument(help="Two records or more, or their folders.")],
    metric: Annotated[str, typer.Option(help="The metric's id.")] = "pixel_f1",
    definition: Annotated[str, typer.Option(help="Its definition.")] = "forgebench",
    subset: Annotated[str | None, typer.Option("--slice", help="A slice, such as `manipulation=splice`.")] = None,
    test: Annotated[str, typer.Option(help="The paired test: `bootstrap` or `permutation`.")] = "bootstrap",
    seed: Annotated[int, typer.Option(help="Of the draws.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare entries image by image: paired differences, corrected for the number of pairs."""
    from rich.table import Table

    import forgebench

    found = forgebench.compare(
        records, metric=metric, definition=definition, subset=subset, test=cast("Test", test), seed=seed
    )
    if as_json:
        print_json(defined(found.to_dict()))
        return
    entries = Table("tier", "entry", metric, "95 % interval")
    for name, value in found.values.items():
        low, high = found.intervals[name]
        entries.add_row(str(found.tiers[name]), name, f"{value:.4f}", f"{low:.4f} to {high:.4f}")
    pairs_table = Table("first", "second", "first - second", "95 % interval", "p (Holm)", "detectable", "")
    for one in found.differences:
        interval = f"{one.ci_low:+.4f} to {one.ci_high:+.4f}"
        verdict = "separated" if one.separated else "not separated"
        numbers = (f"{one.value:+.4f}", interval, f"{one.p_holm:.4f}", f"{one.detectable:.4f}")
        pairs_table.add_row(one.first, one.second, *numbers, verdict)
    console().print(entries, pairs_table)
