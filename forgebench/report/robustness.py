"""The robustness of the entries: a panel for each family of recipes, and the areas under its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forgebench.errors import InputError
from forgebench.metrics import Metric
from forgebench.report.entries import Entry
from forgebench.report.scales import Scale, scale
from forgebench.scoring.numbers import definitions_named
from forgebench.scoring.robust import Curve, Measured, Point, Robustness, read_robustness
from forgebench.scoring.score import ROBUSTNESS

WIDTH, HEIGHT = 340.0, 210.0
"""Of a panel, in its own units."""
LEFT, RIGHT, TOP, BOTTOM = 40.0, 14.0, 12.0, 34.0
"""Margins around what is drawn."""
Found = Sequence[tuple[int, Entry, Robustness]]
"""The entries with a robustness, with their places."""
_CLEAN = "clean"
_SINGLE = "One strength each"
_AGAIN = "Make it again over the same grid with: forgebench robustness"


@dataclass(frozen=True)
class Dot:
    """A point as drawn."""

    x: float
    y: float
    low: float | None
    high: float | None
    separated: bool
    """Whether the data tell it from clean."""
    title: str


@dataclass(frozen=True)
class Line:
    """One entry in one panel."""

    index: int
    """The entry's place, which is its colour."""
    clean: float
    """The height of its clean value."""
    dots: tuple[Dot, ...]
    path: str
    """Through the dots; empty where they have no order."""
    band: str
    """Around it, between the ends of the intervals."""


@dataclass(frozen=True)
class Panel:
    """A family of recipes, or all that have one strength."""

    title: str
    unit: str
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Robust:
    """What the page shows."""

    metric: Metric
    entries: tuple[tuple[int, Entry, Robustness], ...]
    """Those with a robustness, with their places."""
    panels: tuple[Panel, ...]
    levels: tuple[tuple[float, str], ...]
    """Heights of the ticks of the metric, the same in all panels."""
    areas: tuple[tuple[str, tuple[tuple[int, Entry, Measured | None, Point], ...]], ...]
    """By family: each entry's area, and its worst point."""


def robust(entries: Sequence[Entry]) -> Robust | None:
    """The robustness of those entries that have one beside their record; None without any.

    Raises:
        InputError: If one is of another record, or two are by different metrics or over different grids.
    """
    found = tuple(
        (index, entry, read_robustness(entry.folder))
        for index, entry in enumerate(entries)
        if (entry.folder / ROBUSTNESS).is_file()
    )
    if not found:
        return None
    axes = _axes(found)
    first = found[0][2]
    heights = scale(number for _, _, one in found for number in _numbers(one))
    families = [family for family, (_, clean_at) in axes.items() if clean_at is not None]
    panels = [_panel(family, *axes[family], found, heights) for family in families]
    single = [family for family in axes if family not in families]
    if single:
        panels.append(_singles([recipe for family in single for recipe in axes[family][0]], found, heights))
    return Robust(
        definitions_named([first.definition])[0].metric(first.metric), found, tuple(panels),
        tuple((_height(heights, tick), f"{tick:g}".replace("-", "−")) for tick in heights.ticks),
        tuple((family, tuple(_areas(family, found))) for family in families),
    )  # fmt: skip


def _axes(found: Found) -> dict[str, tuple[list[str], int | None]]:
    """Each family's recipes and the place of the clean images, which all entries must share."""
    axes: dict[str, tuple[list[str], int | None]] = {}
    _, first, known = found[0]
    for _, entry, one in found:
        where = entry.folder / ROBUSTNESS
        if one.record_sha256 != entry.record.record_sha256:
            raise InputError(f"{where} is of another record than the one beside it. {_AGAIN}")
        if (one.metric, one.definition) != (known.metric, known.definition):
            raise InputError(f"{where} is by {one.metric} of {one.definition}, {first.folder / ROBUSTNESS} by "
                             f"{known.metric} of {known.definition}. {_AGAIN}")  # fmt: skip
        for curve in one.curves:
            if axes.setdefault(curve.family, (curve.axis, curve.clean_at)) != (curve.axis, curve.clean_at):
                raise InputError(f"{where} has other strengths of {curve.family} than an entry before. {_AGAIN}")
    return axes


def _numbers(one: Robustness) -> list[float | None]:
    points = [point for curve in one.curves for point in curve.points]
    return [one.clean, one.ci_low, one.ci_high] + [n for p in points for n in (p.value, p.ci_low, p.ci_high)]


def _panel(family: str, axis: list[str], clean_at: int | None, found: Found, heights: Scale) -> Panel:
    names = list(axis)
    names.insert(clean_at or 0, _CLEAN)
    places = {name: _place(index, len(names)) for index, name in enumerate(names)}
    lines = []
    unit = ""
    for index, entry, one in found:
        curve = _curve(one, family)
        if curve is not None and one.clean is not None:
            unit = curve.unit or ""
            dots = [_dot(point, places, entry, heights) for point in curve.points if point.value is not None]
            ends = _ends(heights, one.ci_low, one.ci_high)
            start = Dot(places[_CLEAN], _height(heights, one.clean), *ends, separated=False, title="")
            lines.append(_line(index, start, dots))
    ticks = tuple((places[name], name.removeprefix(f"{family}-")) for name in names)
    return Panel(family, unit, ticks, tuple(lines))


def _singles(recipes: list[str], found: Found, heights: Scale) -> Panel:
    """All recipes without an order, side by side; the entries of one recipe a little apart."""
    places = {recipe: _place(index, len(recipes), 0.5) for index, recipe in enumerate(recipes)}
    lines = []
    for order, (index, entry, one) in enumerate(found):
        apart = 9.0 * (order - (len(found) - 1) / 2)
        shifted = {recipe: x + apart for recipe, x in places.items()}
        points = [point for curve in one.curves for point in curve.points if point.recipe in places]
        dots = tuple(_dot(point, shifted, entry, heights) for point in points if point.value is not None)
        if one.clean is not None:
            lines.append(Line(index, _height(heights, one.clean), dots, "", ""))
    return Panel(_SINGLE, "", tuple((places[recipe], recipe) for recipe in recipes), tuple(lines))


def _curve(one: Robustness, family: str) -> Curve | None:
    return next((curve for curve in one.curves if curve.family == family), None)


def _line(index: int, start: Dot, dots: list[Dot]) -> Line:
    ordered = sorted([start, *dots], key=lambda dot: dot.x)
    whole = [dot for dot in ordered if dot.low is not None]
    upper = [f"{dot.x:g},{dot.high:g}" for dot in whole]
    lower = [f"{dot.x:g},{dot.low:g}" for dot in reversed(whole)]
    path = " ".join(f"{dot.x:g},{dot.y:g}" for dot in ordered)
    return Line(index, start.y, tuple(dots), path, " ".join(upper + lower))


def _dot(point: Point, places: dict[str, float], entry: Entry, heights: Scale) -> Dot:
    value = 0.0 if point.value is None else point.value
    ends = _ends(heights, point.ci_low, point.ci_high)
    title = f"{entry.title}, {point.recipe}: {value:.4f}"
    if point.difference is not None:
        title += f", {point.difference:+.4f} to clean"
    return Dot(places[point.recipe], _height(heights, value), *ends, point.separated, title.replace("-0.", "−0."))


def _ends(heights: Scale, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    if low is None or high is None:
        return None, None
    return _height(heights, low), _height(heights, high)


def _place(index: int, count: int, inset: float = 0.0) -> float:
    share = (index + inset) / max(1, count - 1 + 2 * inset)
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 2)


def _height(heights: Scale, value: float) -> float:
    low, high = heights.ticks[0], heights.ticks[-1]
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low), 2)


def _areas(family: str, found: Found) -> list[tuple[int, Entry, Measured | None, Point]]:
    rows = []
    for index, entry, one in found:
        curve = _curve(one, family)
        if curve is not None:
            sign = 1 if one.higher_is_better else -1
            worst = min(curve.points, key=lambda p: (p.difference is None, sign * (p.difference or 0.0)))
            rows.append((index, entry, curve.area, worst))
    return rows
