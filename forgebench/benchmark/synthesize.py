"""Photos → synthetic benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from forgebench.benchmark.assemble import assemble
from forgebench.benchmark.manifest import Facts
from forgebench.benchmark.opened import Benchmark, open_benchmark
from forgebench.benchmark.rows import Row, row_of
from forgebench.benchmark.write import Job, check_free
from forgebench.engine import Engine, check_engine
from forgebench.errors import InputError, NotFoundError, Problem
from forgebench.schema import Item
from forgebench.synthesis import Photo, Recipe, load_recipe, read_objects, replay
from forgebench.synthesis.forge import forge_order
from forgebench.synthesis.orders import Order, Orders
from forgebench.synthesis.photos import check_allowed, files_at, look_at_photos

_DERIVED = {
    "mask": "exact: every pixel that the forgery changed before the image was finished and saved",
    "source_mask": "exact, where a region was copied within the image",
    "boxes": "derived: tight boxes around the mask's components, nearly touching ones merged",
    "scribble": "derived: strokes along the mask's skeleton and through the authentic ground, seeded by sample id",
    "explanation": "written from the provenance and from measurements on the pixels",
}


def synthesize(
    photos: str | Path,
    out: str | Path,
    *,
    n: int,
    recipe: str = "demo",
    seed: int = 0,
    splits: Mapping[str, float] | None = None,
    objects: str | Path | None = None,
    licence: str = "",
    allow_issues: Collection[str] | Literal["all"] = (),
    workers: int | None = None,
    engine: Engine = "local",
) -> Benchmark:
    """Make forgeries and matched authentic images from photographs.

    Sample i of a seed is the same bytes whatever `n` and the number of workers.

    Args:
        photos: A folder of at least two photographs, subfolders included; or a URL that fsspec reaches.
        out: Where the benchmark is written; nothing may lie there.
        n: Number of samples, forgeries and authentic images in pairs.
        recipe: A shipped recipe's name, or the path of a TOML file.
        seed: Of every random choice.
        splits: Shares by the split's name, such as `{"train": 0.8, "test": 0.2}`: no photograph, host or donor, is in
            two splits. Without it all samples are in `test`.
        objects: A COCO instances file, or a folder of masks named as the photographs: what is outlined there is what
            is taken. Elsewhere regions are made of superpixels.
        licence: The free licence of every photograph, with their authors: it says that everyone may publish pictures
            made of them. Without it nobody may.
        allow_issues: Kinds of problems whose photographs or samples are left out and recorded, or `all`.
        workers: Number of processes; None takes all cores.
        engine: `local` processes, or `ray`.

    Raises:
        NotFoundError: If there is no such folder.
        InputError: If the photographs or the recipe cannot be used, or `out` is taken.
        ProblemsError: If photographs or samples have problems that `allow_issues` does not name.
    """
    out = Path(out)
    if n < 1:
        raise InputError(f"Expected at least one sample, got n = {n}")
    chosen = load_recipe(recipe)
    check_engine(engine)
    check_free(out)
    found, problems = _photos(photos, objects, allow_issues, workers)
    orders = Orders(found, seed, splits)
    jobs = [_job(chosen, seed, orders.order(index)) for index in range(n)]
    return assemble(
        out,
        _facts(chosen, seed, splits, len(found), licence),
        jobs,
        partial(_make, chosen, seed),
        what=f"forging {chosen.name}",
        problems=problems,
        allow_issues=allow_issues,
        workers=workers,
        engine=engine,
    )


def replay_sample(sample_id: str, benchmark: str | Path | Benchmark, photos: str | Path) -> tuple[Item, bool]:
    """Make one sample of a synthetic benchmark again, from its provenance.

    Args:
        sample_id: The sample.
        benchmark: The benchmark that holds it.
        photos: Where its photographs are.

    Returns:
        The sample, and whether its image has the very bytes that are stored.

    Raises:
        NotFoundError: If the benchmark holds no such sample, or a photograph is not there.
        InputError: If the sample is not synthetic.
    """
    opened = open_benchmark(benchmark)
    for split in opened.splits:
        for row in opened.rows(split, ("sample_id", "provenance", "sha256")):
            if row["sample_id"] == sample_id:
                item = replay(row["provenance"], photos, split=split)
                return item, item.sha256 == row["sha256"]
    raise NotFoundError(f"{opened.name} holds no sample {sample_id!r}.")


def _photos(
    folder: str | Path, objects: str | Path | None, allow_issues: Collection[str] | Literal["all"], workers: int | None
) -> tuple[list[Photo], list[Problem]]:
    outlined = read_objects(objects, [name for name, _ in files_at(folder)]) if objects is not None else None
    found, problems = look_at_photos(folder, objects=outlined, workers=workers)
    check_allowed(problems, allow_issues, folder)
    if len(found) < 2:
        raise InputError(f"Expected at least two different photographs below {folder}, found {len(found)}.")
    return found, problems


def _job(recipe: Recipe, seed: int, order: Order) -> Job:
    pair = order.pair
    photos = [[photo.digest for photo in some] for some in (pair.hosts, pair.donors)]
    inputs = [recipe.digest, seed, order.index, pair.split, photos]
    key = hashlib.sha256(repr(inputs).encode()).hexdigest()
    return Job(key, pair.split, _about_bytes(recipe), order)


def _about_bytes(recipe: Recipe) -> int:
    """About how large a sample is: two bytes a pixel without loss, 0.3 with."""
    weights, side = recipe.save.format, recipe.photo.max_side or 1024
    whole = 0.0 if recipe.save.again else (weights.get("png", 0) + weights.get("tiff", 0)) / sum(weights.values())
    return round(0.7 * side**2 * (0.3 + 1.7 * whole))


def _make(recipe: Recipe, seed: int, order: Order) -> Row | Problem:
    made = forge_order(recipe, seed, order)
    return made if isinstance(made, Problem) else row_of(made)


def _facts(recipe: Recipe, seed: int, splits: Mapping[str, float] | None, photos: int, licence: str) -> Facts:
    shares = "".join(f" --splits {','.join(f'{k}={v:g}' for k, v in splits.items())}" if splits else "")
    body = recipe.model_dump_json(exclude_defaults=True, exclude={"name", "description"})
    return Facts(
        name=f"synth-{recipe.name}",
        title=f"Synthetic forgeries, recipe {recipe.name}",
        source=f"forgebench synth --recipe {recipe.name} --seed {seed}{shares}",
        licence=licence or "That of the photographs.",
        redistributable=bool(licence),
        homepage="https://github.com/forgebench/forgebench",
        citation="",
        prose=f"{recipe.description} Made from {photos} photographs; each forgery has a matched authentic image of the "
        "same photograph, crop, finish and compressions. All that is needed to make a sample again is in its "
        "`provenance`: `forgebench synth --replay SAMPLE_ID`. The recipe, where it is not the default:\n\n"
        f"```json\n{body}\n```",
        year=None,
        expected={},
        derived=_DERIVED,
    )
