"""The command `python -m leaderboard`: one file per command."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from forgebench import ForgeBenchError
from leaderboard.cli.build import build
from leaderboard.cli.invite import invite
from leaderboard.cli.keeping import backup, check, restore
from leaderboard.cli.moderating import disable, jobs, moderate, quota, rescore, supersede
from leaderboard.cli.serve import serve
from leaderboard.cli.token import token
from leaderboard.cli.worker import worker


class Group(TyperGroup):
    """Errors for the user are printed without a traceback; the exit code is 2."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ForgeBenchError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
COMMANDS: tuple[Any, ...] = (
    build, serve, worker, invite, token, moderate, supersede, rescore, quota, disable, jobs, backup, restore, check,
)  # fmt: skip


@app.callback()
def _about() -> None:
    """ForgeBench's board: build the site, serve it, and take care of it."""


for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command."""
    app(prog_name="python -m leaderboard")
