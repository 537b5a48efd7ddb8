"""Photos → synthetic benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from forgebench.benchmark.assemble import assemble
from forgebench.benchmark.manifest import Facts
from forgebench.benchmark.opened import Benchmark
from forgebench.benchmark.rows import Row, row_of
from forgebench.benchmark.write import Job, check_free
from forgebench.errors import InputError
from forgebench.synthesis import Photo, Recipe, forge, list_photos, load_recipe

_ABOUT_BYTES = 150_000
_DERIVED = {
    "mask": "exact: every pixel that the forgery changed before the image was saved",
    "source_mask": "exact, for copy-moves",
    "boxes": "derived: tight boxes around the mask's components, nearly touching ones merged",
    "scribble": "derived: strokes along the mask's skeleton and through the authentic ground, seeded by sample id",
    "explanation": "written from the provenance",
}


def synthesize(
    photos: str | Path,
    out: str | Path,
    *,
    n: int,
    recipe: str = "demo",
    seed: int = 0,
    workers: int | None = None,
) -> Benchmark:
    """Make forgeries and matched authentic images from a folder of photographs.

    Sample i of a seed is the same bytes whatever `n` and the number of workers.

    Args:
        photos: A folder of at least two photographs, subfolders included.
        out: Where the benchmark is written; nothing may lie there.
        n: Number of samples, forgeries and authentic images in turn.
        recipe: A shipped recipe's name, or the path of a TOML file.
        seed: Of every random choice.
        workers: Number of processes; None takes all cores.

    Raises:
        NotFoundError: If there is no such folder.
        InputError: If the photographs or the recipe cannot be used, or `out` is taken.
    """
    out = Path(out)
    if n < 1:
        raise InputError(f"Expected at least one sample, got n = {n}")
    chosen, found = load_recipe(recipe), list_photos(Path(photos))
    check_free(out)
    inputs = [chosen.model_dump_json(), str(seed), *(photo.sha256 for photo in found)]
    key = hashlib.sha256("|".join(inputs).encode()).hexdigest()
    jobs = [Job(f"{key}|{index}", "test", _ABOUT_BYTES, index) for index in range(n)]
    make = partial(_make, tuple(found), chosen, seed)
    return assemble(out, _facts(chosen, seed, len(found)), jobs, make, what=f"forging {chosen.name}", workers=workers)


def _make(photos: Sequence[Photo], recipe: Recipe, seed: int, index: int) -> Row:
    return row_of(forge(photos, recipe, seed, index))


def _facts(recipe: Recipe, seed: int, photos: int) -> Facts:
    return Facts(
        name=f"synth-{recipe.name}",
        title=f"Synthetic forgeries, recipe {recipe.name}",
        source=f"forgebench synth --recipe {recipe.name} --seed {seed}",
        licence="That of the photographs.",
        redistributable=False,
        homepage="https://github.com/forgebench/forgebench",
        citation="",
        prose=f"{recipe.description} Made from {photos} photographs; each forgery has a matched authentic image of the "
        "same photograph, crop and compressions. All parameters of a sample are in its `provenance`.",
        year=None,
        expected={},
        derived=_DERIVED,
    )
