"""What a run tells while it goes: a row of losses an epoch, TensorBoard, and a bar on a terminal."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOSSES = "losses.csv"


def tell_epoch(out: Path, row: Mapping[str, float]) -> None:
    """An epoch's row in losses.csv and in TensorBoard's logs.

    Args:
        out: The run's folder.
        row: Numbers by name, `epoch` among them.
    """
    from torch.utils.tensorboard import SummaryWriter

    _add_row(out / LOSSES, row)
    with SummaryWriter(str(out / "tensorboard")) as board:
        for name, value in row.items():
            board.add_scalar(name, value, int(row["epoch"]))


def _add_row(path: Path, row: Mapping[str, float]) -> None:
    """Add an epoch's row, in place of one that a kill left without its checkpoint; columns may become more."""
    rows: list[Mapping[str, Any]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [one for one in csv.DictReader(file) if int(one["epoch"]) < row["epoch"]]
    rows.append({name: f"{value:.6g}" for name, value in row.items()})
    columns = list(dict.fromkeys(name for one in rows for name in one))
    temporary = path.with_suffix(".partial")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


@contextmanager
def progress_bar(shown: bool, what: str, total: int) -> Iterator[Any]:
    """A bar with the losses by name, where it is to be shown and there is a terminal; gives what advances it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(terms: Mapping[str, float]) -> None:
            told = " ".join(f"{name} {value:.3f}" for name, value in terms.items())
            bar.update(task, advance=1, description=f"{what}  {told}")

        yield advance
