"""ViLaCo: patches and learned prompts reason with each other; image labels alone teach where."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.data import Batch
from baselines.common.encoders import load_encoders
from baselines.common.method import Model, Output, Progress
from baselines.common.mil import top_mean
from baselines.vilaco.adapter import LocalGlobalAdapter
from baselines.vilaco.config import Config
from baselines.vilaco.heads import CoarseHead, MaskDecoder, SimilarityMap, SoftGatedPooling
from baselines.vilaco.losses import patch_consistency, pseudo_labels, rising_weight
from baselines.vilaco.reasoning import ForgeryAwareAggregator, LearnedPrompts, TextGuidedAttention

_BLOCKS = 8
"""Blocks a side in the reading `blocks`."""
_PITCH = 8
"""Pixels to a token in the reading `patches`."""
_FEATURES = 64
"""Channels of features that the decoder may see."""


class Maps(NamedTuple):
    """What the network makes of a batch."""

    patches: Tensor
    """Shape (B, n, width): text-enhanced patches."""
    coarse: Tensor
    """Shape (B, n): logits of patches."""
    mask: Tensor
    """Shape (B, 1, H, W): probabilities."""
    grid: tuple[int, int]


class ViLaCo(Model):
    """The whole network; the towers are frozen."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.vision, text = load_encoders(config.encoder)
        width, self.grid = self.vision.joint, _grid(config, self.vision.patch)
        self.mix = nn.Linear(len(config.layers) * self.vision.width, width) if config.layers else None
        if self.mix is not None:
            self.vision.projection.requires_grad_(False)  # DINOv2's is learned, and nothing asks for it here
        self.prompts = LearnedPrompts(text, config.words, config.context, config.context_spread)
        self.adapter = LocalGlobalAdapter(width, self.grid, config.adapter)
        self.attend, self.aggregate = TextGuidedAttention(width), ForgeryAwareAggregator(width)
        self.coarse, self.similarity = CoarseHead(width), SimilarityMap(config.similarity_scale)
        self.detail = nn.Linear(width, _FEATURES) if config.decoder_input == "sim+feat" else None
        self.decode = MaskDecoder(_FEATURES if self.detail is not None else 0, config.decoder_stages)
        self.pool = SoftGatedPooling(config.gate_threshold, config.gate_temperature)

    def maps(self, images: Tensor) -> Maps:
        """Patches, their logits and the mask of images of shape (B, 3, H, W)."""
        texts = self.prompts()
        patches = self.attend(self.adapter(self._tokens(images)), texts)
        coarse = self.coarse(patches)
        weights = coarse if self.config.pool == "coarse" else None
        similarity = self.similarity(patches, self.aggregate(patches, texts, weights), self.grid)
        detail = None if self.detail is None else self.detail(patches).transpose(1, 2).unflatten(-1, self.grid)
        height, width = images.shape[-2:]
        mask = self.decode(similarity, (height, width), detail).float().sigmoid()
        return Maps(patches, coarse, mask, self.grid)

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Coarse and fine image losses, and patch consistency (Eq. 4 to 8); a weight of 0 leaves a term out."""
        config, maps = self.config, self.maps(batch.images)
        terms = {}
        if config.coarse:
            score = top_mean(maps.coarse.float().sigmoid()).clamp(1e-6, 1 - 1e-6)
            terms["coarse"] = config.coarse * _bce(score, batch.labels)
        if config.fine:
            terms["fine"] = config.fine * _bce(self.pool(maps.mask), batch.labels)
        weight = config.consistency.weight * rising_weight(progress.epoch / progress.epochs, config.consistency.wait)
        if weight:
            of_patches = functional.adaptive_avg_pool2d(maps.mask, maps.grid).flatten(1)
            labels = pseudo_labels(of_patches, batch.labels, config.consistency)
            terms["consistency"] = weight * patch_consistency(maps.patches, labels, config.consistency)
        return terms

    def predict(self, images: Tensor) -> Output:
        """The mask, and the score of the configured head."""
        maps = self.maps(images)
        coarse, fine = top_mean(maps.coarse.float().sigmoid()), self.pool(maps.mask)
        return Output(maps.mask, {"coarse": coarse, "fine": fine, "mean": (coarse + fine) / 2}[self.config.score])

    def _tokens(self, images: Tensor) -> Tensor:
        """The tower's tokens by the configured reading of "8x8", shape (B, n, joint)."""
        if self.config.reading == "blocks":
            return self._blocks(images)
        if self.config.reading == "patches":
            sides = [side * self.vision.patch // _PITCH for side in images.shape[-2:]]
            images = functional.interpolate(images, sides, mode="bicubic").clamp(0, 1)
        features = self.vision(images, self.config.layers)
        if self.mix is None:
            return features.dense
        # DINOv2-S: mean norms of 0.9, 1.7, 3.7 and 49 at blocks 3, 6, 9 and 12. The last would drown the others.
        layers = [functional.layer_norm(features.tokens[one], (self.vision.width,)) for one in self.config.layers]
        return self.mix(torch.cat(layers, dim=-1))

    def _blocks(self, images: Tensor) -> Tensor:
        """Each of 64 blocks, enlarged and encoded as an image of its own."""
        side = images.shape[-1] // _BLOCKS
        blocks = functional.unfold(images, side, stride=side).transpose(1, 2)
        blocks = blocks.reshape(-1, 3, side, side)
        size = self.config.encoder.image_size if not self.config.encoder.name else 224
        seen = self.vision(functional.interpolate(blocks, (size, size), mode="bicubic").clamp(0, 1))
        return seen.pooled.unflatten(0, (len(images), -1))


def _grid(config: Config, patch: int) -> tuple[int, int]:
    side = {"grid": config.data.size // patch, "patches": config.data.size // _PITCH, "blocks": _BLOCKS}[config.reading]
    return side, side


def _bce(probability: Tensor, labels: Tensor) -> Tensor:
    # Not allowed under autocast, which would round what is near 0 and 1.
    with torch.autocast(probability.device.type, enabled=False):
        return functional.binary_cross_entropy(probability.float(), labels)
