"""`python -m baselines study`: a method and its ablations against negative controls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baselines.cli.options import BenchmarkPath, ConfigFile, MethodName, Preset, Settings, configured
from forgebench.errors import InputError


def study(
    method: MethodName,
    data: BenchmarkPath,
    work: Annotated[Path, typer.Option(help="Runs, predictions and scores; large.")],
    keep: Annotated[Path, typer.Option(help="Records, configurations and losses; small.")],
    readme: Annotated[Path | None, typer.Option(help="Write the results between this file's markers.")] = None,
    preset: Preset = "small",
    settings: Settings = None,
    config: ConfigFile = None,
    also: Annotated[list[str] | None, typer.Option(help="A further benchmark to score on; repeat.")] = None,
    ablations: Annotated[bool, typer.Option(help="Train the method's ablations, too.")] = True,
    only: Annotated[list[str] | None, typer.Option(help="Train this ablation alone of them; repeat.")] = None,
    whole: Annotated[str | None, typer.Option(help="The ablation that the others differ from.")] = None,
) -> None:
    """Train a method and its ablations, score them, compare them with negative controls, and keep the results.

    What is done already is not done again: a study that was stopped goes on with the same command.
    """
    chosen, made = configured(method, preset, settings, config)
    from baselines.common import study_page
    from baselines.common.config import override
    from baselines.common.study import FULL, Study

    known = chosen.ablations
    if unknown := [name for name in (*(only or ()), *([whole] if whole else ())) if name not in known]:
        raise InputError(f"{chosen.name} has no ablation {unknown[0]!r}. It has: {', '.join(known) or 'none'}")
    names = (only or [name for name in known if name != whole]) if ablations else []
    made = override(made, known[whole]) if whole else made
    changes = {name: known[name] for name in names}
    Study(chosen, made, data, work, keep, changes, say=typer.echo, whole=whole or FULL).run(also or [])
    if readme is not None:
        study_page.write(keep, readme)
    typer.echo(f"{keep}: records, configurations, losses and comparisons.")
