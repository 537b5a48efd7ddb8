"""The configuration of BoxPromptIML.

In the fields' descriptions, [B] is reported by readers of the paper, and [D] is a choice of ours that the paper leaves
open, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from baselines.common.config import Data, Training

TeacherKind = Literal["sam", "grabcut", "rectangle"]
Memory = Literal["learned", "ema", "none"]


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Which TinyViT; the sizes are those of TinyViT-5M, the only one that fits 5.5 M parameters."""

    kind: Literal["tinyvit", "dinov2"] = "tinyvit"
    """[B] TinyViT, trained. [D] `dinov2`, frozen, stands in where no pretrained TinyViT is at hand: not the paper's."""
    name: str = ""
    """A folder or Hub name: a `timm` checkpoint, or a DINOv2; empty leaves TinyViT's weights random."""
    layers: tuple[int, int, int, int] = (3, 6, 9, 12)
    """Of `dinov2`: the blocks that stand for the four scales."""
    cache: str = ""
    """Of `dinov2`: a folder for its features; empty computes them each time."""
    widths: tuple[int, int, int, int] = (64, 128, 160, 320)
    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    heads: tuple[int, int, int, int] = (2, 4, 5, 10)
    windows: tuple[int, int, int, int] = (7, 7, 14, 7)
    """Of attention, in tokens; the first stage has none. Those of 224 pixels; smaller ones cut the loaded tables."""
    expand: int = 4
    mlp_ratio: int = 4


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """The memory-guided gated fusion module (MGFM)."""

    width: int = 64
    """[D] Channels C of the common maps: 64 at a quarter of the side fits the reported size best."""
    gates: bool = True
    """[B] A gate for each scale; false weighs all scales alike, the ablation without gated integration."""
    gate_kernel: Literal[1, 3] = 3
    """[D] 3: a gate should see more than its own pixel."""
    normalize_gates: bool = True
    """[D] Divide the gated sum by the gates' sum, so that its size does not depend on them."""
    memory: Memory = "learned"
    """[D] `learned` honours "learnable"; `ema` honours "decoupled from the weights"; `none` is the ablation."""
    prototypes: int = 64
    """[D] K: as many as channels; the paper's size is unknown."""
    temperature: float = 0.1
    """[D] Of the softmax over cosine similarities: sharp enough to choose among 64."""
    decay: float = 0.99
    """[D] Of keys with `ema`: a prototype averages over about a hundred images."""
    dual_guidance: bool = True
    """[B] Gates and memory guide the map; false adds what is recalled to the features of one head, the ablation."""
    mode: Literal["logit", "prob"] = "logit"
    """[D] Where the maps are mixed. `prob` is the printed equation, and an untrained map of it stays under 0.5."""
    alpha_fixed: float | None = None
    """[D] A constant α; None learns it from 0.5, for the paper gives neither value nor rule."""
    refine_width: int = 16
    """[D] Channels of the residual refinement, which starts as the identity."""


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """Who turns boxes into pseudo masks, and how."""

    kind: TeacherKind = "sam"
    """[B] SAM. GrabCut or the rectangle itself stand in where its weights are absent, and records name them."""
    name: str = "facebook/sam-vit-huge"
    """A Hub name or a folder of SAM weights; [D] ViT-H, which a user of the authors' code was seen to have."""
    folder: str = ""
    """Where pseudo masks are kept; empty makes them anew whenever they are needed."""
    coarseness: float = 0.15
    """[D] Each side of a box is moved outward by up to this share of it, as hasty people draw; 0 for drawn boxes."""
    soft: bool = False
    """Probabilities from the teacher's logits, rather than 0 and 1. [B] the teacher's mask is binary."""
    resize: Literal["soft", "hard"] = "soft"
    """[D] To the student's size by averaging, so that edges are soft ("soft supervision"), or to the nearest pixel."""
    least_share: float = 0.0
    """[D] A mask under this share of its box becomes the box; 0.05 is a good guard, 0 is faithful."""
    most_dilation: float | None = None
    """[D] A mask is cut to its box dilated by this share of its sides; 0.1 is a good guard, None is faithful."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Of SAM's image encoder."""
    batch_size: int = 1
    """Images that SAM encodes at a time."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """BoxPromptIML."""

    training: Training
    data: Data
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    authentic: bool = True
    """Learn from authentic images too, whose map is 0. [B] the paper has none; [D] then the image score is unused."""
    score: Literal["max", "top"] = "top"
    """[D] The image's score: the map's maximum, or the mean of its highest pixels, which a single one cannot move."""
    top_share: float = 0.01
    """[D] Share of the pixels that `top` averages."""


_PAPER = Config(
    # [D] Optimizer of the same lab's SCAF, and the whole augmentation of its loader; [B] 224 pixels, 20 epochs. [D] The
    # last epoch is kept: the paper has no image score to choose by.
    training=Training(
        epochs=20, batch_size=32, learning_rate=1e-4, weight_decay=1e-4, batches="mixed", precision="bf16",
        select_by="",
    ),
    data=Data(
        size=224, flip=0.5, vertical_flip=0.5, rotate90=0.5, brightness=0.1, blur_chance=0.2, jpeg_quality=(70, 100),
        jpeg_chance=0.2, rescale=0.2, copy_move_chance=0.1, inpaint_chance=0.1,
    ),
    backbone=BackboneConfig(name="timm/tiny_vit_5m_224.dist_in22k_ft_in1k"),
    teacher=TeacherConfig(folder="pseudo-masks", precision="bf16"),
    authentic=False,
)  # fmt: skip

_SMALL = Config(
    training=Training(epochs=8, batch_size=16, learning_rate=1e-3, warmup_epochs=0.5),
    data=Data(size=224),
    backbone=BackboneConfig(kind="dinov2", name="dinov2-small"),
    teacher=TeacherConfig(kind="grabcut", name="", folder="", least_share=0.05, most_dilation=0.1),
)

_TINY = Config(
    training=Training(epochs=2, batch_size=4, learning_rate=1e-3),
    data=Data(size=64),
    backbone=BackboneConfig(widths=(8, 16, 16, 16), depths=(1, 1, 1, 1), heads=(1, 2, 2, 2), windows=(4, 4, 4, 2)),
    fusion=FusionConfig(width=8, prototypes=4, refine_width=4),
    teacher=TeacherConfig(kind="rectangle", name=""),
)

ABLATIONS: Mapping[str, Mapping[str, str]] = {
    "no-gates": {"fusion.gates": "false"},
    "no-memory": {"fusion.memory": "none"},
    "no-dual-guidance": {"fusion.dual_guidance": "false"},
    "tinyvit-random": {
        "backbone.kind": "tinyvit", "backbone.name": "''", "backbone.windows": "[6, 6, 6, 3]", "data.size": "96",
        "training.epochs": "5",
    },
}  # fmt: skip
"""The paper's parts left out one by one; and its backbone, from random weights, at a size that a CPU can afford."""

PRESETS: Mapping[str, Config] = {"tiny": _TINY, "small": _SMALL, "paper": _PAPER}
