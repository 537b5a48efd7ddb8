"""What each definition would have published: the numbers of one submission that go by one name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forgebench.metrics import Metric
from forgebench.report.entries import Entry
from forgebench.report.every import known
from forgebench.report.results import Cell, Row, shown
from forgebench.report.scales import Scale, scale
from forgebench.scoring.record import MetricValue

QUANTITIES: dict[str, tuple[str, ...]] = {
    "Pixel F1": ("pixel_f1",),
    "Pixel IoU": ("pixel_iou", "pixel_giou", "pixel_ciou", "pixel_miou"),
    "Pixel AUC": ("pixel_auc", "pixel_auroc"),
    "Pixel AP": ("pixel_ap",),
    "Pixel MCC": ("pixel_mcc",),
    "Pixel accuracy": ("pixel_accuracy",),
    "Pixel balanced accuracy": ("pixel_balanced_accuracy", "pixel_mean_accuracy"),
    "Image F1": ("image_f1", "image_if1"),
    "Image AUC": ("image_auc", "image_auroc", "auc_approx"),
    "Image accuracy": ("image_accuracy",),
    "Image balanced accuracy": ("image_balanced_accuracy",),
    "Combined F1": ("combined_f1", "f1_score"),
}
"""What goes by one name, and how the ids of such metrics begin."""
_OTHERS = {"reverse", "authentic", "beyond", "per"}
"""Words in the id of something else: of the inverted map, of the authentic class, without a band, per second."""
_NO_REASON = "Its definition does not let it rank."


@dataclass(frozen=True)
class Variant:
    """One number of one definition."""

    cell: Cell
    label: str
    """What sets it apart from the quantity's own name; empty where nothing does."""
    reason: str
    """Why it cannot rank; empty where it can."""

    @property
    def value(self) -> float | None:
        """The record's value."""
        return self.cell.value


@dataclass(frozen=True)
class QuantityRow:
    """One name, and what each definition understands by it."""

    title: str
    by_definition: tuple[tuple[Variant, ...], ...]

    @property
    def scale(self) -> Scale:
        """An axis that holds 0, 1 and all values."""
        return scale([0.0, 1.0, *(one.value for one in self.variants)])

    @property
    def variants(self) -> list[Variant]:
        """Those with a value."""
        return [one for some in self.by_definition for one in some if one.value is not None]

    @property
    def spread(self) -> str:
        """From the lowest to the highest value, in words."""
        every = _spread([one.value for one in self.variants])
        fair = _spread([one.value for one in self.variants if not one.reason])
        if every == fair:
            return f"{every}, {'depending on who counts' if ' to ' in every else 'whoever counts'}"
        return f"{every}, depending on who counts; {fair or 'none'} among those that rank"


@dataclass(frozen=True)
class Published:
    """One submission, by definition."""

    index: int
    """The entry's place among those given."""
    entry: Entry
    definitions: tuple[str, ...]
    rows: tuple[QuantityRow, ...]
    undefined: tuple[str, ...]
    """Names that no definition has a value for here."""


@dataclass(frozen=True)
class Source:
    """Where a definition comes from, and what a reader would not expect of it."""

    name: str
    version: int
    source: str
    traps: tuple[str, ...]


@dataclass(frozen=True)
class Disagreement:
    """All submissions by all definitions."""

    tables: tuple[Published, ...]
    """Of the submissions with more than one definition."""
    sources: tuple[Source, ...]

    @property
    def reasons(self) -> list[str]:
        """Why numbers cannot rank, each once, as they come."""
        variants = (one for table in self.tables for row in table.rows for some in row.by_definition for one in some)
        return list(dict.fromkeys(one.reason for one in variants if one.reason))


def disagreement(rows: Sequence[Row]) -> Disagreement:
    """What the definitions in the records make of each submission, in the order of the main table."""
    several = [(row.index, row.entry) for row in rows if len(row.entry.record.definitions) > 1]
    tables = tuple(_published(index, entry) for index, entry in several)
    named = dict.fromkeys(pair for _, entry in several for pair in entry.record.definitions.items())
    return Disagreement(tables, tuple(_source(*pair) for pair in named))


def _source(name: str, version: int) -> Source:
    found = known(name, version)
    return Source(name, version, found.source if found else "", found.traps if found else ())


def _published(index: int, entry: Entry) -> Published:
    rows, undefined = [], []
    for title in QUANTITIES:
        by_definition = tuple(_variants(entry, name, title) for name in entry.record.definitions)
        if sum(map(bool, by_definition)) < 2:
            continue
        row = QuantityRow(title, by_definition)
        if row.variants:
            rows.append(row)
        else:
            undefined.append(title)
    return Published(index, entry, tuple(entry.record.definitions), tuple(rows), tuple(undefined))


def _variants(entry: Entry, definition: str, title: str) -> tuple[Variant, ...]:
    """The definition's numbers of this name; an undefined one only where there is no other."""
    found = known(definition, entry.record.definitions[definition])
    metrics = {metric.id: metric for metric in found.metrics} if found else {}
    numbers = [
        number
        for number in entry.record.metrics
        if (number.definition, number.subset) == (definition, None) and _is_called(number.metric, title)
    ]
    defined = [number for number in numbers if number.value is not None]
    return tuple(_variant(number, metrics.get(number.metric), title) for number in defined or numbers[:1])


def _variant(number: MetricValue, about: Metric | None, title: str) -> Variant:
    reason = "" if number.rankable else (about and about.note) or _NO_REASON
    return Variant(Cell(number), _label(about.title if about else number.metric, title), reason)


def _is_called(metric: str, title: str) -> bool:
    """Whether a metric goes by this name.

    >>> [_is_called(one, "Pixel F1") for one in ("pixel_f1_512", "pixel_f1_reverse", "image_f1")]
    [True, False, False]
    """
    begins = any(metric == name or metric.startswith(f"{name}_") for name in QUANTITIES[title])
    return begins and _OTHERS.isdisjoint(metric.split("_"))


def _label(name: str, title: str) -> str:
    """What a metric's name adds to the quantity's.

    >>> _label("Pixel F1, oracle", "Pixel F1"), _label("Pixel F1", "Pixel F1"), _label("gIoU", "Pixel IoU")
    ('oracle', '', 'gIoU')
    """
    return name.removeprefix(title).strip(", ")


def _spread(values: Sequence[float | None]) -> str:
    held = sorted(value for value in values if value is not None)
    if not held:
        return ""
    low, high = shown(held[0]), shown(held[-1])
    return low if low == high else f"{low} to {high}"
