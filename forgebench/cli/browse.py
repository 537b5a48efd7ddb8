"""`forgebench browse`: a benchmark and scores of it in FiftyOne, opened on the worst cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def browse(
    benchmark: Annotated[Path, typer.Argument(metavar="BENCH", help="The benchmark's folder.")],
    scores: Annotated[
        list[Path] | None, typer.Argument(metavar="SCORES", help="Folders that `forgebench score --out` wrote.")
    ] = None,
    split: Annotated[str, typer.Option(help="The split to look at.")] = "test",
    threshold: Annotated[
        float, typer.Option(help="Pixels of at least this probability are called tampered, above 0 and at most 1.")
    ] = 0.5,
    definition: Annotated[
        str | None, typer.Option(help="A definition whose numbers of each image are shown beside ForgeBench's own.")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="What `forgebench audit --out` wrote: near duplicates and findings as views.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write samples as a data set into this new folder; the App is not started.")
    ] = None,
    view: Annotated[str | None, typer.Option(help="The saved view to export; all samples unless said.")] = None,
    form: Annotated[str, typer.Option("--format", help="Export as `folder` or `coco`.")] = "folder",
    port: Annotated[int, typer.Option(help="Where the App listens, on this machine alone.", min=1, max=65535)] = 5151,
    check: Annotated[bool, typer.Option("--check", help="Bring all into FiftyOne, but do not start the App.")] = False,
) -> None:
    """Look at a benchmark, and at where methods fail on it, in FiftyOne."""
    import forgebench
    from forgebench.browse import browse as bring
    from forgebench.browse import check_port, ids_in, serve
    from forgebench.browse import export as write

    opened = forgebench.open_benchmark(benchmark)
    starts = not check and export is None
    if starts:
        check_port(port)
    browsed = bring(opened, scores or (), split, threshold=threshold, definition=definition, audit=audit)
    labels = browsed.dataset.count_values("label")
    counts = ", ".join(f"{labels.get(label, 0)} {label}" for label in ("authentic", "tampered"))
    typer.echo(f"{opened.name} {split}: {len(browsed.dataset)} samples, {counts}.")
    typer.echo(f"  FiftyOne dataset {browsed.dataset.name}")
    for title, count in browsed.without_map.items():
        typer.echo(f"  {title}: {count} maps not shown, for the predictions no longer lie where they were scored.")
    for name, count in browsed.views.items():
        typer.echo(f"  View: {name} ({count})")
    if export is not None:
        ids = ids_in(browsed.dataset, view)
        write(opened, split, ids, export, form)
        typer.echo(f"Exported {len(ids)} samples: {export}. Next: forgebench build {form} --from {export} --out BENCH")
    if starts:
        serve(browsed, port, _ready)


def _ready(url: str) -> None:
    typer.echo(f"Open {url} in a browser. Ctrl-C ends it.")
    port = url.rpartition(":")[2].partition("/")[0]
    typer.echo(f"From another machine: ssh -N -L {port}:127.0.0.1:{port} THIS_MACHINE, then open the same address.")
