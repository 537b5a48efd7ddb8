"""Predictions of a trained model: batches, mixed precision, tiles of large images, maps of the image's own size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from baselines.common.augment import augment
from baselines.common.config import Data
from baselines.common.export import load_model
from baselines.common.method import Model
from forgebench import Prediction, Sample

_OVERLAP = 0.25
"""Of neighbouring tiles, as a share of their side."""


def load(folder: str | Path, device: str | None = None) -> Predictor:
    """The predictor of an exported folder; `forgebench predict FOLDER …` calls it.

    Raises:
        NotFoundError: If something of the folder is missing.
        InputError: If it cannot be used.
    """
    method, config, model = load_model(folder)
    return Predictor(method.name, method.level, config, model, device)


class Predictor:
    """A model that predicts samples of any size.

    Args:
        name: The method's name.
        supervision: The level that it was trained from.
        config: Its configuration.
        model: Its network.
        device: Where it runs; the accelerator unless said, else the CPU.
    """

    def __init__(self, name: str, supervision: str, config: Any, model: Model, device: str | None = None) -> None:  # noqa: ANN401
        self.name, self.supervision, self.data = name, supervision, config.data
        self.batch_size = config.training.batch_size
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = config.training.precision
        self.model = model.to(self.device).eval()

    def predict(self, samples: Sequence[Sample]) -> Iterator[Prediction]:
        """One prediction a sample, masks at the image's own size."""
        views = [(index, view) for index, sample in enumerate(samples) for view in _views(sample.image, self.data)]
        heats, scores = self._run([_cut(samples[index].image, view) for index, view in views])
        for index, sample in enumerate(samples):
            mine = [place for place, (owner, _) in enumerate(views) if owner == index]
            parts = [(views[place][1], heats[place]) for place in mine]
            heat = _joined(parts, (sample.height, sample.width), self.data)
            score = max(scores[place] for place in mine)
            yield Prediction(sample.sample_id, score, np.round(heat * 255).astype(np.uint8))

    def _run(self, pictures: Sequence[NDArray[np.uint8]]) -> tuple[list[Tensor], list[float]]:
        """Maps at the network's size, and scores."""
        heats, scores = [], []
        for start in range(0, len(pictures), self.batch_size):
            seen = [augment(one, {}, None, self.data, None).image for one in pictures[start : start + self.batch_size]]
            images = torch.from_numpy(np.stack(seen)).to(self.device).permute(0, 3, 1, 2).float() / 255
            with torch.inference_mode(), self._autocast():
                output = self.model.predict(images)
            size = (self.data.size, self.data.size)
            heat = functional.interpolate(output.mask.float(), size, mode="bilinear").clamp(0, 1).cpu()
            heats += list(heat[:, 0])
            scores += [float(score) for score in output.score.float().clamp(0, 1).cpu()]
        return heats, scores

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.precision == "no" or (self.precision == "fp16" and self.device.type == "cpu"):
            return nullcontext()
        kind = torch.bfloat16 if self.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, kind)


View = tuple[int, int, int, int]
"""Top, left, height and width of a part of an image."""


def _views(image: NDArray[np.uint8], data: Data) -> list[View]:
    """The whole image, or overlapping tiles that cover it."""
    height, width = image.shape[:2]
    if not data.tile_above or max(height, width) <= data.tile_above:
        return [(0, 0, height, width)]
    tall, wide = (min(side, data.tile_above) for side in (height, width))
    return [(top, left, tall, wide) for top in _starts(height, tall) for left in _starts(width, wide)]


def _starts(side: int, tile: int) -> list[int]:
    """Where tiles begin, so that they overlap and end with the image."""
    count = 1 + int(np.ceil((side - tile) / (tile * (1 - _OVERLAP))))
    return [round(start) for start in np.linspace(0, side - tile, count)]


def _cut(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    top, left, height, width = view
    return image[top : top + height, left : left + width]


def _joined(parts: Sequence[tuple[View, Tensor]], size: tuple[int, int], data: Data) -> NDArray[np.float32]:
    """Maps of parts as one of the whole, averaged where they overlap, nearer centres heavier."""
    total, weights = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for (top, left, height, width), heat in parts:
        place = slice(top, top + height), slice(left, left + width)
        weight = np.minimum.outer(_ramp(height), _ramp(width)).astype(np.float32)
        total[place] += weight * _unfitted(heat, (height, width), data)
        weights[place] += weight
    return np.clip(total / weights, 0, 1)


def _ramp(length: int) -> NDArray[np.float64]:
    return np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)) / length


def _unfitted(heat: Tensor, size: tuple[int, int], data: Data) -> NDArray[np.float32]:
    """A map of the network's square at a picture's own size; what a centre crop has not seen is 0."""
    height, width = size
    if data.fit == "crop":
        short = min(size)
        inner = _resized(heat, (short, short))
        whole = np.zeros(size, np.float32)
        top, left = (height - short) // 2, (width - short) // 2
        whole[top : top + short, left : left + short] = inner
        return whole
    if data.fit == "pad":
        scale = data.size / max(size)
        heat = heat[: max(1, round(height * scale)), : max(1, round(width * scale))]
    return _resized(heat, size)


def _resized(heat: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    resized: NDArray[np.float32] = functional.interpolate(heat[None, None], size, mode="bilinear")[0, 0].numpy()
    return resized
