"""The command `python -m leaderboard`: one file per command."""

from __future__ import annotations

from typing import Any

import typer

from forgebench.cli import Group
from leaderboard.cli.build import build
from leaderboard.cli.controls import controls
from leaderboard.cli.demo import demo
from leaderboard.cli.invite import invite
from leaderboard.cli.keeping import backup, check, restore
from leaderboard.cli.moderating import disable, jobs, moderate, quota, rescore, supersede
from leaderboard.cli.serve import serve
from leaderboard.cli.token import token
from leaderboard.cli.worker import worker

app = typer.Typer(cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
COMMANDS: tuple[Any, ...] = (
    demo, build, serve, worker, invite, token, controls, moderate, supersede, rescore, quota, disable, jobs, backup,
    restore, check,
)  # fmt: skip


@app.callback()
def _about() -> None:
    """ForgeBench's board: build the site, serve it, and take care of it."""


for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command."""
    app(prog_name="python -m leaderboard")
