"""Pictures: which, of what, how large, the right way up."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import lookalikes
import numpy as np
import pytest
from page_reader import Element, parse, words
from PIL import Image
from skimage.draw import polygon2mask

from forgebench.benchmark import Benchmark
from forgebench.report import gallery, write_report
from forgebench.report.entries import Entry, read_entries
from forgebench.report.picks import shelves
from forgebench.report.pictures import heat_uri, image_uri, outline

Scores = dict[str, Path]


def decoded(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(BytesIO(b64decode(data)))


def entry(folder: Path) -> Entry:
    return read_entries([folder])[0]


# --- which ------------------------------------------------------------------------------------------------------------


def test_best_and_worst_are_by_pixel_f1_and_share_no_image(scores: Scores) -> None:
    table = entry(scores["seer"]).table
    best, worst, alarms = shelves(table)
    f1 = table.pixel_numbers["pixel_f1"]
    assert (len(best.rows), len(worst.rows), len(alarms.rows)) == (5, 5, 4)
    assert not set(best.rows) & set(worst.rows)
    assert min(f1[list(best.rows)]) >= max(f1[list(worst.rows)])
    assert list(f1[list(best.rows)]) == sorted(f1[list(best.rows)], reverse=True)
    assert list(f1[list(worst.rows)]) == sorted(f1[list(worst.rows)])
    assert f1[worst.rows[0]] == f1[table.tampered].min()


def test_alarms_are_the_authentic_images_with_the_largest_false_area(scores: Scores) -> None:
    table = entry(scores["seer"]).table
    rows = list(shelves(table)[-1].rows)
    area = table.hist_authentic[:][:, 128:].sum(axis=1) / table.authentic_px
    assert not table.tampered[rows].any()
    assert list(area[rows]) == sorted(area[~table.tampered], reverse=True)[:4]


def test_silence_has_no_best_and_no_alarm(scores: Scores, tmp_path: Path) -> None:
    best, worst, alarms = shelves(entry(scores["black"]).table)
    assert best.rows == alarms.rows == ()
    assert len(worst.rows) == 6
    text = words(next(parse(write_report([scores["black"]], tmp_path / "r.html").read_text()).all("main")))
    assert "No tampered image has a pixel F1 above 0." in text
    assert "No authentic image is called tampered, not even in part." in text


def test_without_masks_the_lowest_scores_of_tampered_images_are_shown(scores: Scores) -> None:
    table = entry(scores["unmasked"]).table
    missed, alarms = shelves(table)
    rows = list(missed.rows)
    assert rows
    assert table.tampered[rows].all()
    assert list(table.score[rows]) == sorted(table.score[table.tampered & (table.score < 0.5)])[:6]
    assert np.all(table.score[list(alarms.rows)] >= 0.5)


def test_samples_without_a_valid_prediction_are_not_shown(scores: Scores) -> None:
    table = entry(scores["box"]).table
    shown = [i for shelf in shelves(table) for i in shelf.rows]
    assert table.valid[shown].all()
    assert not table.valid.all()


# --- of what ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(scores: Scores, tmp_path_factory: pytest.TempPathFactory) -> Element:
    return parse(write_report(list(scores.values()), tmp_path_factory.mktemp("page") / "r.html").read_text())


def test_numbers_below_a_picture_are_the_tables(page: Element, scores: Scores) -> None:
    table = entry(scores["seer"]).table
    wall = next(page.all("section", class_="wall"))
    cards = list(wall.all("figure", class_="card"))
    assert len(cards) == 14
    for card in cards:
        (name,) = card.all("span", class_="id")
        row = list(table.sample_id).index(name.text)
        said = dict(re.findall(r"(\S+) ([\d.]+)", words(next(card.all("span", class_="numbers")))))
        assert said["Score"] == f"{table.score[row]:.3f}"
        if table.tampered[row]:
            assert said["F1"] == f"{table.pixel_numbers['pixel_f1'][row]:.3f}"
            assert said["AUC"] == f"{table.pixel_numbers['pixel_auc'][row]:.3f}"
        else:
            area = table.hist_authentic[:][row, 128:].sum() / table.authentic_px[row]
            assert said["area"] == f"{area:.3f}"


def test_pictures_and_outlines_are_those_of_their_samples(
    page: Element, truths: tuple[Path, lookalikes.Truths]
) -> None:
    images = {one.attributes["id"]: one.attributes for one in page.all("image")}
    paths = {one.attributes["id"]: one.attributes["d"] for one in page.all("path", id=None)}
    seen = 0
    for card in page.all("figure", class_="card"):
        (name,) = card.all("span", class_="id")
        truth = truths[1][name.text]
        used = {one.attributes["href"].removeprefix("#") for one in card.all("use")}
        height, width = truth.mask.shape
        (key,) = (key for key in used if key.startswith("image"))
        assert (images[key]["width"], images[key]["height"]) == (str(width), str(height))
        with Image.open(BytesIO(truth.image)) as file:
            stored = np.asarray(file.convert("RGB"), np.float64)
        if "stored" in name.text or "displayed" in name.text:
            stored = np.rot90(stored, -1)
        picture = np.asarray(decoded(images[key]["href"]).convert("RGB"), np.float64)
        assert np.abs(picture - stored).mean() < 12
        outlines = [paths[key] for key in used if key.startswith("truth")]
        assert len(outlines) == int(truth.mask.any())
        for path in outlines:
            assert np.mean(filled(path, truth.mask.shape) != truth.mask) < 0.02
        seen += 1
    assert seen > 30


def test_every_picture_is_there_once(page: Element) -> None:
    uris = [one.attributes["href"] for one in page.all("image") if one.attributes["id"].startswith("image")]
    assert len(uris) == len(set(uris))
    shown = {use.attributes["href"] for card in page.all("figure", class_="card") for use in card.all("use")}
    assert {f"#{one.attributes['id']}" for one in page.all("image")} <= shown


@pytest.mark.parametrize("count", [1, 16, 160])
def test_the_limits_of_all_pictures_make_the_budget(count: int) -> None:
    images, heats = (gallery._most_bytes(share, count) * count for share in (0.6, 0.4))
    assert (images + heats) / 0.75 <= gallery.BUDGET
    if count > 12:
        assert (images + heats) / 0.75 > 0.99 * gallery.BUDGET


def test_more_pictures_are_smaller_ones(
    truths: tuple[Path, lookalikes.Truths], scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []
    monkeypatch.setattr(gallery, "image_uri", lambda data, limit: limits.append(limit) or "data:,")
    one, two = (len(gallery.make_gallery(read_entries(some), None).pictures) for some in (
        [scores["black"]], [scores["black"], scores["seer"]],
    ))  # fmt: skip
    assert one < two
    assert limits[0] > limits[-1]


# --- how --------------------------------------------------------------------------------------------------------------


def filled(path: str, shape: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """What an SVG path of closed polygons covers, even-odd."""
    covered = np.zeros(shape, bool)
    for polygon in re.findall(r"M([^Z]+)Z", path):
        points = np.array([[float(v) for v in point.split()] for point in polygon.split("L")])
        covered ^= polygon2mask(shape, points[:, ::-1] - 0.5)
    return covered


def test_an_outline_covers_its_mask_with_holes_and_at_the_border() -> None:
    y, x = np.mgrid[:120, :160]
    ring = np.hypot(y - 60, x - 60) < 40
    ring &= np.hypot(y - 60, x - 60) > 20
    mask = ring | (x > 140)
    path = outline(mask)
    assert path.count("M") == 3
    assert np.mean(filled(path, mask.shape) != mask) < 0.01


def test_an_outline_of_nothing_is_empty_and_a_ragged_one_is_short() -> None:
    assert outline(np.zeros((20, 30), bool)) == ""
    speckle = np.random.default_rng(0).random((300, 400)) < 0.3
    speckle[50:150, 50:200] = True
    path = outline(speckle)
    assert 0 < len(path) <= 12_000
    assert filled(path, speckle.shape)[55:145, 55:195].mean() > 0.9


def test_an_outline_of_a_large_mask_keeps_what_is_thin() -> None:
    mask = np.zeros((2000, 3000), bool)
    mask[500:1500, 700:703] = True
    covered = filled(outline(mask), mask.shape)
    assert covered[501:1499, 700:703].all()
    assert covered.sum() < 4 * mask.sum()


def test_a_single_pixel_has_an_outline() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5, 7] = True
    corners = re.findall(r"[\d.]+", outline(mask))
    assert corners
    assert abs(np.mean([float(x) for x in corners[::2]]) - 7.5) < 0.2
    assert abs(np.mean([float(y) for y in corners[1::2]]) - 5.5) < 0.2


def test_a_picture_is_never_larger_than_900_nor_scaled_up() -> None:
    large = lookalikes.encoded(lookalikes.photo(1, 1600, 1000), "TIFF")
    assert decoded(image_uri(large, 10**7)).size == (900, 562)
    assert decoded(image_uri(lookalikes.encoded(lookalikes.photo(1), "BMP"), 10**7)).size == (48, 32)
    wide = Image.new("L", (4000, 3))
    buffer = BytesIO()
    wide.save(buffer, "PNG")
    assert decoded(image_uri(buffer.getvalue(), 10**7)).size == (900, 1)


def test_a_picture_is_made_smaller_until_it_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800), dtype=np.uint8)
    data = lookalikes.encoded(np.stack([noise] * 3, axis=2), "PNG")
    uris = [image_uri(data, limit) for limit in (10**7, 100_000, 1)]
    sizes = [decoded(uri).size[0] for uri in uris]
    assert sizes[0] == 800
    assert 800 > sizes[1] > sizes[2] == 240
    assert len(uris[1]) <= 100_000 / 0.75 + 50
    assert len(heat_uri(noise, 60_000)) <= 60_000 / 0.75 + 50


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_images_of_any_mode_become_pictures(mode: str) -> None:
    buffer = BytesIO()
    picture = Image.new("I;16", (48, 32)) if mode == "I;16" else Image.new("RGB", (48, 32), "red").convert(mode)
    picture.save(buffer, "TIFF")
    assert decoded(image_uri(buffer.getvalue(), 10**6)).size == (48, 32)


def test_heat_is_clear_where_nothing_is_suspected_and_grows_with_probability() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (40, 1))
    heat = np.asarray(decoded(heat_uri(ramp, 10**6)))
    assert heat.shape == (40, 256, 4)
    alpha = heat[0, :, 3].astype(int)
    assert alpha[0] == 0
    assert alpha[255] > 200
    assert (np.diff(alpha) >= 0).all()
    brightness = heat[0, 128:, :3].astype(int).sum(axis=1)
    assert (np.diff(brightness) >= 0).all()


def test_real_tiffs_have_pictures(shared_data: Path, tmp_path: Path) -> None:
    import forgebench
    from forgebench import controls

    built: Benchmark = forgebench.build("coverage", shared_data / "COVERAGE", tmp_path / "coverage", workers=1)
    forgebench.predict(controls.centre_box(), built, tmp_path / "sub")
    forgebench.score(tmp_path / "sub", built, tmp_path / "score", workers=1)
    html = write_report([tmp_path / "score"]).read_text()
    assert len(list(parse(html).all("figure", class_="card"))) == 16
    assert len(html) < 5_000_000 + 1_200_000
    assert json.loads((tmp_path / "score" / "inputs.json").read_text())["benchmark"] not in html
