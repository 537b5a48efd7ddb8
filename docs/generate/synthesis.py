"""Picture sheets of what the recipes make: each forgery, its mask on it, and where it comes from.

`python -m docs.generate.synthesis --out FOLDER` makes a PNG sheet of 48 forgeries for every shipped recipe.
"""

from __future__ import annotations

import argparse
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from forgebench.demo.run import PHOTOS
from forgebench.schema import Item
from forgebench.synthesis import Photo, Recipe, forge, list_photos, load_recipe
from forgebench.synthesis.photos import open_photo, size_at
from forgebench.synthesis.recipe import shipped_recipes

CELL = 240, 190
CAPTION = 28
COLUMNS = 2
"""Samples a row; each takes three cells."""


def sheet(photos: list[Photo], recipe: Recipe, seed: int, n: int) -> Image.Image:
    """The forgeries of the first `n` pairs of a seed."""
    cells = []
    for index in range(2 * n):
        item = forge(photos, recipe, seed, index)
        if item.label == "tampered":
            cells.append(_strip(item, photos))
    width, height = 3 * CELL[0], CELL[1] + CAPTION
    page = Image.new("RGB", (COLUMNS * (width + 8), -(-len(cells) // COLUMNS) * height), "white")
    for place, cell in enumerate(cells):
        page.paste(cell, (place % COLUMNS * (width + 8), place // COLUMNS * height))
    return page


def _strip(item: Item, photos: list[Photo]) -> Image.Image:
    """A forgery, its mask (red) and source (green), and the photograph that it was made from."""
    image = Image.open(BytesIO(item.image)).convert("RGB")
    pixels = np.array(image)
    for mask, colour in ((item.source_mask, (0, 200, 0)), (item.mask, (230, 0, 0))):
        if mask is not None:
            pixels[mask] = pixels[mask] // 2 + np.array(colour, np.uint8) // 2
    told = json.loads(item.provenance or "")
    donors = [step["donor"]["sha256"] for step in told["steps"] if step["donor"]]
    sha = donors[0] if donors else told["host"]["sha256"]
    origin = next(photo for photo in photos if photo.sha256 == sha)
    source = Image.fromarray(open_photo(origin, size_at(origin, 1, max(CELL))))
    strip = Image.new("RGB", (3 * CELL[0], CELL[1] + CAPTION), "white")
    for place, picture in enumerate((image, Image.fromarray(pixels), source)):
        picture.thumbnail((CELL[0] - 4, CELL[1] - 4), Image.Resampling.LANCZOS)
        strip.paste(picture, (place * CELL[0], 0))
    steps = "; ".join(f"{s['kind']} {s['fill'] or s['blend']} {s['harmony']} x{s['scale']:.2f}" for s in told["steps"])
    saving = told["saving"]
    text = f"{item.sample_id}  {saving['format']} {saving['compression']['quality']} {saving['finish']}\n{steps}"
    ImageDraw.Draw(strip).text((2, CELL[1] - 2), text, fill="black", font_size=10)
    return strip


def main() -> None:
    """Write one sheet a recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=str(PHOTOS))
    parser.add_argument("--recipe", action="append", help="all shipped ones unless said")
    parser.add_argument("--out", type=Path, default=Path("synthesis-sheets"))
    parser.add_argument("-n", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    photos = list_photos(given.photos)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.recipe or shipped_recipes():
        sheet(photos, load_recipe(name), given.seed, given.n).save(given.out / f"{Path(name).stem}.png")


if __name__ == "__main__":
    main()
