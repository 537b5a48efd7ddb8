"""Robustness: what a method loses under each recipe of a grid, image by image against its clean score."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forgebench.benchmark import Grid, open_benchmark, open_grid
from forgebench.benchmark.grid import Cell
from forgebench.degrade import parent_of
from forgebench.errors import InputError, Problem, ProblemsError
from forgebench.metrics import Metric, Table
from forgebench.metrics.intervals import bootstrap, check_draws, percentile_interval
from forgebench.metrics.pixel import Floats
from forgebench.metrics.significance import holm, paired_bootstrap_p
from forgebench.metrics.table import Members
from forgebench.scoring.numbers import definitions_named
from forgebench.scoring.record import FILE as RECORD
from forgebench.scoring.robust import Curve, Measured, Point, Robustness
from forgebench.scoring.scored import Scored, read_scored

RESAMPLES = 10_000
"""More than elsewhere: a p-value from 2000, corrected over the points of all recipes, could not get under 5 %."""
CLEAN_AT = {
    "blur": 0.0, "noise": 0.0, "motion_blur": 1.0, "resize": 1.0, "crop": 1.0, "gamma": 1.0,
    "fit": math.inf, "poisson": math.inf, "jpeg": math.inf, "webp": math.inf,
}  # fmt: skip
"""The strength at which a step does nothing, or that is beyond all at which it does something."""


@dataclass(frozen=True)
class _Pair:
    """A degraded score and the clean one of the same samples, in the same resamples."""

    of: Scored
    left_out: int
    n: int
    n_undefined: int
    value: float
    clean: float
    drawn: Floats
    gaps: Floats
    """Minus clean, in each resample."""


class _Clean:
    """The clean score, drawn once for every set of samples that it is asked for."""

    def __init__(self, of: Scored, metric: Metric, seed: int, resamples: int) -> None:
        self.table, self.metric, self.draws = of.table, metric, (seed, resamples)
        self._rows = {name: row for row, name in enumerate(self.table.sample_id.tolist())}
        self._known: dict[bytes, tuple[int, float, Floats]] = {}

    def drawn(self, table: Table) -> tuple[int, int, float, Floats]:
        """Samples, those undefined, value and resampled values, by the clean table's units."""
        statistic = self.metric.statistic(table)
        drawn = bootstrap({"": statistic}, self.table.drawn_by, *self.draws)[""]
        return statistic.n, statistic.n_undefined, float(statistic.of(self.table.whole)[0]), drawn

    def of(self, rows: Members) -> tuple[int, float, Floats]:
        """Samples, value and resampled values of some rows."""
        key = rows.tobytes()
        if key not in self._known:
            n, _, value, drawn = self.drawn(self.table.only(rows))
            self._known[key] = n, value, drawn
        return self._known[key]

    def whole(self) -> tuple[int, float, Floats]:
        """The same of all rows."""
        return self.of(np.ones(len(self.table), bool))

    def pair(self, scored: Scored, recipe: str) -> _Pair:
        """A degraded score beside this one.

        Raises:
            InputError: If a sample is not one of these after the recipe.
        """
        table = scored.table
        origins = [parent_of(str(name)) for name in table.sample_id]
        for name, origin in zip(table.sample_id, origins, strict=True):
            if origin.recipe != recipe or origin.sample_id not in self._rows:
                raise InputError(f"{scored.folder} has {name}, which is no sample of the clean score after {recipe}.")
        index = np.array([self._rows[origin.sample_id] for origin in origins], np.int64)
        unit, units = self.table.drawn_by
        shared = np.isin(np.arange(len(self.table)), index)
        n, n_undefined, value, drawn = self.drawn(replace(table, units=(unit[index], units)))
        _, clean, clean_drawn = self.of(shared)
        left_out = int((~shared).sum())
        return _Pair(scored, left_out, n, n_undefined, value, clean, drawn, drawn - clean_drawn)


def robustness(
    clean: str | Path,
    records: Sequence[str | Path],
    grid: str | Path,
    *,
    metric: str = "pixel_f1",
    definition: str = "forgebench",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Robustness:
    """What a method loses under each recipe of a grid, with intervals and areas under the curves.

    Every degraded sample is paired with its parent, on those samples that both scores have. The clean score's groups
    are resampled whole, and the same ones in every score: differences are paired. Intervals are percentiles.

    Args:
        clean: The record on the benchmark that the grid was made from, or its folder.
        records: Records on the grid's benchmarks, by the same method; their folders, or folders of such folders.
        grid: The grid's folder.
        metric: The metric's id.
        definition: Its definition.
        seed: Of the draws.
        resamples: How many.

    Raises:
        NotFoundError: If the grid, a record or its table is missing.
        InputError: If there is no such metric, or the clean record is not of the grid's parent.
        ProblemsError: If records were changed, or are of other benchmarks, splits, methods, versions or thresholds.
    """
    check_draws(seed, resamples)
    chosen = definitions_named([definition])[0]
    spec = chosen.metric(metric)
    index = open_grid(grid)
    base = check_clean(clean, index)
    scored = [read_scored(folder) for path in records for folder in _folders(Path(path))]
    found = _by_recipe([one for one in scored if one.record != base.record], base, index)
    reference = _Clean(base, spec, seed, resamples)
    pairs = {recipe: reference.pair(one, recipe) for recipe, one in found.items()}
    p = {recipe: paired_bootstrap_p(pair.gaps) for recipe, pair in pairs.items()}
    corrected = dict(zip(p, holm(list(p.values())).tolist(), strict=True))
    families: dict[str, list[Cell]] = {}
    for cell in index.cells:
        families.setdefault(cell.family, []).append(cell)
    n, value, drawn = reference.whole()
    low, high = percentile_interval(drawn)
    part = base.record.benchmark
    return Robustness(
        method=base.record.method.method, version=base.record.method.version,
        metric=metric, definition=definition, definition_version=chosen.version,
        higher_is_better=spec.higher_is_better, seed=seed, resamples=resamples,
        benchmark=part.name, content_hash=part.content_hash, split=part.split,
        record_sha256=base.record.record_sha256,
        clean=_plain(value), ci_low=_plain(low), ci_high=_plain(high), n=n,
        curves=[
            _curve(*_axis(cells, _clean_at(cells[0], Path(grid))), pairs, corrected, reference)
            for cells in families.values()
            if any(cell.recipe in pairs for cell in cells)
        ],
        missing=[cell.recipe for cell in index.cells if cell.recipe not in pairs],
    )  # fmt: skip


def _axis(cells: list[Cell], clean: float | None) -> tuple[list[Cell], int | None]:
    """A family's cells in order, and how many of them come before the clean images."""
    if clean is None:
        return cells, None
    ordered = sorted(cells, key=lambda cell: cell.strength or 0.0)
    strengths = [cell.strength or 0.0 for cell in ordered]
    return (ordered[::-1], 0) if clean >= strengths[-1] else (ordered, bisect_left(strengths, clean))


def _clean_at(cell: Cell, grid: Path) -> float | None:
    """Where clean is among a family's strengths, by the first step that takes them; None where they have no order."""
    parent = open_benchmark(grid / cell.path).manifest.facts.parent
    steps = [] if parent is None else parent.steps
    takes = (step["op"] for step in steps if any(type(v) in (int, float) and v == cell.strength for v in step.values()))
    op = next(takes, None)
    return None if op is None else CLEAN_AT[op]


def _curve(
    cells: list[Cell], clean_at: int | None, pairs: Mapping[str, _Pair], p_holm: Mapping[str, float], clean: _Clean
) -> Curve:
    there = [(cell, pairs[cell.recipe]) for cell in cells if cell.recipe in pairs]
    points = [
        Point(
            **_measured(pair.value, pair.drawn, pair.value - pair.clean, pair.gaps), recipe=cell.recipe,
            strength=cell.strength, clean=_plain(pair.clean), p_holm=_plain(p_holm[cell.recipe]), n=pair.n,
            n_undefined=pair.n_undefined, left_out=pair.left_out, content_hash=cell.content_hash,
            record_sha256=pair.of.record.record_sha256,
        )
        for cell, pair in there
    ]  # fmt: skip
    whole = clean_at is not None and len(there) == len(cells)
    area = _area([pair for _, pair in there], clean_at, clean) if whole and clean_at is not None else None
    axis = [cell.recipe for cell in cells]
    return Curve(family=cells[0].family, unit=cells[0].unit, axis=axis, clean_at=clean_at, points=points, area=area)


def _area(pairs: Sequence[_Pair], clean_at: int, clean: _Clean) -> Measured | None:
    weights = np.full(len(pairs) + 1, 1 / len(pairs))
    weights[[0, -1]] /= 2
    weights = np.delete(weights, clean_at)
    _, start, drawn = clean.whole()
    # From the clean value on: a curve that never leaves it has exactly its area.
    value = start + sum(w * (pair.value - start) for w, pair in zip(weights, pairs, strict=True))
    if math.isnan(value):
        return None
    areas = drawn + sum(w * (pair.drawn - drawn) for w, pair in zip(weights, pairs, strict=True))
    gaps = np.sum([w * pair.gaps for w, pair in zip(weights, pairs, strict=True)], axis=0)
    difference = sum(w * (pair.value - pair.clean) for w, pair in zip(weights, pairs, strict=True))
    return Measured(**_measured(value, areas, difference, gaps))


def _measured(value: float, drawn: Floats, difference: float, gaps: Floats) -> dict[str, Any]:
    low, high = percentile_interval(drawn)
    least, most = percentile_interval(gaps)
    numbers = {
        "value": value, "ci_low": low, "ci_high": high, "difference": difference, "difference_low": least,
        "difference_high": most, "p": paired_bootstrap_p(gaps),
    }  # fmt: skip
    return {name: _plain(number) for name, number in numbers.items()}


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _folders(path: Path) -> list[Path]:
    """The folders with a record in a folder, else the folder itself."""
    return sorted(file.parent for file in path.glob(f"*/{RECORD}")) or [path]


def check_clean(clean: str | Path, index: Grid) -> Scored:
    """The clean score, after making sure that the grid was made from what it is of.

    Raises:
        NotFoundError: If there is none, or no table beside it.
        InputError: If it is of another benchmark, or was changed.
    """
    base = read_scored(clean).unchanged()
    part = base.record.benchmark
    if part.content_hash != index.parent_hash:
        raise InputError(
            f"The grid was made from {index.parent} ({index.parent_hash[:12]}…), the clean score {base.folder} is of "
            f"{part.name} ({part.content_hash[:12]}…). Score the method on the grid's parent."
        )
    return base


def _by_recipe(scored: Sequence[Scored], base: Scored, index: Grid) -> dict[str, Scored]:
    """The scores by recipe, in the order of the grid."""
    if not scored:
        raise InputError("Expected at least one record on a benchmark of the grid, got none.")
    recipes = {cell.content_hash: cell.recipe for cell in index.cells}
    found: dict[str, Scored] = {}
    problems = [problem for one in scored for problem in _problems(one, base, recipes)]
    for one in scored:
        recipe = recipes.get(one.record.benchmark.content_hash, "")
        if recipe and found.setdefault(recipe, one) is not one:
            problems.append(
                Problem("twice", str(one.folder), f"one record of {recipe}", f"{found[recipe].folder} too", "Drop one.")
            )
    if problems:
        raise ProblemsError(f"These are not scores of one method over the grid from {index.parent}:", problems)
    return {recipe: found[recipe] for recipe in recipes.values() if recipe in found}


def _problems(one: Scored, base: Scored, recipes: Mapping[str, str]) -> list[Problem]:
    """What keeps a score from being compared with the clean one."""
    where, record, clean = str(one.folder), one.record, base.record
    problems = []
    if not one.sound:
        problems.append(Problem("changed", where, "what was scored", "a record or table that was changed",
                                f"See what: forgebench verify {where}"))  # fmt: skip
    if record.benchmark.content_hash not in recipes:
        hint = "Give the grid that it was scored on, or leave it out."
        problems.append(Problem("other_benchmark", where, "a benchmark of the grid", record.benchmark.name, hint))
    wanted = {
        "split": (clean.benchmark.split, record.benchmark.split),
        "method": (clean.method.method, record.method.method),
        "version": (clean.method.version, record.method.version),
        "thresholds": tuple(
            "none frozen" if c is None else f"those frozen in record {c.record_sha256[:12]}…"
            for c in (clean.calibration, record.calibration)
        ),
    }
    for name, (expected, got) in wanted.items():
        if expected != got:
            hint = "Score both alike: same split, method, version and --calibration."
            problems.append(Problem(f"other_{name}", where, f"{expected}, as in the clean score", got, hint))
    return problems
