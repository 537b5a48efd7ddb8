"""The command `forgebench`: one file per command."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from forgebench import engine
from forgebench.cli.audit import audit
from forgebench.cli.browse import browse
from forgebench.cli.build import build
from forgebench.cli.compare import compare
from forgebench.cli.degrade import degrade
from forgebench.cli.demo import demo
from forgebench.cli.doctor import doctor, versions
from forgebench.cli.hide import hide
from forgebench.cli.output import print_error
from forgebench.cli.predict import predict
from forgebench.cli.push import push
from forgebench.cli.report import report
from forgebench.cli.rescore import rescore
from forgebench.cli.robustness import robustness
from forgebench.cli.score import score
from forgebench.cli.sign import sign
from forgebench.cli.sources import sources
from forgebench.cli.submit import submit
from forgebench.cli.synth import synth
from forgebench.cli.validate import validate
from forgebench.cli.verify import verify
from forgebench.errors import ForgeBenchError
from forgebench.version import VERSION


class Group(TyperGroup):
    """Errors for the user are printed without a traceback; the exit code is 2."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ForgeBenchError as error:
            logging.getLogger("forgebench").debug("Where it came from:", exc_info=error)
            print_error(error, as_json="--json" in sys.argv)
            raise typer.Exit(2) from error


app = typer.Typer(cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")


def _version(wanted: bool) -> None:
    if wanted:
        import platform

        typer.echo(f"forgebench {VERSION}")
        typer.echo(f"Python {platform.python_version()}, " + ", ".join(f"{n} {v}" for n, v in versions().items()))
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the versions that matter.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", envvar="FORGEBENCH_QUIET", help="No progress, and no word on what is next.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="How long each pass took; where an error came from.")
    ] = False,
) -> None:
    """The honest referee of image forgery detection and localization.

    Begin with `forgebench demo`. `forgebench COMMAND --help` tells about a command, `forgebench doctor` about this
    machine.
    """
    engine.QUIET = quiet
    if verbose:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("forgebench").setLevel(logging.DEBUG)


for command in (
    demo, sources, build, synth, degrade, verify, audit, predict, validate, score, rescore, sign, compare, robustness,
    report, browse, push, submit, hide, doctor,
):  # fmt: skip
    app.command()(command)


def main() -> None:
    """Run the command."""
    app(prog_name="forgebench")
