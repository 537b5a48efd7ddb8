"""`forgebench synth`: photos → synthetic benchmark; or one of its samples made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forgebench.cli.output import AsJson, EngineName, Workers, hint, issues, print_json

if TYPE_CHECKING:
    from forgebench.engine import Engine


def synth(
    photos: Annotated[str, typer.Option(help="A folder of photographs, or a URL that fsspec reaches.")],
    out: Annotated[Path, typer.Option(help="Where the benchmark is written; with --replay, the image's file.")],
    n: Annotated[int | None, typer.Option("-n", help="Number of samples.", min=1)] = None,
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name, or the path of a .toml file.")] = "demo",
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = 0,
    splits: Annotated[str, typer.Option(help="Shares by photograph, such as train=0.8,test=0.2.")] = "",
    objects: Annotated[
        str | None, typer.Option(help="COCO instances (.json), or a folder of masks: what is worth taking.")
    ] = None,
    licence: Annotated[
        str, typer.Option(help="The photographs' free licence, and their authors: pictures may then be published.")
    ] = "",
    allow_issues: Annotated[
        str, typer.Option(help="Kinds of problems that are left out, separated by commas, or `all`.")
    ] = "",
    replay: Annotated[str | None, typer.Option(help="A sample to be made again, from --benchmark.")] = None,
    benchmark: Annotated[Path | None, typer.Option("--benchmark", "-b", help="The benchmark of --replay.")] = None,
    workers: Workers = None,
    engine: EngineName = "local",
    as_json: AsJson = False,
) -> None:
    """Make forgeries, with matched authentic images, from photographs; or make one sample again."""
    if replay is not None:
        _replay(replay, benchmark, photos, out, as_json=as_json)
        return
    if n is None:
        raise typer.BadParameter("say how many samples are to be made.", param_hint="-n")
    import forgebench

    made = forgebench.synthesize(
        photos, out, n=n, recipe=recipe, seed=seed, splits=_shares(splits), objects=objects,
        licence=licence, allow_issues=issues(allow_issues), workers=workers, engine=cast("Engine", engine),
    )  # fmt: skip
    total, skipped = made.manifest.total, made.manifest.skipped
    if as_json:
        left_out = [problem.to_dict() for problem in skipped]
        print_json({"path": str(out), "content_hash": made.content_hash, **total.model_dump(), "skipped": left_out})
        return
    typer.echo(f"{out}: {total.samples} samples, {total.authentic} authentic, {total.tampered} tampered.")
    if skipped:
        typer.echo(f"  {len(skipped)} photographs or samples left out (all in forgebench.json).")
    typer.echo(f"  Content hash {made.content_hash}")
    hint(f"forgebench predict METHOD {out} --out SUB")


def _replay(sample_id: str, benchmark: Path | None, photos: str, out: Path, *, as_json: bool) -> None:
    from forgebench.benchmark.synthesize import replay_sample

    if benchmark is None:
        raise typer.BadParameter("say which benchmark the sample is of.", param_hint="--benchmark")
    item, same = replay_sample(sample_id, benchmark, photos)
    out.write_bytes(item.image)
    if as_json:
        print_json({"path": str(out), "sample_id": sample_id, "sha256": item.sha256, "identical": same})
    else:
        typer.echo(f"{out}: {sample_id} made again, {'the same bytes' if same else 'NOT the bytes that are stored'}.")
    if not same:
        raise typer.Exit(1)


def _shares(told: str) -> dict[str, float] | None:
    if not told:
        return None
    try:
        return {name.strip(): float(share) for name, share in (part.split("=") for part in told.split(","))}
    except ValueError as error:
        raise typer.BadParameter("expected NAME=SHARE,NAME=SHARE", param_hint="--splits") from error
