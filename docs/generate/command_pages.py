"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import re
from functools import cache

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from baselines.cli import app as baselines
from forgebench.cli import app as forgebench
from leaderboard.cli import app as leaderboard

_COMMANDS = {"forgebench": forgebench, "python -m baselines": baselines, "python -m leaderboard": leaderboard}
_HEAD = """\
# Command line

Every command takes `--help`; most take `--json`, which prints one JSON document and nothing else. Exit codes: 0 done,
1 checked and found wrong, 2 unusable input. `forgebench --install-completion` teaches your shell to complete.
"""


@cache
def pages() -> dict[str, str]:
    """The page by path."""
    return {"reference/cli.md": _HEAD + "\n".join(_of(name, app) for name, app in _COMMANDS.items())}


def _of(name: str, app: typer.Typer) -> str:
    command = get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name=name)
    # A heading a level: ours is the only first one.
    return re.sub(r"^(#+) ", r"#\1 ", text, flags=re.MULTILINE)
