"""Score a method's submissions over a grid of degraded benchmarks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from forgebench.benchmark import open_grid
from forgebench.errors import InputError, NotFoundError
from forgebench.scoring import per_image
from forgebench.scoring.record import FILE as RECORD
from forgebench.scoring.robust import Robustness
from forgebench.scoring.robustness import check_clean, robustness
from forgebench.scoring.score import INPUTS, ROBUSTNESS, score


def score_grid(
    submissions: str | Path,
    grid: str | Path,
    out: str | Path,
    *,
    clean: str | Path,
    metric: str | None = None,
    seed: int = 0,
    **options: Any,  # noqa: ANN401
) -> Robustness:
    """Score a method's submissions over a grid, each into a folder of its own, and compute its robustness.

    `out` becomes a score like any other, the clean one, with `robustness.json` beside its record, so that a report of
    it has the curves.

    Args:
        submissions: A folder with a submission for each recipe: `jpeg-70.parquet`, `jpeg-70.zip` or `jpeg-70/`.
            Recipes without one are named in the result.
        grid: The grid's folder.
        out: Where the scores are written, `out/jpeg-70`; earlier ones there are replaced.
        clean: The method's score on the benchmark that the grid was made from.
        metric: Of the robustness; None takes pixel F1, or image AUC for a method without masks.
        seed: Of the bootstrap.
        **options: For each score, as `score` takes them.

    Raises:
        NotFoundError: If there is no such grid or clean score, or no submission.
        InputError: If a submission cannot be scored, or `out` holds something else.
    """
    index, out = open_grid(grid), Path(out)
    base = check_clean(clean, index)
    record, home = base.record, base.folder
    found = {cell: path for cell in index.cells if (path := _submission(Path(submissions), cell.recipe))}
    if not found:
        name = index.cells[0].recipe if index.cells else "RECIPE"
        raise NotFoundError(f"Expected submissions such as {Path(submissions) / name}.parquet, found none. "
                            f"Make them with: forgebench predict METHOD {grid} --out {submissions}")  # fmt: skip
    _check_out(out, home)
    for cell, path in found.items():
        score(path, Path(grid) / cell.path, out / cell.recipe, seed=seed, **options)
    leading = metric or ("pixel_f1" if "mask" in record.method.outputs else "image_auc")
    records = [out / cell.recipe for cell in found]
    made = robustness(home, records, grid, metric=leading, seed=seed)
    write_robustness(made, home, out)
    return made


def write_robustness(made: Robustness, clean: Path, out: Path) -> None:
    """Write `robustness.json` into the folder of the clean score, or one that becomes a copy of it.

    Raises:
        InputError: If there is another score.
    """
    _check_out(out, clean)
    out.mkdir(parents=True, exist_ok=True)
    made.write(out)
    if clean.resolve() != out.resolve():
        for name in (per_image.FILE, INPUTS, RECORD):
            if (clean / name).is_file():
                shutil.copy(clean / name, out / name)


def _submission(folder: Path, recipe: str) -> Path | None:
    found = [path for end in ("", ".parquet", ".zip") if (path := folder / f"{recipe}{end}").exists()]
    if len(found) > 1:
        raise InputError(f"{folder} has {found[0].name} and {found[1].name}. Keep one submission for {recipe}.")
    return found[0] if found else None


def _check_out(out: Path, clean: Path) -> None:
    """No score but the clean one may be replaced."""
    other = (out / RECORD).is_file() and not (out / ROBUSTNESS).is_file() and out.resolve() != clean.resolve()
    if out.is_file() or other:
        raise InputError(f"{out} is {'another score' if other else 'a file'}. Choose another --out.")
