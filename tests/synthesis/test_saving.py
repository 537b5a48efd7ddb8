"""Files: quantization tables as stated, formats, double compression, finishing touches."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forgebench.synthesis.plan import Compression, Saving
from forgebench.synthesis.saving import finished, save_jpeg, saved
from forgebench.synthesis.tables import _EDITOR, quantization
from synthesis.making import forgeries, photos, pixels, plan_of, recipe

SCENE = np.asarray(Image.open(photos()[3].path).convert("RGB").resize((200, 150)))


def _tables(data: bytes) -> dict[int, list[int]]:
    with Image.open(BytesIO(data)) as image:
        return {number: list(table) for number, table in image.quantization.items()}


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 90, 99, 100])
def test_standard_tables_are_libjpeg_s(quality: int) -> None:
    buffer = BytesIO()
    Image.fromarray(SCENE).save(buffer, "JPEG", quality=quality)
    ours = save_jpeg(SCENE, Compression(quality, "standard", "4:2:0"))
    assert _tables(ours) == _tables(buffer.getvalue())
    assert np.array_equal(pixels(ours), pixels(buffer.getvalue()))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("tables", ["standard", "camera", "editor"])
def test_a_file_has_the_tables_and_the_subsampling_that_are_stated(tables: str, subsampling: str) -> None:
    how = Compression(92, tables, subsampling)  # type: ignore[arg-type]
    data = save_jpeg(SCENE, how)
    luma, chroma = quantization(how)
    assert _tables(data) == {0: list(luma), 1: list(chroma)}
    with Image.open(BytesIO(data)) as image:
        wanted = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}[subsampling]
        assert (image.layer[0][1:3], image.layer[1][1:3]) == (wanted, (1, 1))


def test_camera_and_editor_tables_are_those_of_real_files(shared_data: Path) -> None:
    """The camera's rule gives its files' tables exactly; each editor table is found in a file."""
    found = set()
    for folder in ("CASIA1", "CASIA2/Au", "CASIA2/Tp"):
        for path in (shared_data / folder).rglob("*.jpg"):
            with Image.open(path) as image:
                tables = {number: tuple(table) for number, table in image.quantization.items()}
                found.add((tables[0], tables.get(1)))
    rules = {quantization(Compression(quality, "camera", "4:2:2")) for quality in range(90, 98)}
    assert not set(_EDITOR) - found
    assert any(pair[0] in {luma for luma, _ in rules} or _near(pair, rules) for pair in found)


def _near(pair, rules) -> bool:
    """The camera's scale lies between two whole qualities: no step is off by more than one."""
    return any(np.abs(np.subtract(pair, rule)).max() <= 1 for rule in rules if pair[1] is not None)


def test_coarser_tables_for_lower_quality() -> None:
    for tables in ("standard", "camera", "editor"):
        first = [quantization(Compression(q, tables, "4:4:4"))[0][0] for q in range(30, 101)]  # type: ignore[arg-type]
        assert first == sorted(first, reverse=True)


@pytest.mark.parametrize(("kind", "found"), [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("tiff", "TIFF")])
def test_each_format_is_what_it_says(kind: str, found: str) -> None:
    saving = Saving("none", 0, 0, kind, Compression(80, "standard", "4:4:4"), None)  # type: ignore[arg-type]
    data, suffix = saved(SCENE, saving)
    with Image.open(BytesIO(data)) as image:
        assert image.format == found
        assert not image.getexif() or kind == "tiff"
        same = np.array_equal(np.asarray(image.convert("RGB")), SCENE)
    assert same == (kind in ("png", "tiff"))
    assert {"jpeg": "jpg", "tiff": "tif"}.get(kind, kind) == suffix


def test_a_file_that_is_compressed_again_is_the_second_file() -> None:
    once, twice = Compression(90, "editor", "4:4:4"), Compression(60, "standard", "4:2:0")
    data, suffix = saved(SCENE, Saving("none", 0, 0, "png", once, twice))
    assert suffix == "jpg"
    assert data == save_jpeg(SCENE, twice), "PNG between loses nothing"
    data, _ = saved(SCENE, Saving("none", 0, 0, "jpeg", once, twice))
    assert data == save_jpeg(pixels(save_jpeg(SCENE, once)).astype(np.uint8), twice)


def test_finishing_touches_do_what_they_say() -> None:
    def done(what: str, amount: float) -> np.ndarray:
        how = Saving(what, amount, 7, "png", Compression(90, "standard", "4:4:4"), None)  # type: ignore[arg-type]
        return finished(SCENE, how).astype(np.int16)

    def sharpness(image: np.ndarray) -> float:
        return float(np.abs(np.diff(image.astype(float), axis=1)).mean())

    assert np.array_equal(done("none", 0), SCENE)
    assert sharpness(done("blur", 0.8)) < sharpness(SCENE) < sharpness(done("sharpen", 0.8))
    noise = done("noise", 3.0) - SCENE
    middle = (SCENE > 20).all(axis=2) & (SCENE < 235).all(axis=2)
    assert noise[middle].std() == pytest.approx(3, abs=0.2)
    assert done("tone", 0.8).mean() > SCENE.mean() > done("tone", 1.2).mean()


def test_compressions_before_the_edit_are_in_the_pixels() -> None:
    """The host's first compression: its coefficients lie on the lattice of the tables that are stated."""
    made = recipe(
        "splice", photo={"max_side": 256, "first": {"quality": [60, 60]}, "donor": {"quality": [95, 95]}},
        save={"format": {"png": 1}}, seam={"blend": {"hard": 1}},
    )  # fmt: skip
    for item in forgeries(made, 3):
        (first, donor) = plan_of(item).host.first, plan_of(item).steps[0].donor
        assert first is not None
        assert donor is not None
        assert donor.first is not None
        assert (first.quality, donor.first.quality) == (60, 95)
        again = pixels(save_jpeg(pixels(item.image).astype(np.uint8), first))
        change = np.abs(again - pixels(item.image)).max(axis=2)
        assert item.mask is not None
        blocks = np.zeros(item.size, bool)
        for y, x in np.argwhere(item.mask):
            blocks[y - y % 8 : y - y % 8 + 8, x - x % 8 : x - x % 8 + 8] = True
        assert change[~blocks].mean() < 0.3 < 1 < change[item.mask].mean()
