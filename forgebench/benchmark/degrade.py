"""Benchmark → the same benchmark as it looks after a recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

from forgebench.benchmark.assemble import assemble
from forgebench.benchmark.cells import mask_of
from forgebench.benchmark.manifest import Facts, Parent
from forgebench.benchmark.opened import Benchmark, RowGroup, open_benchmark
from forgebench.benchmark.rows import Row, row_of
from forgebench.benchmark.verify import verify_benchmark
from forgebench.benchmark.write import Job, check_free
from forgebench.degrade.apply import Degraded, apply_recipe, explained, rng_of, size_problem
from forgebench.degrade.recipe import Recipe, derived_id, load_recipe
from forgebench.degrade.transforms import decode
from forgebench.engine import Engine, check_engine
from forgebench.errors import InputError, Problem, ProblemsError
from forgebench.schema import COLUMNS, LABELS, SAMPLE_ID, Item
from forgebench.sources.files import UNDECODABLE, sha256
from forgebench.version import VERSION

_LEAVE_OUT = "leave the sample out with --allow-issues"
_MOVED = "; moved with the image, tampered where at least half of a pixel's area is"
_EXPLAINED = "; what may not have outlasted the recipe is said to be before it"
_DERIVED = {
    "boxes": "derived: tight boxes around the mask's components, nearly touching ones merged",
    "scribble": "derived: strokes along the mask's skeleton and through the authentic ground, seeded by sample id",
}


@dataclass(frozen=True)
class _Place:
    """Where a sample of the parent lies."""

    group: RowGroup
    index: int
    split: str


def degrade(
    benchmark: str | Path | Benchmark,
    out: str | Path,
    *,
    recipe: str,
    seed: int = 0,
    allow_issues: Collection[str] | Literal["all"] = (),
    workers: int | None = None,
    engine: Engine = "local",
) -> Benchmark:
    """Make a benchmark of what becomes of another's images, with its truth carried along.

    Every image is encoded to the file that a reader would get and decoded from it again; masks go where the pixels go,
    boxes and scribbles are derived from them anew. Groups, labels and splits stay, sample `a` becomes `a--RECIPE`, and
    the manifest names the parent by its content hash. The bytes do not depend on the number of workers.

    Args:
        benchmark: The parent; one that was degraded before will do.
        out: Where the benchmark is written; nothing may lie there.
        recipe: `facebook`, `jpeg-70`, or the path of a TOML file; `forgebench degrade --list` shows what there is.
        seed: Of every random choice, with the sample's name.
        allow_issues: Kinds of problems whose samples are left out and recorded, or `all`; else they stop everything.
        workers: Number of processes; None takes all cores.
        engine: `local` processes, or `ray`.

    Raises:
        NotFoundError: If there is no such benchmark.
        InputError: If there is no such recipe, or `out` is taken.
        ProblemsError: If the benchmark was changed after it was built, or samples have problems that `allow_issues`
            does not name.
    """
    chosen, parent, out = load_recipe(recipe), open_benchmark(benchmark), Path(out)
    check_seed(seed)
    check_free(out)
    check_engine(engine)
    for split in parent.splits:
        parent.check_truth(split)
    check_sound(parent, workers)
    return make(parent, out, chosen, seed=seed, allow_issues=allow_issues, workers=workers, engine=engine)


def check_seed(seed: int) -> None:
    """Make sure that a seed is one.

    Raises:
        InputError: If it is negative.
    """
    if seed < 0:
        raise InputError(f"Expected a seed of 0 or more, got {seed}")


def check_sound(parent: Benchmark, workers: int | None) -> None:
    """Make sure that a benchmark is as it was built.

    Raises:
        ProblemsError: If it was changed since; every sample concerned is named.
    """
    problems = verify_benchmark(parent, workers)
    if problems:
        raise ProblemsError(f"{parent.path} is not what was built:", problems)


def make(
    parent: Benchmark,
    out: Path,
    recipe: Recipe,
    *,
    seed: int,
    allow_issues: Collection[str] | Literal["all"],
    workers: int | None,
    engine: Engine = "local",
) -> Benchmark:
    """The same for a benchmark that is known to be sound.

    Raises:
        ProblemsError: If samples have problems that `allow_issues` does not name.
    """
    origin = parent_facts(parent, recipe, seed)
    rows = _sha256([parent.manifest.rows])
    planned = list(_plan(parent, recipe, _sha256([rows, origin.model_dump()])))
    known = parent.manifest.known_issues
    return assemble(
        out,
        _facts(parent, recipe, origin),
        [one for one in planned if isinstance(one, Job)],
        partial(_make, rows, recipe, origin),
        what=f"degrading with {recipe.name}",
        problems=[one for one in planned if isinstance(one, Problem)],
        fixes=[replace(fix, sample_id=derived_id(fix.sample_id, recipe.name)) for fix in known],
        allow_issues=allow_issues,
        workers=workers,
        engine=engine,
    )


def parent_facts(parent: Benchmark, recipe: Recipe, seed: int) -> Parent:
    """What a derived benchmark's manifest says of where it comes from."""
    return Parent(
        name=parent.name, content_hash=parent.content_hash, recipe=recipe.name, family=recipe.family,
        version=recipe.version, strength=recipe.strength, unit=recipe.unit, seed=seed,
        steps=[step.model_dump() for step in recipe.steps], parent=parent.manifest.facts.parent,
    )  # fmt: skip


def _sha256(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _facts(parent: Benchmark, recipe: Recipe, origin: Parent) -> Facts:
    facts = parent.manifest.facts
    notes = {"explanation": _EXPLAINED} | ({"mask": _MOVED, "source_mask": _MOVED} if recipe.moves else {})
    derived = {name: how.removesuffix(notes.get(name, "")) + notes.get(name, "") for name, how in facts.derived.items()}
    prose = (
        f"{facts.prose}\n\n## Degraded\n\nMade from `{parent.name}` (content hash `{parent.content_hash}`) with the "
        f"recipe `{recipe.name}`, version {recipe.version}, seed {origin.seed}. {recipe.description}"
    )
    return facts.model_copy(
        update={
            "name": derived_id(parent.name, recipe.name),
            "title": f"{facts.title}, {recipe.name}",
            "source": f"forgebench degrade {parent.name} --recipe {recipe.name} --seed {origin.seed}",
            "prose": prose,
            "derived": derived | _DERIVED,
            "parent": origin,
        }
    )


def _plan(parent: Benchmark, recipe: Recipe, inputs: str) -> Iterator[Job | Problem]:
    """A job for each sample, in order; what can be seen without its pixels comes as a problem."""
    for split in parent.splits:
        for group in parent.row_groups(split):
            for index, row in enumerate(group.read(["sample_id", "width", "height"])):
                size = row["width"], row["height"]
                problem = _impossible(row["sample_id"], recipe, size)
                width, height = recipe.sizes(size)[-1]
                # A photograph as PNG takes about two bytes a pixel, with a lossy encoder well under one.
                about = width * height * (2 if recipe.encoder.op == "png" else 1)
                yield problem or Job(f"{inputs}|{row['sample_id']}", split, about, _Place(group, index, split))


def _impossible(sample_id: str, recipe: Recipe, size: tuple[int, int]) -> Problem | None:
    name = derived_id(sample_id, recipe.name)
    if not SAMPLE_ID.fullmatch(name):
        fix = f"Shorten the parent's sample ids, or {_LEAVE_OUT} long_id."
        return Problem("long_id", name, "a sample id of at most 128 characters", f"{len(name)}", fix)
    wrong = size_problem(recipe, size)
    if wrong is None:
        return None
    code, expected, got = wrong
    return Problem(code, name, expected, got, f"Take a milder recipe, or {_LEAVE_OUT} {code}.")


@lru_cache(maxsize=1)
def _rows(group: RowGroup, rows: str) -> list[dict[str, Any]]:
    """A row group's samples: its jobs come one after the other. `rows` tells benchmarks at one path apart."""
    return group.read(COLUMNS)


def _make(rows: str, recipe: Recipe, parent: Parent, place: _Place) -> Row | Problem:
    row = _rows(place.group, rows)[place.index]
    name = derived_id(row["sample_id"], recipe.name)
    if row["mask"] is None and (row["boxes"] or row["scribble"]):
        fix = f"Degrade a benchmark with masks, or {_LEAVE_OUT} no_mask."
        return Problem("no_mask", name, "a mask to derive boxes and scribble from", "boxes or scribble alone", fix)
    try:
        pixels = decode(row["image"]["bytes"])
    except UNDECODABLE as error:
        fix = f"Build the parent without it, or {_LEAVE_OUT} unreadable."
        return Problem("unreadable", name, "an image that can be decoded", str(error) or type(error).__name__, fix)
    made = apply_recipe(pixels, recipe, rng_of(name, parent.seed), mask_of(row["mask"]), mask_of(row["source_mask"]))
    label = LABELS[row["label"]]
    if label == "tampered" and made.mask is not None and not made.mask.any():
        fix = f"Take a milder recipe, or {_LEAVE_OUT} empty_mask."
        return Problem("empty_mask", name, "tampered pixels that outlast the recipe", "none left", fix)
    return row_of(_item(row, name, place.split, recipe, parent, made))


def _item(row: dict[str, Any], name: str, split: str, recipe: Recipe, parent: Parent, made: Degraded) -> Item:
    return Item(
        sample_id=name,
        label=LABELS[row["label"]],
        image=made.data,
        image_name=f"{name}.{recipe.encoder.suffix}",
        sha256=sha256(made.data),
        size=(made.size[1], made.size[0]),
        group=row["group"],
        split=split,
        manipulation=row["manipulation"],
        mask=made.mask,
        source_mask=made.source_mask,
        mask_scope=row["mask_scope"],
        explanation=explained(row["explanation"], recipe.name, made.moved, made.mask),
        provenance=json.dumps(_provenance(row, recipe, parent, made), sort_keys=True, ensure_ascii=False),
    )


def _provenance(row: dict[str, Any], recipe: Recipe, parent: Parent, made: Degraded) -> dict[str, Any]:
    """The recipe as it was applied, and the parent with its own provenance."""
    return {
        "suite": VERSION,
        "recipe": recipe.model_dump(exclude={"steps", "description"}),
        "steps": made.steps,
        "seed": parent.seed,
        "parent": {
            "benchmark": parent.name,
            "content_hash": parent.content_hash,
            "sample_id": row["sample_id"],
            "sha256": row["sha256"],
            "provenance": None if row["provenance"] is None else json.loads(row["provenance"]),
        },
    }
