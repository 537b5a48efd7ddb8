"""`python -m baselines tiers`: which methods can the data tell apart?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def tiers(
    scores: Annotated[list[Path], typer.Argument(help="Folders of scores, of one or several benchmarks.")],
    keep: Annotated[Path, typer.Option(help="The JSON file that is written.")],
) -> None:
    """Put methods that share a benchmark into tiers: 1 for each that the data cannot tell from the best.

    By paired tests, corrected for all pairs of a metric. The documentation's page of methods is made from the file.
    """
    from baselines.common.study import METRICS
    from forgebench import compare, read_record

    shared: dict[str, list[Path]] = {}
    for folder in scores:
        shared.setdefault(read_record(folder)[0].benchmark.content_hash, []).append(folder)
    found: list[dict[str, Any]] = []
    for content_hash, folders in shared.items():
        by_metric = {metric: compare(folders, metric=metric).tiers for metric in METRICS}
        name = read_record(folders[0])[0].benchmark.name
        found.append({"benchmark": name, "content_hash": content_hash, "tiers": by_metric})
    temporary = keep.with_name(f"{keep.name}.partial")
    temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    temporary.replace(keep)
    typer.echo(f"{keep}: tiers on {', '.join(one['benchmark'] for one in found)}.")
