"""A linear probe: a frozen encoder, one learned direction, the mean of the strongest patches as the score."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.config import Data, EncoderConfig, Training
from baselines.common.data import Batch
from baselines.common.encoders import VisionEncoder
from baselines.common.method import Method, Model, Output, Progress
from baselines.common.mil import top_mean


@dataclass(frozen=True, kw_only=True)
class Config:
    """A linear probe's settings."""

    training: Training
    data: Data
    encoder: EncoderConfig
    layers: tuple[int, ...] = field(default=())
    """Blocks whose tokens are probed, side by side; the last one's, projected, where empty."""


class LinearProbe(Model):
    """A probability per patch, learned from image labels by multiple instance learning."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.layers = config.layers
        self.encoder = VisionEncoder(config.encoder)
        width = self.encoder.width * len(config.layers) if config.layers else self.encoder.joint
        self.norm = nn.LayerNorm(width)
        self.probe = nn.Linear(width, 1)

    def logits(self, images: Tensor) -> Tensor:
        """Of each patch, shape (B, 1, h, w)."""
        features = self.encoder(images, self.layers)
        tokens = torch.cat([features.tokens[layer] for layer in self.layers], dim=-1) if self.layers else features.dense
        return self.probe(self.norm(tokens)).transpose(1, 2).unflatten(-1, features.grid)

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Binary cross-entropy of the strongest patches' mean logit."""
        score = top_mean(self.logits(batch.images).flatten(1).float())
        return {"image": functional.binary_cross_entropy_with_logits(score, batch.labels)}

    def predict(self, images: Tensor) -> Output:
        """See `Model`."""
        logits = self.logits(images).float()
        return Output(logits.sigmoid(), top_mean(logits.flatten(1)).sigmoid())


def _small(encoder: EncoderConfig, layers: tuple[int, ...], size: int, epochs: int, batch: int) -> Config:
    return Config(
        training=Training(epochs=epochs, batch_size=batch, learning_rate=1e-3, warmup_epochs=0.5),
        data=Data(size=size), encoder=encoder, layers=layers,
    )  # fmt: skip


METHOD = Method(
    name="linear-probe", level="image", config=Config, build=LinearProbe,
    about="A frozen encoder, one learned direction, top-K pooling.",
    presets={
        "tiny": _small(EncoderConfig(), (1, 2), 32, 2, 4),
        "small": _small(EncoderConfig(kind="dinov2", name="dinov2-small"), (3, 6, 9, 12), 224, 10, 16),
        "paper": _small(EncoderConfig(name="openai/clip-vit-base-patch16"), (12,), 256, 20, 32),
    },
)  # fmt: skip
