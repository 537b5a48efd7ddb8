"""CoOp (Zhou et al., IJCV 2022): learned context before "real" and "fake"; patches and image are compared with both."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.config import Data, EncoderConfig, Training
from baselines.common.data import Batch
from baselines.common.encoders import load_encoders
from baselines.common.method import Method, Model, Output, Progress
from baselines.common.mil import top_mean


@dataclass(frozen=True, kw_only=True)
class Config:
    """CoOp's settings."""

    training: Training
    data: Data
    encoder: EncoderConfig
    context: int = 16
    """Learned tokens of each class."""
    words: tuple[str, str] = ("real", "fake")
    temperature: float = 0.07
    """Of the softmax over cosines."""


class CoOp(Model):
    """Frozen towers; only the context is learned, and beside DINOv2 the texts and the projection to them."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.vision, self.text = load_encoders(config.encoder)
        self.context = nn.Parameter(torch.randn(2, config.context, self.text.width) * 0.02)

    def p_fake(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of patches, shape (B, h, w), and of images, shape (B,)."""
        features = self.vision(images)
        texts = self.texts()
        dense, pooled = (self._compared(one, texts) for one in (features.dense, features.pooled))
        return dense.unflatten(1, features.grid), pooled

    def texts(self) -> Tensor:
        """The encoded classes, shape (2, joint)."""
        none = self.context[0, :0]
        sentences = [self.text.sentence(c, word, none) for c, word in zip(self.context, self.config.words, strict=True)]
        return torch.cat([self.text(one[None]) for one in sentences])

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Binary cross-entropy of the strongest patches' mean, and of the image."""
        dense, pooled = self.p_fake(batch.images)
        with torch.autocast(dense.device.type, enabled=False):
            strongest = top_mean(dense.flatten(1).float()).clamp(1e-6, 1 - 1e-6)
            patches = functional.binary_cross_entropy(strongest, batch.labels)
            image = functional.binary_cross_entropy(pooled.float().clamp(1e-6, 1 - 1e-6), batch.labels)
        return {"patches": patches, "image": image}

    def predict(self, images: Tensor) -> Output:
        """See `Model`."""
        dense, _ = self.p_fake(images)
        return Output(dense[:, None].float(), top_mean(dense.flatten(1).float()))

    def _compared(self, seen: Tensor, texts: Tensor) -> Tensor:
        cosine = functional.normalize(seen, dim=-1) @ functional.normalize(texts, dim=-1).T
        return (cosine / self.config.temperature).softmax(dim=-1)[..., 1]


def _preset(encoder: EncoderConfig, size: int, epochs: int, batch: int, rate: float) -> Config:
    return Config(training=Training(epochs=epochs, batch_size=batch, learning_rate=rate), data=Data(size=size),
                  encoder=encoder, context=4 if size < 64 else 16)  # fmt: skip


METHOD = Method(
    name="coop", level="image", config=Config, build=CoOp,
    about="Learned context for frozen CLIP (IJCV 2022), compared with every patch.",
    presets={
        "tiny": _preset(EncoderConfig(kind="dinov2", joint=32), 32, 2, 4, 3e-3),
        "small": _preset(EncoderConfig(kind="dinov2", name="dinov2-small", joint=256), 224, 10, 16, 1e-3),
        "paper": _preset(EncoderConfig(name="openai/clip-vit-base-patch16"), 224, 50, 32, 2e-3),
    },
)  # fmt: skip
