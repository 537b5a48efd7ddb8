"""IFDL-VLM's first stage: three classes and a mask from a trained vision tower and SAM's decoder.

Rethinking VLMs for Image Forgery Detection and Localization, CVPR 2026 Findings (arXiv 2603.12930).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.data import Batch
from baselines.common.encoders import VisionEncoder
from baselines.common.method import Model, Output, Progress
from baselines.ifdl_vlm.config import Config
from baselines.ifdl_vlm.decision import Decision
from baselines.ifdl_vlm.heads import REAL, SYNTHETIC, TAMPERED, SegToken, class_head
from baselines.ifdl_vlm.losses import mask_bce, mask_dice
from baselines.ifdl_vlm.segmenter import Segmenter
from baselines.ifdl_vlm.view import content, vision_views
from forgebench.errors import InputError


class Seen(NamedTuple):
    """What the vision tower makes of a batch."""

    classes: Tensor
    """Logits of the three classes, shape (B, 3)."""
    patches: Tensor
    """Shape (B, n, width)."""
    joined: Tensor | None
    """Shape (B, n, layers * width): tokens of the layers that the stand-in for SAM's encoder is given."""
    grid: tuple[int, int]


class IFDL(Model):
    """Stage 1.

    Args:
        config: Its configuration.

    Raises:
        InputError: If named weights cannot be loaded, or the sizes do not fit each other.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        _check(config)
        self.config = config
        self.vision = VisionEncoder(config.encoder)
        # [A] The last hidden state as it is: no norm after it, and no projection into the space of texts.
        self.vision.projection = nn.Identity()  # type: ignore[assignment]
        if config.encoder.kind == "clip":
            self.vision.tower.post_layernorm = nn.Identity()
        layers = config.segmenter.layers if config.segmenter.kind == "tokens" else ()
        self.classify = class_head(self.vision.width, config.class_width)
        self.seg = SegToken(self.vision.width, config.seg_width, config.seg_heads)
        self.segmenter = Segmenter(config.segmenter, len(layers) * self.vision.width)
        self.decision = Decision()
        self.layers = layers

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Cross-entropy of the classes; of truly tampered images with a mask, that of the mask and its dice."""
        seen = self.see(batch.images)
        classes = true_classes(batch)
        terms = {"ce": self.config.ce * functional.cross_entropy(seen.classes.float(), classes)}
        if batch.masks is None or batch.has_mask is None:
            raise InputError("ifdl-vlm learns from masks: expected a batch of level pixel.")
        chosen = ((classes == TAMPERED) & batch.has_mask.to(classes.device)).nonzero()[:, 0]
        if len(chosen):
            logits = self._masks(batch.images[chosen], batch.valid[chosen], _rows(seen, chosen))
            truth, valid = batch.masks[chosen], batch.valid[chosen]
            terms["bce"] = self.config.bce * mask_bce(logits, truth, valid)
            terms["dice"] = self.config.dice * mask_dice(logits, truth, valid)
        return terms

    def calibrate(self, scores: Sequence[float], labels: Sequence[bool]) -> None:
        """Fit the decision, where the configuration wants it."""
        if self.config.calibrate:
            self.decision.fit(scores, labels)

    def predict(self, images: Tensor) -> Output:
        """Masks by the gate, and one less the probability of real, calibrated."""
        seen = self.see(images)
        size = images.shape[-2:]
        maps = torch.sigmoid(self._masks(images, _filled(images), seen))
        score, classes = self.decision(seen.classes)
        if self.config.gate == "predicted":
            maps = maps * (classes == TAMPERED).view(-1, 1, 1, 1)
        return Output(maps.reshape(-1, 1, *size), score)

    def see(self, images: Tensor) -> Seen:
        """The vision tower and the classifier.

        Args:
            images: Shape (B, 3, S, S), RGB in [0, 1], padded below and to the right with black.
        """
        views = vision_views(images, self.config.vision_size, self.config.vision_fit, self.vision.mean.flatten())
        features = self.vision(views, self.layers)
        joined = torch.cat([features.tokens[layer] for layer in self.layers], dim=-1) if self.layers else None
        return Seen(self.classify(features.pooled), features.dense, joined, features.grid)

    def _masks(self, images: Tensor, valid: Tensor, seen: Seen) -> Tensor:
        """Mask logits at the images' size, float32."""
        if seen.joined is None:
            embeddings = self.segmenter.embed(images, valid)
        else:
            embeddings = self.segmenter.embed_tokens(seen.joined, seen.grid)
        logits = self.segmenter(embeddings, self.seg(seen.patches, seen.classes))
        return functional.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=False)


def card(weights: Mapping[str, Tensor]) -> str:
    """The model card's word on the decision."""
    bias = float(weights["decision.bias"])
    return (
        f"An image is called tampered where its score is above 0.5. The score's log-odds are the classifier's less "
        f"{bias:.4f}, with which misses and false alarms were as frequent on the held-out share; 0 is no calibration."
    )


def true_classes(batch: Batch) -> Tensor:
    """Indexes into `CLASSES`, shape (B,): wholly synthetic images are tampered ones of that manipulation."""
    kinds = batch.manipulations or [None] * len(batch)
    named = [TAMPERED if label else REAL for label in batch.labels.tolist()]
    found = [SYNTHETIC if kind == "full_synthetic" else one for kind, one in zip(kinds, named, strict=True)]
    return torch.tensor(found, device=batch.labels.device)


def _rows(seen: Seen, chosen: Tensor) -> Seen:
    joined = None if seen.joined is None else seen.joined[chosen]
    return Seen(seen.classes[chosen], seen.patches[chosen], joined, seen.grid)


def _filled(images: Tensor) -> Tensor:
    """Where images are no padding, shape (B, 1, S, S), bool."""
    valid = torch.zeros_like(images[:, :1], dtype=torch.bool)
    for place, image in zip(valid, images, strict=True):
        height, width = content(image)
        place[:, :height, :width] = True
    return valid


def _check(config: Config) -> None:
    wrong = []
    if config.data.size != config.segmenter.side:
        wrong.append(f"data.size is {config.data.size} and segmenter.side {config.segmenter.side}; make them the same")
    if config.seg_width != config.segmenter.width:
        wrong.append(f"seg_width is {config.seg_width}, but segmenter.width, of its prompts, {config.segmenter.width}")
    if config.segmenter.kind == "tokens" and not config.segmenter.layers:
        wrong.append("segmenter.layers is empty; kind tokens needs blocks of the vision tower, such as [3, 6, 9, 12]")
    if wrong:
        raise InputError("The configuration of ifdl-vlm cannot be used:\n  " + "\n  ".join(wrong))
