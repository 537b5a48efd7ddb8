"""`forgebench push`: a benchmark → the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from forgebench.cli.output import AsJson, hint, print_json


def push(
    benchmark: Annotated[Path, typer.Argument(metavar="BENCH", help="The benchmark's folder.")],
    hub_id: Annotated[str, typer.Argument(metavar="HUB_ID", help="OWNER/NAME; made where there is none.")],
    private: Annotated[bool, typer.Option("--private", help="Into a private repository only.")] = False,
    i_have_the_rights: Annotated[
        bool,
        typer.Option(
            "--i-have-the-rights", help="With --private: share images that their licence does not let all publish."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a benchmark on the Hugging Face Hub; run it again after an interruption, and it continues."""
    import forgebench

    pushed = forgebench.push(benchmark, hub_id, private=private, i_have_the_rights=i_have_the_rights)
    if as_json:
        print_json(asdict(pushed))
        return
    done = f"{len(pushed.sent)} files sent, {len(pushed.deleted)} deleted, in one commit"
    typer.echo(f"{pushed.url}: {done if pushed.sent or pushed.deleted else 'up to date, nothing was sent'}.")
    if pushed.private:
        typer.echo("  It is private: others need your leave to load it.")
    split = forgebench.open_benchmark(benchmark).splits[0]
    hint(f'load_dataset("{hub_id}", "pixel", split="{split}")')
