"""What SAPL is made of. Its abstract alone is known: every number is our reconstruction unless it says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from baselines.common.config import Data, EncoderConfig, Training

EdgeSource = Literal["features", "image"]


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Edge-aware contextual prompt learning."""

    words: tuple[str, str] = ("authentic edge", "manipulated edge")
    """Of the two classes; no object is named, as in AnomalyCLIP's "object" and "damaged object"."""
    length: int = 12
    """Context tokens of a class: AnomalyCLIP's."""
    spread: float = 0.02
    """Standard deviation of the contexts at the start: CoOp's."""
    aware: bool = True
    """Contexts attend to the edge-enhanced image (ECPL, named in the abstract); else they are CoOp's."""
    heads: int = 8
    """Of that attention: those of CLIP's text transformer."""
    detach: bool = False
    """Keep gradients of the attention out of the image encoder, where training is unstable."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Hierarchical edge contrastive learning; "hierarchical" is read as two nested selections over several layers."""

    beta: float = 0.2
    """Weight of the loss; 0 leaves the contrast out."""
    edge_share: float = 0.2
    """Level 1: the share of tokens that are edges. A seam and its surroundings are seldom more of an image."""
    manipulated_share: float = 0.1
    """Level 2: the share of a tampered image's edges that are surely manipulated; few, for the map is weak at first."""
    genuine_share: float = 0.3
    """Level 2: the share of its edges that are surely genuine."""
    tokens: int = 32
    """At most so many of a type, layer and image, so that authentic images do not drown the others."""
    positives: int = 64
    """At most so many positives of an anchor."""
    queue: int = 4096
    """Features in each of the two queues of a layer (dual queues: a digest of the paper)."""
    hidden: int = 256
    """Hidden width of a projection head."""
    projected: int = 128
    """Width of what is contrasted: MoCo's."""
    temperature: float = 0.1
    """Of InfoNCE: supervised contrastive learning's."""
    wait_epochs: float = 2
    """Epochs without the loss: level 2 trusts the similarity map, which knows nothing at first."""
    rise_epochs: float = 2
    """Epochs over which its weight then rises to beta."""


@dataclass(frozen=True, kw_only=True)
class Processing:
    """From the similarity map to regions ("after processing": the abstract says no more)."""

    affinity: int = 2
    """P <- A P so many times, at token level, as CLIP-ES spreads evidence; 0 leaves it out."""
    sigma: float = 4.0
    """Of the Gaussian on the upsampled map, in pixels: AnomalyCLIP's test step; 0 leaves it out."""
    close: float = 0.01
    """Radius of the morphological closing, as a share of the short side; 0 leaves it out."""
    fill: bool = True
    """Fill what a region encloses: evidence is at edges, forgeries are areas."""
    drop: float = 0.001
    """Drop regions of less than this share of the image; 0 leaves it out."""
    sam: str = ""
    """Refine by this Segment Anything model, the first author's earlier habit; empty leaves it out."""
    sam_agreement: float = 0.5
    """Take SAM's mask of a region where their IoU is above this."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """All of it."""

    encoder: EncoderConfig
    data: Data
    training: Training
    prompts: Prompts = field(default_factory=Prompts)
    contrast: Contrast = field(default_factory=Contrast)
    processing: Processing = field(default_factory=Processing)
    layers: tuple[int, ...] = (6, 9, 12)
    """Blocks whose tokens are contrasted, counted from 1."""
    edge_layer: int = 6
    """The block whose tokens give feature edges: the middle one, where parts are told apart but not yet named."""
    edge_sources: tuple[EdgeSource, ...] = ("features", "image")
    """What the soft edge map is the mean of."""
    temperature: float = 0.07
    """Of the similarity: CLIP's and AnomalyCLIP's."""
    pooled_weight: float = 0.5
    """Of the loss on the global feature's score."""
    authentic_weight: float = 0.1
    """Of the mean of the map over authentic images."""
    lora_rate: float = 0.5
    """Learning rate of LoRA as a share of the others': 5e-5 beside 1e-4."""
    affinity_blocks: int = 4
    """Last blocks whose attention is the affinity: CLIP-ES averages the last ones too."""


PRESETS = {
    "tiny": Config(
        encoder=EncoderConfig(lora_rank=2, lora_alpha=4, vv_attention=True),
        data=Data(size=64),
        training=Training(epochs=2, batch_size=4, learning_rate=1e-3),
        prompts=Prompts(length=3, heads=2),
        contrast=Contrast(queue=64, hidden=16, projected=8, wait_epochs=0, rise_epochs=1),
        layers=(1, 2),
        edge_layer=1,
        affinity_blocks=1,
    ),
    "small": Config(
        encoder=EncoderConfig(kind="dinov2", name="dinov2-small", joint=128),
        data=Data(size=224, flip=0.0),
        training=Training(epochs=8, batch_size=8, learning_rate=1e-3, warmup_epochs=0.25, select_by=""),
        prompts=Prompts(heads=4),
        contrast=Contrast(queue=512, wait_epochs=1, rise_epochs=1),
        processing=Processing(affinity=0),
    ),
    "paper": Config(
        encoder=EncoderConfig(
            kind="clip", name="openai/clip-vit-base-patch16", vv_attention=True, lora_rank=8, lora_alpha=16
        ),
        data=Data(size=384, crop_area=0.7, jpeg_quality=(70, 100)),
        training=Training(epochs=20, batch_size=16, learning_rate=1e-4, precision="bf16", workers=4),
    ),
}
"""`paper` is the reconstruction's defaults.

`small` has a DINOv2-S as its vision tower and learned texts beside it. Its tower is frozen and nothing is flipped, so
that features can be kept on disk: LoRA sends gradients through the whole tower, a tenfold cost on a CPU.
"""
_ADAPTED = {
    "encoder.lora_rank": "4", "encoder.lora_alpha": "8", "training.epochs": "1",
    "contrast.wait_epochs": "0.25", "contrast.rise_epochs": "0.25",
}  # fmt: skip
_UNPROCESSED = {"affinity": "0", "sigma": "0.0", "close": "0.0", "fill": "false", "drop": "0.0"}
ABLATIONS = {
    "no ECPL": {"prompts.aware": "false"},
    "no HECL": {"contrast.beta": "0.0"},
    "CoOp (neither)": {"prompts.aware": "false", "contrast.beta": "0.0"},
    "no processing": {f"processing.{name}": value for name, value in _UNPROCESSED.items()},
    "LoRA": _ADAPTED,
    "LoRA, no HECL": {**_ADAPTED, "contrast.beta": "0.0"},
}
"""What a study of `small` changes."""
