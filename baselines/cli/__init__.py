"""The command `python -m baselines`: one file per command."""

from __future__ import annotations

import typer

from baselines.cli.band import band
from baselines.cli.coarseness import coarseness
from baselines.cli.explain import explain_study, explain_train, judge
from baselines.cli.export import export
from baselines.cli.methods import methods
from baselines.cli.onnx import onnx
from baselines.cli.study import study
from baselines.cli.table import table
from baselines.cli.teach import teach
from baselines.cli.tiers import tiers
from baselines.cli.train import train
from forgebench.cli import Group

app = typer.Typer(cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@app.callback()
def _about() -> None:
    """The reference methods: train, export, study. `forgebench predict` runs what is exported."""


for command in (
    methods, train, export, study, tiers, table, band, teach, coarseness, onnx, explain_train, explain_study, judge,
):  # fmt: skip
    app.command()(command)


def main() -> None:
    """Run the command."""
    app(prog_name="python -m baselines")
