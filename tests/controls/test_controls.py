"""The controls know nothing; the ghost detector does."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.metrics import roc_auc_score

import forgebench
from forgebench import Sample, controls
from forgebench.metrics import pixel_counts, pixel_numbers

FACTORIES = {
    "all black": controls.all_black, "all white": controls.all_white, "random": controls.random,
    "centre box": controls.centre_box, "constant": controls.constant, "edge detector": controls.edges,
    "JPEG ghost": controls.jpeg_ghost,
}  # fmt: skip


def _sample(image, name="s"):
    return Sample(name, b"", image, image.shape[1], image.shape[0])


def _one(factory, sample):
    (prediction,) = factory().predict([sample])
    return prediction


def _photo(rng, height=208, width=240):
    """Smooth ground, edges and fine texture, as photographs have them."""
    rough = np.dstack([ndimage.gaussian_filter(rng.normal(size=(height, width)), s) * s for s in (1.2, 4, 16)])
    grey = rough @ rng.uniform(0.5, 1.5, 3) * 60 + 128
    colours = np.stack([ndimage.gaussian_filter(rng.normal(size=grey.shape), 20) * 300 for _ in range(3)], axis=2)
    return np.clip(grey[..., None] + colours, 0, 255).astype(np.uint8)


def _jpeg(pixels, quality):
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (16, 16), (33, 17), (64, 65)])
def test_any_image_gets_a_prediction_of_its_size(name, shape):
    rng = np.random.default_rng(0)
    for image in (np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8),
                  rng.integers(0, 256, (*shape, 3), np.uint8)):  # fmt: skip
        found = _one(FACTORIES[name], _sample(image))
        assert found.mask.shape == shape
        assert found.mask.dtype == np.uint8
        assert 0 <= found.score <= 1


@pytest.mark.parametrize("name", FACTORIES)
def test_the_same_image_gets_the_same(name):
    sample = _sample(_photo(np.random.default_rng(1)))
    first, second = (_one(FACTORIES[name], sample) for _ in range(2))
    assert first.score == second.score
    assert (first.mask == second.mask).all()


def test_what_they_say():
    sample = _sample(np.zeros((8, 12, 3), np.uint8))
    assert (_one(controls.all_black, sample).score, _one(controls.all_black, sample).mask.max()) == (0, 0)
    assert (_one(controls.all_white, sample).score, _one(controls.all_white, sample).mask.min()) == (1, 255)
    box = _one(controls.centre_box, sample).mask
    expected = np.zeros((8, 12), np.uint8)
    expected[2:6, 3:9] = 255
    assert (box == expected).all()


def test_random_is_seeded_by_the_id_and_uniform():
    image = np.zeros((64, 64, 3), np.uint8)
    first, second = (_one(controls.random, _sample(image, name)) for name in ("a", "b"))
    assert (first.mask != second.mask).any()
    assert first.score != second.score
    assert np.bincount(first.mask.ravel(), minlength=256).max() < 50
    scores = [_one(controls.random, _sample(image, f"s{i}")).score for i in range(200)]
    assert 0.4 < np.mean(scores) < 0.6


def _pasted(rng, first, second, foreign):
    """A photograph of quality `first` with a region that has another past, and without; both saved at `second`."""
    host, donor = _jpeg(_photo(rng), first), _photo(rng)
    donor = donor if foreign is None else _jpeg(donor, foreign)
    height, width = host.shape[0] // 3, host.shape[1] // 3
    top, left = rng.integers(8, host.shape[0] - height - 8), rng.integers(8, host.shape[1] - width - 8)
    mask = np.zeros(host.shape[:2], bool)
    mask[top : top + height, left : left + width] = True
    forged = np.where(mask[..., None], donor, host)
    return _jpeg(forged, second), _jpeg(host, second), mask


@pytest.fixture(scope="module", params=[None, 95], ids=["never compressed", "compressed at 95"])
def forgeries(request):
    """Twelve forgeries, each with its host as saved by the same pipeline."""
    rng = np.random.default_rng(5)
    qualities = [(int(rng.integers(55, 78)), int(rng.integers(88, 97))) for _ in range(12)]
    return [_pasted(rng, *pair, request.param) for pair in qualities]


def _auc(factory, forgeries):
    found = [
        pixel_numbers(pixel_counts(_one(factory, _sample(forged, f"f{i}")).mask, mask))["pixel_auc"]
        for i, (forged, _, mask) in enumerate(forgeries)
    ]
    return np.array(found)


def test_jpeg_ghost_finds_what_was_pasted_and_the_controls_do_not(forgeries):
    ghost = _auc(controls.jpeg_ghost, forgeries)
    assert ghost.mean() > 0.9
    assert ghost.min() > 0.75
    assert abs(_auc(controls.random, forgeries).mean() - 0.5) < 0.02
    assert _auc(controls.centre_box, forgeries).mean() < ghost.mean() - 0.15


def test_jpeg_ghost_scores_the_untouched_lower(forgeries):
    forged, untouched = (
        np.array([_one(controls.jpeg_ghost, _sample(pair[i])).score for pair in forgeries]) for i in (0, 1)
    )
    assert (forged > untouched).mean() > 0.9
    assert roc_auc_score([1] * len(forged) + [0] * len(untouched), [*forged, *untouched]) > 0.9
    assert np.mean(forged) - np.mean(untouched) > 0.4


def test_jpeg_ghost_marks_little_of_the_untouched(forgeries):
    marked = [(_one(controls.jpeg_ghost, _sample(untouched)).mask >= 128).mean() for _, untouched, _ in forgeries]
    assert np.mean(marked) < 0.05


@pytest.mark.parametrize("name", FACTORIES)
def test_every_control_gives_a_valid_submission(scene, tmp_path, name):
    submission = forgebench.predict(FACTORIES[name](), scene.benchmark, tmp_path / "sub.zip")
    assert submission.manifest.method == name
    assert submission.manifest.supervision == "zero-shot"
    assert forgebench.validate(submission, scene.benchmark) == []
