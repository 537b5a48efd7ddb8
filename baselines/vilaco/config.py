"""What ViLaCo is made of. A comment names the source of every choice that the paper does not state.

*Paper* is arXiv 2508.01338 (AAAI-26). *VadCLIP* (AAAI 2024) has the same skeleton with frames for patches, and is the
best prior for what the paper leaves out. *Ours* is in no source.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import e
from typing import Literal

from baselines.common.config import Data, EncoderConfig, Training

Reading = Literal["grid", "patches", "blocks"]
"""Of the paper's "8x8": the tower's own grid; a token every 8 pixels; 64 blocks, each encoded as an image."""


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The local-global-spatial adapter."""

    window: int = 4
    """Side of a local window in tokens. Ours: VadCLIP's windows are one-dimensional, 8 to 64."""
    layers: int = 2
    """Local blocks; every second one has its windows shifted by half of one. VadCLIP: 1 or 2."""
    heads: int = 8
    """Ours; VadCLIP: 1."""
    adjacency_temperature: float = 0.1
    """Of the softmax over similarities and distances. Literal is 1, which is nearly an average. Ours."""
    similarity_cut: float = 0.7
    """Similarities below are 0: VadCLIP."""
    distance_scale: float = e
    """Of the distance in tokens: VadCLIP."""
    distance: Literal["plane", "sequence"] = "plane"
    """City-block over rows and columns (ours), or along the row-major sequence, as VadCLIP's over frames."""


@dataclass(frozen=True, kw_only=True)
class Pseudo:
    """Contrastive patch consistency; the paper names its parts and none of its numbers."""

    weight: float = 1.0
    """Of the loss, beside its warm-up; 0 leaves it out (the paper's ablation)."""
    foreground: float = 0.7
    """Patches above count as tampered. Ours."""
    background: float = 0.3
    """Patches below count as authentic. Ours."""
    temperature: float = 0.1
    """Ours."""
    most: int = 64
    """Patches of a type and image at most. Ours."""
    fallback: int = 4
    """So many strongest patches where none of a tampered image is above. Ours."""
    across_images: bool = True
    """Negatives from the whole batch: else authentic images, which have one type, give nothing. Ours."""
    wait: float = 0.1
    """Share of training before the loss begins. Ours: T_w is not stated."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """ViLaCo's settings."""

    training: Training
    data: Data
    encoder: EncoderConfig
    reading: Reading = "grid"
    """Which "8x8" is meant is not clear. The grid is the simplest, and one forward pass."""
    layers: tuple[int, ...] = ()
    """Blocks whose tokens, normalised and joined, are projected instead of the last one's. Faithful: none. Ours: the
    last block knows what is seen and little of how it was recorded."""
    context: int = 16
    """Learned tokens around the class word, half on either side: CoOp; VadCLIP has 20."""
    context_spread: float = 0.02
    """Their standard deviation at the start: CoOp."""
    words: tuple[str, str] = ("real", "fake")
    """Paper."""
    adapter: Adapter = field(default_factory=Adapter)
    pool: Literal["attention", "coarse"] = "attention"
    """Weights of the aggregator: its own attention (ours), or the coarse head's logits (VadCLIP)."""
    similarity_scale: float = 1 / 0.07
    """Of cosines at the start; learned. VadCLIP."""
    decoder_input: Literal["sim", "sim+feat"] = "sim"
    """Paper: the similarity map. With features is a deviation that keeps detail."""
    decoder_stages: int = 4
    """Doublings of the decoder; the rest of the way is bilinear. Ours: four reach 256 pixels from a grid of 16."""
    gate_threshold: float = 0.5
    """Of soft-gated pooling at the start; learned. Ours."""
    gate_temperature: float = 0.05
    """Likewise: above 0.1 a region of 1 % cannot make an image tampered. Ours."""
    coarse: float = 1.0
    """Weight of the coarse loss; 0 is the paper's ablation."""
    fine: float = 1.0
    """Weight of the fine loss; 0 is the paper's ablation."""
    consistency: Pseudo = field(default_factory=Pseudo)
    score: Literal["coarse", "fine", "mean"] = "coarse"
    """The image's score. The paper does not say which; this is VadCLIP's."""


PAPER = Config(
    # Optimiser, rate, batch, epochs, size: paper. Decay, warm-up, schedule, clipping, crop: ours.
    training=Training(
        epochs=100, batch_size=32, learning_rate=1e-4, weight_decay=1e-4, warmup_epochs=3, min_learning_rate=1e-6,
        precision="bf16", workers=4,
    ),
    data=Data(size=256, crop_area=0.7),
    encoder=EncoderConfig(name="openai/clip-vit-base-patch16"),
)  # fmt: skip
SMALL = replace(
    PAPER,
    training=Training(
        epochs=15, batch_size=16, learning_rate=5e-4, weight_decay=1e-4, warmup_epochs=1, min_learning_rate=1e-6,
        select_by="",
    ),
    data=Data(size=224),
    encoder=EncoderConfig(kind="dinov2", name="dinov2-small", joint=128),
    layers=(3, 6, 9, 12),
    decoder_stages=2,
)  # fmt: skip
TINY = replace(
    PAPER,
    training=Training(epochs=2, batch_size=4, learning_rate=3e-3),
    data=Data(size=32),
    encoder=EncoderConfig(),
    adapter=Adapter(heads=2, window=2),
    context=4,
)
