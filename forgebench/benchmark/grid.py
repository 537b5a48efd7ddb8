"""One benchmark under many recipes: a folder of benchmarks and `grid.json`, which says what each of them is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from forgebench.benchmark.degrade import check_seed, check_sound, make, parent_facts
from forgebench.benchmark.manifest import MANIFEST
from forgebench.benchmark.opened import Benchmark, open_benchmark
from forgebench.degrade.recipe import GRID, Recipe, load_recipes
from forgebench.engine import Engine, check_engine
from forgebench.errors import InputError, NotFoundError, Problem, ProblemsError
from forgebench.version import VERSION

INDEX = "grid.json"


class Cell(BaseModel):
    """One recipe at one strength."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: str
    """As `forgebench degrade --recipe` takes it, such as `jpeg-70`."""
    family: str
    version: int
    """The recipe's."""
    strength: float | None
    """None for a recipe of one strength."""
    unit: str | None
    """What the strength counts."""
    path: str
    """The benchmark's folder beside the index."""
    content_hash: str
    """Of the benchmark: a record of its scores names it too."""
    samples: int


class Grid(BaseModel):
    """The index of a grid."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    forgebench_version: str
    """The version that finished the grid."""
    parent: str
    """The name of the benchmark that all were made from."""
    parent_hash: str
    """Its content hash."""
    seed: int
    cells: list[Cell]
    """Family by family, each in the order of its strengths; what later calls added comes last."""

    def cell(self, content_hash: str) -> Cell:
        """The cell whose benchmark has this content hash.

        Raises:
            InputError: If there is none.
        """
        found = [cell for cell in self.cells if cell.content_hash == content_hash]
        if not found:
            raise InputError(f"No benchmark of the grid over {self.parent} has the content hash {content_hash}.")
        return found[0]


def degrade_grid(
    benchmark: str | Path | Benchmark,
    out: str | Path,
    *,
    recipes: Sequence[str] = (GRID,),
    seed: int = 0,
    allow_issues: Collection[str] | Literal["all"] = (),
    workers: int | None = None,
    engine: Engine = "local",
) -> Grid:
    """Degrade a benchmark by many recipes, each into a folder of its own, and index them in `grid.json`.

    What an earlier run has finished is taken as it is: a killed one is continued by the same call, and a later call may
    add recipes.

    Args:
        benchmark: The parent.
        out: The folder; what lies there may only be of this grid.
        recipes: Names of recipes; that of a family stands for all its strengths, and `grid` for all that are shipped.
        seed: Of every random choice.
        allow_issues: Kinds of problems whose samples are left out and recorded, or `all`.
        workers: Number of processes; None takes all cores.
        engine: `local` processes, or `ray`.

    Raises:
        NotFoundError: If there is no such benchmark.
        InputError: If there is no such recipe, or `out` holds something else.
        ProblemsError: If the benchmark was changed after it was built, or samples have problems that `allow_issues`
            does not name: those of all recipes at once. What could be made is kept.
    """
    chosen, parent, out = _chosen(recipes), open_benchmark(benchmark), Path(out)
    check_seed(seed)
    earlier = _earlier(parent, out, seed)
    done = {name: made for name, recipe in chosen.items() if (made := _finished(parent, out / name, recipe, seed))}
    check_engine(engine)
    check_sound(parent, workers)
    problems: list[Problem] = []
    for name, recipe in chosen.items():
        try:
            done[name] = done.get(name) or make(
                parent, out / name, recipe, seed=seed, allow_issues=allow_issues, workers=workers, engine=engine
            )
        except ProblemsError as error:
            problems += error.problems
    if problems:
        kinds = ",".join(sorted({problem.code for problem in problems}))
        raise ProblemsError(
            f"{len(problems)} problems in the grid over {parent.name}; {len(done)} of {len(chosen)} recipes are made "
            f"and kept. Leave these samples out with --allow-issues {kinds}",
            problems,
        )
    cells = earlier | {name: _cell(recipe, done[name]) for name, recipe in chosen.items()}
    return _indexed(parent, out, list(cells.values()), seed)


def open_grid(path: str | Path) -> Grid:
    """Read a grid's index.

    Raises:
        NotFoundError: If there is none.
        InputError: If it cannot be read.
    """
    file = Path(path) / INDEX
    if not file.is_file():
        raise NotFoundError(f"Expected a grid at {path}, found no {INDEX}. Make one with: forgebench degrade")
    try:
        return Grid.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not a grid's index: {error}. Make the grid again.") from error


def _chosen(names: Sequence[str]) -> dict[str, Recipe]:
    chosen: dict[str, Recipe] = {}
    for recipe in (recipe for name in names for recipe in load_recipes(name)):
        if chosen.setdefault(recipe.name, recipe) != recipe:
            raise InputError(f"Two recipes are called {recipe.name}. Rename the file of one.")
    return chosen


def _earlier(parent: Benchmark, out: Path, seed: int) -> dict[str, Cell]:
    """The cells that earlier runs have indexed and that are still there."""
    if (out / MANIFEST).is_file():
        raise InputError(f"{out} is a benchmark. Choose another --out for a grid.")
    if not (out / INDEX).is_file():
        return {}
    grid = open_grid(out)
    if (grid.parent_hash, grid.seed) != (parent.content_hash, seed):
        raise InputError(f"{out} is a grid over {grid.parent} {grid.parent_hash} with seed {grid.seed}. Choose another "
                         "--out, or remove it first.")  # fmt: skip
    return {cell.recipe: cell for cell in grid.cells if (out / cell.path / MANIFEST).is_file()}


def _finished(parent: Benchmark, path: Path, recipe: Recipe, seed: int) -> Benchmark | None:
    """What an earlier run has made of a recipe."""
    if not path.exists():
        return None
    made = open_benchmark(path) if (path / MANIFEST).is_file() else None
    if made is None or made.manifest.facts.parent != parent_facts(parent, recipe, seed):
        raise InputError(
            f"{path} exists already, and is not {parent.name} after version {recipe.version} of {recipe.name} with "
            f"seed {seed}. Choose another --out, or remove it first."
        )
    return made


def _cell(recipe: Recipe, made: Benchmark) -> Cell:
    return Cell(
        recipe=recipe.name, family=recipe.family, version=recipe.version, strength=recipe.strength, unit=recipe.unit,
        path=recipe.name, content_hash=made.content_hash, samples=made.manifest.total.samples,
    )  # fmt: skip


def _indexed(parent: Benchmark, out: Path, cells: list[Cell], seed: int) -> Grid:
    grid = Grid(
        forgebench_version=VERSION, parent=parent.name, parent_hash=parent.content_hash, seed=seed, cells=cells
    )  # fmt: skip
    temporary = out / f".{INDEX}.tmp"
    temporary.write_text(grid.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(out / INDEX)
    return grid
