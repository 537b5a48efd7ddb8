"""The gallery: pictures of each entry's best and worst samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from forgebench.benchmark import Benchmark
from forgebench.benchmark.cells import mask_of
from forgebench.browse.names import app_link
from forgebench.errors import ForgeBenchError
from forgebench.report.entries import Entry
from forgebench.report.inputs import Row, check_hash, find_benchmark, open_scored, prediction, read_rows
from forgebench.report.picks import Shelf, numbers, shelves
from forgebench.report.pictures import heat_uri, image_uri, outline
from forgebench.schema import LABELS
from forgebench.submission import Submission

BUDGET = 4_500_000
"""About how many characters all pictures take together: the more of them, the smaller each."""
_IMAGE_SHARE, _HEAT_SHARE = 0.6, 0.4
_BASE64 = 0.75
_FEW = 12
"""With fewer pictures than this, each takes no more than its share of so many."""


@dataclass(frozen=True)
class Picture:
    """Something to be shown over the whole of an image."""

    key: str
    """Its id on the page."""
    uri: str
    width: int
    """Of the original image."""
    height: int


@dataclass(frozen=True)
class Item:
    """One sample as one entry predicted it."""

    sample_id: str
    label: str
    manipulation: str | None
    image: Picture
    truth: str | None
    """Id of the truth's outline; None where nothing is tampered, or no truth is known."""
    heat: Picture | None
    numbers: list[tuple[str, str]]
    link: str
    """Where FiftyOne shows it, while `forgebench browse` runs on the reader's machine."""


@dataclass(frozen=True)
class Wall:
    """The pictures of one entry."""

    title: str
    shelves: list[tuple[Shelf, list[Item]]] = field(default_factory=list)
    note: str = ""
    """Why there are none."""


@dataclass(frozen=True)
class Gallery:
    """All walls, and what they show; every picture is here once, however often it is shown."""

    walls: list[Wall] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    outlines: dict[str, str] = field(default_factory=dict)
    """SVG paths by id."""
    note: str = ""
    """Why there are no pictures at all."""


def make_gallery(entries: Sequence[Entry], benchmark: Benchmark | None) -> Gallery:
    """Choose samples and make their pictures.

    Args:
        entries: Of one benchmark.
        benchmark: That benchmark; None looks where it lay when the entries were scored.

    Raises:
        InputError: If `benchmark` is not the one that the entries were scored on.
    """
    if benchmark is not None:
        check_hash(benchmark, entries[0])
    chosen = [(entry, shelves(entry.table)) for entry in entries]
    wanted = {str(entry.table.sample_id[i]) for entry, some in chosen for shelf in some for i in shelf.rows}
    split = entries[0].record.benchmark.split
    try:
        found = benchmark or find_benchmark(entries)
        rows = read_rows(found, split, wanted)
    except ForgeBenchError as error:
        return Gallery(note=f"There are no pictures. {error}")
    images, outlines = _images(rows)
    n_heats = sum(len(shelf.rows) for entry, some in chosen for shelf in some if entry.table.localizes)
    links = {one: app_link(found, split, one) for one in wanted}
    stock = _Stock(rows, images, outlines, links, _most_bytes(_HEAT_SHARE, n_heats))
    walls = [_wall(stock, number, entry, some) for number, (entry, some) in enumerate(chosen)]
    used = {item.image.key for wall in walls for _, items in wall.shelves for item in items}
    pictures = [picture for picture in images.values() if picture.key in used] + _heats(walls)
    return Gallery(walls, pictures, outlines)


def _most_bytes(share: float, count: int) -> int:
    return int(BUDGET * share * _BASE64 / max(count, _FEW))


def _images(rows: dict[str, Row]) -> tuple[dict[str, Picture], dict[str, str]]:
    """The images by sample id, and the outlines of their truths by id."""
    images: dict[str, Picture] = {}
    outlines: dict[str, str] = {}
    limit = _most_bytes(_IMAGE_SHARE, len(rows))
    for number, (sample_id, row) in enumerate(rows.items()):
        uri = image_uri(row["image"]["bytes"], limit)
        images[sample_id] = Picture(f"image-{number}", uri, row["width"], row["height"])
        truth = mask_of(row["mask"])
        if truth is not None and truth.any():
            outlines[f"truth-{number}"] = outline(truth)
    return images, outlines


def _heats(walls: Sequence[Wall]) -> list[Picture]:
    return [item.heat for wall in walls for _, items in wall.shelves for item in items if item.heat]


@dataclass(frozen=True)
class _Stock:
    """What all walls share."""

    rows: dict[str, Row]
    images: dict[str, Picture]
    outlines: dict[str, str]
    links: dict[str, str]
    most_bytes: int
    """Of a heat map."""


def _wall(stock: _Stock, number: int, entry: Entry, some: Sequence[Shelf]) -> Wall:
    try:
        submission = open_scored(entry)
        hung = [
            (shelf, [_item(stock, submission, entry, index, f"heat-{number}-{index}") for index in shelf.rows])
            for shelf in some
        ]
    except ForgeBenchError as error:
        return Wall(entry.title, note=f"There are no pictures of {entry.title}. {error}")
    return Wall(entry.title, hung)


def _item(stock: _Stock, submission: Submission, entry: Entry, index: int, key: str) -> Item:
    sample_id = str(entry.table.sample_id[index])
    row, image = stock.rows[sample_id], stock.images[sample_id]
    mask = prediction(submission, entry, index, row)
    truth = image.key.replace("image", "truth")
    return Item(
        sample_id=sample_id,
        label=LABELS[row["label"]],
        manipulation=row["manipulation"],
        image=image,
        truth=truth if truth in stock.outlines else None,
        heat=None if mask is None else Picture(key, heat_uri(mask, stock.most_bytes), image.width, image.height),
        numbers=numbers(entry.table, index),
        link=stock.links[sample_id],
    )
