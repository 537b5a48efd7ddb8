"""`python -m baselines table`: one method's scores on several benchmarks, as papers print them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

COLUMNS = ("pixel_f1", "image_if1", "combined_f1", "pixel_auc", "pixel_ap", "image_auc")


def table(
    scores: Annotated[list[Path], typer.Argument(help="Folders of scores, one for each row.")],
    out: Annotated[Path, typer.Option(help="The Markdown file that is written.")],
) -> None:
    """Write scores on several benchmarks as one table: pixel F1, I-F1 and their harmonic mean first, as papers do.

    By the definitions of `forgebench`, with 95 % intervals; a dash where a number is undefined.
    """
    from baselines.common.study_page import cell
    from baselines.common.study_page import table as in_markdown
    from forgebench import read_record

    records = [read_record(folder)[0] for folder in scores]
    rows = [
        (one.method.method, one.benchmark.name, str(one.benchmark.n), *(cell(one, metric) for metric in COLUMNS))
        for one in records
    ]
    out.write_text(in_markdown(("method", "benchmark", "images", *COLUMNS), rows) + "\n", encoding="utf-8")
    typer.echo(f"{out}: {len(rows)} rows.")
