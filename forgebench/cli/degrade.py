"""`forgebench degrade`: benchmark → the same after JPEG, resizing, blur, noise or a social network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forgebench.cli.output import AsJson, EngineName, Workers, console, hint, issues, parts, print_json

if TYPE_CHECKING:
    from forgebench.engine import Engine


def degrade(
    benchmark: Annotated[Path | None, typer.Argument(help="The benchmark's folder.")] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="One recipe such as `jpeg-70`, all strengths of one such as `jpeg`, several separated by commas, "
            "`grid` for all, or the path of a TOML file."
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Where the benchmark, or the folder of them, is written.")] = None,
    list_recipes: Annotated[bool, typer.Option("--list", help="Show the recipes and do nothing else.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = 0,
    allow_issues: Annotated[
        str, typer.Option(help="Kinds of problems whose samples are left out, separated by commas, or `all`.")
    ] = "",
    workers: Workers = None,
    engine: EngineName = "local",
    as_json: AsJson = False,
) -> None:
    """Make a benchmark of what becomes of another's images when they are saved again, resized or shared."""
    from forgebench.benchmark import degrade as one
    from forgebench.benchmark import degrade_grid
    from forgebench.degrade.recipe import load_recipes
    from forgebench.errors import InputError

    if list_recipes:
        _list(as_json)
        return
    names, on = parts(recipe), cast("Engine", engine)
    if benchmark is None or out is None or not names:
        raise InputError("Expected: forgebench degrade BENCH --recipe NAME --out B2, or forgebench degrade --list")
    allowed = issues(allow_issues)
    chosen = [found for name in names for found in load_recipes(name)]
    if len(chosen) > 1:
        grid = degrade_grid(benchmark, out, recipes=names, seed=seed, allow_issues=allowed, workers=workers, engine=on)
        if as_json:
            print_json({"path": str(out), **grid.model_dump()})
        else:
            typer.echo(f"{out}: {len(grid.cells)} benchmarks made from {grid.parent}; {out / 'grid.json'} lists them.")
        return
    made = one(benchmark, out, recipe=names[0], seed=seed, allow_issues=allowed, workers=workers, engine=on)
    total = made.manifest.total
    if as_json:
        print_json({"path": str(out), "name": made.name, "content_hash": made.content_hash, **total.model_dump()})
        return
    typer.echo(f"{out}: {total.samples} samples, {total.authentic} authentic, {total.tampered} tampered.")
    if made.manifest.skipped:
        typer.echo(f"  {len(made.manifest.skipped)} left out; the card says why.")
    typer.echo(f"  Content hash {made.content_hash}")
    hint(f"forgebench predict METHOD {out} --out SUB")


def _list(as_json: bool) -> None:
    from rich.table import Table

    from forgebench.degrade import families

    if as_json:
        print_json([family.model_dump() for family in families()])
        return
    table = Table("recipe", "version", "strengths", "what it does")
    for family in families():
        strengths = ", ".join(f"{strength:g}" for strength in family.strengths)
        table.add_row(family.name, str(family.version), strengths and f"{family.unit}: {strengths}", family.description)
    console().print(table)
    typer.echo("Name one strength as jpeg-70; any between the ends will do.")
