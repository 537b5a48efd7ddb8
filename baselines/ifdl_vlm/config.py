"""The configuration of IFDL-VLM's first stage.

In the fields' descriptions, [A] is read in the authors' public code, and [D] is a choice of ours with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from baselines.common.config import Data, EncoderConfig, Training

Gate = Literal["predicted", "truth"]


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """SAM's image encoder, frozen, and its mask decoder, trained."""

    kind: Literal["sam", "tokens"] = "sam"
    """[A] `sam`. `tokens` stands in where SAM's weights are absent: the decoder sees the vision tower's tokens."""
    name: str = ""
    """A Hub name or a folder of SAM weights; empty leaves the weights random, of the sizes below."""
    side: int = 64
    """Of SAM's input; the configuration's `data.size` must be the same."""
    patch: int = 16
    width: int = 32
    """Of prompts and decoder; SAM has 256."""
    decoder_depth: int = 1
    decoder_heads: int = 2
    decoder_mlp: int = 64
    encoder_width: int = 32
    encoder_depth: int = 1
    encoder_heads: int = 2
    layers: tuple[int, ...] = ()
    """`tokens`: the vision tower's blocks, from 1, whose tokens are joined."""
    cache: str = ""
    """A folder for SAM's embeddings, which are computed once an image; empty computes them each time."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """IFDL-VLM, stage 1."""

    training: Training
    data: Data
    encoder: EncoderConfig
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    vision_size: int = 224
    """[A] Side of the vision tower's input, which is cut from the segmenter's."""
    vision_fit: Literal["crop", "pad"] = "crop"
    """[A] Short side and centre crop, which hides the borders of a wide image; or [D] all of it, padded."""
    class_width: int = 512
    """[A] Of the classifier's hidden layer; the paper calls the head linear."""
    seg_width: int = 256
    """[A] Of the SEG token, and so of the decoder's prompt."""
    seg_heads: int = 8
    """[A]"""
    gate: Gate = "predicted"
    """Who says in prediction whether an image has a mask: the predicted class (the authors' `evaluate`), or the
    true one (their test loop, and so their table). With `truth` every image gets its mask, for a predictor never sees
    the truth: pixel metrics, which look at tampered images alone, are then those of true gating."""
    calibrate: bool = True
    """[D] Move the image score by a constant of its log-odds, so that a half errs alike on both sides of the held-out
    share of the training split; `false`: the authors' most probable class."""
    ce: float = 1.0
    bce: float = 1.0
    dice: float = 1.0


PAPER = Config(
    # [A] train_simple.sh: batch 4 of one class, 10 to a step, 1000 steps an epoch, 100 of warm-up, no augmentation.
    training=Training(
        epochs=10, batch_size=4, accumulate=10, learning_rate=1e-5, weight_decay=0.0, betas=(0.9, 0.95),
        schedule="linear", warmup_epochs=0.1, batches="one-class", steps_per_epoch=1000, precision="fp16", workers=4,
        select_by="pixel_iou",
    ),
    data=Data(size=1024, fit="pad", flip=0.0),
    encoder=EncoderConfig(name="openai/clip-vit-large-patch14", train=True),
    segmenter=SegmenterConfig(name="facebook/sam-vit-huge", side=1024, width=256),
    calibrate=False,
)  # fmt: skip

SMALL = replace(
    PAPER,
    training=Training(
        epochs=8, batch_size=8, learning_rate=1e-3, weight_decay=0.01, betas=(0.9, 0.95), schedule="linear",
        warmup_epochs=0.5, batches="one-class", select_by="pixel_auc",
    ),
    data=Data(size=224, flip=0.0),
    encoder=EncoderConfig(kind="dinov2", name="dinov2-small"),
    segmenter=SegmenterConfig(
        kind="tokens", side=224, patch=14, width=64, decoder_depth=2, decoder_heads=4, decoder_mlp=128,
        layers=(3, 6, 9, 12),
    ),
    class_width=128, seg_width=64, seg_heads=4, gate="truth", calibrate=True,
)  # fmt: skip

TINY = replace(
    PAPER,
    training=Training(
        epochs=2, batch_size=4, learning_rate=1e-3, weight_decay=0.0, betas=(0.9, 0.95), batches="one-class"
    ),
    data=Data(size=64, fit="pad", flip=0.0),
    encoder=EncoderConfig(width=64, heads=4, patch=16, train=True),
    segmenter=SegmenterConfig(),
    vision_size=64, class_width=32, seg_width=32, seg_heads=4, calibrate=True,
)  # fmt: skip

PRESETS: Mapping[str, Config] = {"tiny": TINY, "small": SMALL, "paper": PAPER}
