"""Slices: every one is the score of its samples alone."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import small
from PIL import Image

import forgebench
from forgebench import InputError
from forgebench.jpeg import file_quality
from forgebench.scoring.per_image import open_table
from forgebench.scoring.slices import SLICES, subsets

ALL = tuple(SLICES)


@pytest.fixture(scope="module")
def sliced(scene, given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sliced")
    submission = small.write_zip(folder / "s.zip", small.files(scene, given))
    return forgebench.score(submission, scene.benchmark, folder / "out", slices=ALL, workers=1), folder / "out"


def test_each_slice_is_the_score_of_its_samples(scene, given, sliced):
    """By hand: mean F1 over the tampered images of a size, and the AUC against all authentic ones."""
    record, _ = sliced
    truth = {one.sample_id: scene.truth[one.sample_id] for one in given}
    share = {name: mask.mean() for name, mask in truth.items() if scene.tampered(name)}
    inside = [one for one in given if one.sample_id in share and 0.01 <= share[one.sample_id] < 0.05]
    f1 = [
        2 * (m & t).sum() / (m.sum() + t.sum()) for m, t in ((one.mask >= 128, truth[one.sample_id]) for one in inside)
    ]
    assert record.value("pixel_f1", subset="region_size=1-5 %") == pytest.approx(np.mean(f1))
    clean = [one.score for one in given if not scene.tampered(one.sample_id)]
    wins = [(a.score > b) + 0.5 * (a.score == b) for a in inside for b in clean]
    assert record.value("image_auc", subset="region_size=1-5 %") == pytest.approx(np.mean(wins))
    number = next(m for m in record.metrics if (m.metric, m.subset) == ("image_auc", "region_size=1-5 %"))
    assert number.n == len(inside) + len(clean)
    assert number.ci_low < number.value < number.ci_high


def test_slices_come_after_the_whole_and_cover_it(sliced):
    record, folder = sliced
    names = [one.subset for one in record.metrics]
    assert names[: names.count(None)] == [None] * names.count(None)
    table = open_table(folder / "per_image.parquet")
    for name in ("image_size", "jpeg_quality"):
        members = [inside for _, inside in subsets([name], table.slice_columns())]
        assert (np.sum(members, axis=0) == 1).all(), "every sample is in one slice of what all images have"
    assert {one.subset for one in record.metrics if one.subset and "source" in one.subset} == set()
    assert record.slices == list(ALL)


def test_a_sliced_record_verifies_and_rescores(scene, sliced):
    record, folder = sliced
    assert forgebench.verify(folder) == []
    again = forgebench.rescore(folder, predictions=folder.parent / "s.zip", benchmark=scene.benchmark)
    assert again.metrics == record.metrics
    assert again.per_image == record.per_image


def test_whole_numbers_are_the_same_with_and_without_slices(scene, given, sliced, tmp_path):
    plain = forgebench.score(small.write_zip(tmp_path / "s.zip", small.files(scene, given)), scene.benchmark)
    assert plain.metrics == [one for one in sliced[0].metrics if one.subset is None]


def test_an_unknown_slice(scene, given, tmp_path):
    submission = small.write_zip(tmp_path / "s.zip", small.files(scene, given))
    with pytest.raises(InputError, match=r"No slice colour\. There are: manipulation, region_size"):
        forgebench.score(submission, scene.benchmark, slices=["colour"])


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_read_off_its_tables(quality):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    assert file_quality(buffer.getvalue()) == quality


def test_a_png_has_no_jpeg_quality(sliced):
    assert file_quality(small.png(np.zeros((4, 4), np.uint8))) is None
    assert {one.subset for one in sliced[0].metrics if one.subset and "jpeg" in one.subset} == {"jpeg_quality=no JPEG"}
