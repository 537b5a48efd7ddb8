"""BoxPromptIML's student: TinyViT-5M and memory-guided gated fusion, taught by a teacher's pseudo masks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from baselines.boxpromptiml.config import Config
from baselines.boxpromptiml.mgfm import Fused, Fusion
from baselines.boxpromptiml.stand_in import StandIn
from baselines.boxpromptiml.tiny_vit import TinyViT
from baselines.boxpromptiml.weights import load_tiny_vit
from baselines.common.data import Batch
from baselines.common.method import Model, Output, Progress

_EPSILON = 1e-6
"""Keeps the logarithm of a probability, and its gradient, finite."""


class BoxPromptIML(Model):
    """The student; it sees an image alone, in training as in prediction."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.backbone = TinyViT(config.backbone) if config.backbone.kind == "tinyvit" else StandIn(config.backbone)
        self.fusion = Fusion(config.fusion, self.backbone.widths)
        self._tampered: Tensor | None = None

    def start(self) -> None:
        """Load the backbone's published weights, where the configuration names some."""
        if isinstance(self.backbone, TinyViT) and self.config.backbone.name:
            load_tiny_vit(self.backbone, self.config.backbone.name)

    def forward(self, images: Tensor) -> Tensor:
        """Maps of probability, shape (B, 1, H, W), of images of shape (B, 3, H, W) in [0, 1]: what is deployed."""
        return self._probability(self._full(self.fuse(images), images))

    def fuse(self, images: Tensor) -> Fused:
        """What the fusion makes of images, at the size of the backbone's first scale."""
        # Channels last is the faster layout for depthwise convolutions, on CPU and GPU.
        fused: Fused = self.fusion(self.backbone(images.contiguous(memory_format=torch.channels_last)))
        return fused

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Binary cross-entropy against the pseudo mask, `bce`; padded pixels do not count.

        Raises:
            ValueError: If the batch comes without a teacher's maps.
        """
        if batch.targets is None:
            raise ValueError("BoxPromptIML learns from a teacher's maps: the batch has none.")
        seen = torch.ones_like(batch.labels, dtype=torch.bool) if self.config.authentic else batch.labels > 0
        if not bool(seen.any()):
            return {"bce": 0.0 * self.fusion.base.weight.sum()}
        images, targets, valid = batch.images[seen], batch.targets[seen], batch.valid[seen]
        fused = self.fuse(images)
        self._remember(fused.features, targets)
        return {"bce": pseudo_mask_loss(self._full(fused, images), targets, valid, self.config.fusion.mode)}

    def predict(self, images: Tensor) -> Output:
        """See `Model`; no prompt is needed."""
        heat = self(images)
        return Output(heat, self._score(heat.flatten(1)))

    def after_step(self, batch: Batch, progress: Progress) -> None:
        """Let the memory follow what was tampered, where it does (`ema`)."""
        memory = self.fusion.memory
        if memory is not None and memory.follows and self._tampered is not None and len(self._tampered):
            memory.follow(self._tampered)
        self._tampered = None

    @torch.no_grad()
    def _remember(self, features: Tensor, targets: Tensor) -> None:
        """Keep each image's mean feature over its tampered pixels for `after_step`."""
        if self.fusion.memory is None or not self.fusion.memory.follows:
            return
        inside = (functional.interpolate(targets, features.shape[-2:], mode="area") > 0.5).to(features.dtype)
        area = inside.sum(dim=(1, 2, 3))
        sums = (features * inside).sum(dim=(2, 3))
        self._tampered = (sums[area > 0] / area[area > 0, None]).float()

    def _full(self, fused: Fused, images: Tensor) -> Tensor:
        size = images.shape[-2:]
        return functional.interpolate(fused.map.float(), size, mode="bilinear", align_corners=False)

    def _probability(self, maps: Tensor) -> Tensor:
        return maps if self.config.fusion.mode == "prob" else maps.sigmoid()

    def _score(self, heat: Tensor) -> Tensor:
        """Shape (B, n) to (B,)."""
        if self.config.score == "max":
            return heat.amax(dim=1)
        return heat.topk(max(1, round(self.config.top_share * heat.shape[1])), dim=1).values.mean(dim=1)


def pseudo_mask_loss(maps: Tensor, targets: Tensor, valid: Tensor, mode: str) -> Tensor:
    """Binary cross-entropy, the mean over valid pixels.

    Args:
        maps: Shape (B, 1, H, W): logits, or with mode `prob` probabilities.
        targets: The same shape, in [0, 1].
        valid: The same shape, bool.
        mode: `logit` or `prob`.
    """
    if mode == "logit":
        each = functional.binary_cross_entropy_with_logits(maps, targets, reduction="none")
    else:
        inside = maps.clamp(_EPSILON, 1 - _EPSILON)
        each = -(targets * inside.log() + (1 - targets) * (1 - inside).log())
    return (each * valid).sum() / valid.sum().clamp(min=1)
