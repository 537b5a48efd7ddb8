"""Maps come back to the image's own pixels, whatever the fit, tiles or batch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import ndimage

from baselines.common.config import Data, Training
from baselines.common.method import Model, Output
from baselines.common.predictor import Predictor, load
from forgebench import Sample
from forgebench.errors import InputError, NotFoundError

SIDES = [(64, 64), (97, 61), (40, 130), (200, 150), (1, 30)]


class Reds(Model):
    """Says that what is red is tampered: its map is known at every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def losses(self, batch, progress):
        raise NotImplementedError

    def predict(self, images):
        self.seen.append(images)
        red = images[:, :1]
        return Output(red, red.flatten(1).amax(dim=1))


def predictor(batch_size: int = 4, precision: str = "no", **settings) -> Predictor:
    training = Training(epochs=0, batch_size=batch_size, learning_rate=0.0, precision=precision)
    config = SimpleNamespace(data=Data(size=64, **settings), training=training)
    return Predictor("reds", "image", config, Reds(), "cpu")


def samples(sides=SIDES) -> list[Sample]:
    rng = np.random.default_rng(0)
    made = []
    for index, (height, width) in enumerate(sides):
        field = ndimage.gaussian_filter(rng.random((height, width)), min(height, width) / 8)
        red = (255 * (field - field.min()) / max(np.ptp(field), 1e-9)).astype(np.uint8)
        image = np.stack([red, np.zeros_like(red), 255 - red], axis=2)
        made.append(Sample(f"s{index}", b"", image, width, height))
    return made


@pytest.mark.parametrize(
    "settings",
    [{"fit": "squash"}, {"fit": "pad"}, {"fit": "squash", "tile_above": 50}, {"fit": "pad", "tile_above": 64}],
)
def test_maps_are_where_the_image_is(settings):
    asked = samples()
    for sample, said in zip(asked, predictor(**settings).predict(asked), strict=True):
        assert said.sample_id == sample.sample_id
        assert said.mask.shape == (sample.height, sample.width)
        far = np.abs(said.mask.astype(float) - sample.image[..., 0])
        if min(sample.height, sample.width) > 1:
            assert far.mean() < 6
            assert far.max() < 60
        assert said.score == pytest.approx(sample.image[..., 0].max() / 255, abs=0.1)


def test_a_centre_crop_says_nothing_of_what_it_has_not_seen():
    asked = samples([(40, 130)])
    (said,) = predictor(fit="crop").predict(asked)
    assert not said.mask[:, :45].any()
    assert not said.mask[:, 85:].any()
    assert np.abs(said.mask[:, 45:85].astype(float) - asked[0].image[:, 45:85, 0]).mean() < 6


def test_tiles_show_what_squashing_loses():
    fine = np.zeros((512, 512, 3), np.uint8)
    fine[np.random.default_rng(0).random(512) < 0.5, :, 0] = 255
    asked = [Sample("fine", b"", fine, 512, 512)]
    (squashed,) = predictor().predict(asked)
    (tiled,) = predictor(tile_above=64).predict(asked)
    assert np.corrcoef(tiled.mask.ravel(), fine[..., 0].ravel())[0, 1] > 0.99
    assert np.corrcoef(squashed.mask.ravel(), fine[..., 0].ravel())[0, 1] < 0.5


@pytest.mark.parametrize("settings", [{}, {"tile_above": 50}])
def test_batches_change_nothing(settings):
    asked = samples()
    one, many = (list(predictor(size, **settings).predict(asked)) for size in (1, 5))
    for a, b in zip(one, many, strict=True):
        assert np.array_equal(a.mask, b.mask)
        assert a.score == b.score


def test_batches_are_as_large_as_in_training():
    made = predictor(2)
    list(made.predict(samples()))
    assert [len(batch) for batch in made.model.seen] == [2, 2, 1]
    assert all(batch.dtype == torch.float32 and batch.shape[1:] == (3, 64, 64) for batch in made.model.seen)


def test_half_precision_stays_near():
    asked = samples()
    for a, b in zip(predictor().predict(asked), predictor(precision="bf16").predict(asked), strict=True):
        assert np.abs(a.mask.astype(int) - b.mask.astype(int)).max() <= 2


def test_folders_that_cannot_predict(tmp_path):
    with pytest.raises(NotFoundError, match=r"method\.json, config\.yaml, model\.safetensors"):
        load(tmp_path)
    (tmp_path / "method.json").write_text('{"method": "linear-prob"}')
    for name in ("config.yaml", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="Did you mean 'linear-probe'"):
        load(tmp_path)
    (tmp_path / "method.json").write_text('{"method": "linear-probe"}')
    with pytest.raises(InputError, match="training: missing"):
        load(tmp_path)
