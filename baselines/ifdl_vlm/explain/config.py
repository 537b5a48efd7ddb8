"""The configuration of IFDL-VLM's second stage; [A] and [D] as in the first's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from baselines.common.config import EncoderConfig, Training

_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Channels = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """The language model of an assembled model."""

    name: str = ""
    """A Hub name or a folder of a causal language model; empty makes random weights, and bytes are its tokens."""
    width: int = 32
    depth: int = 2
    heads: int = 2


@dataclass(frozen=True, kw_only=True)
class ExplainConfig:
    """IFDL-VLM, stage 2."""

    training: Training
    """The last weights are kept: its `select_by` is empty."""
    name: str = ""
    """A LLaVA checkpoint (`LlavaForConditionalGeneration`); empty assembles one of the two parts below."""
    vision: EncoderConfig = field(default_factory=EncoderConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    size: int = 336
    """Side of the vision tower's input; images are padded to a square with its mean colour, masks with 0."""
    mean: Channels = _CLIP[0]
    std: Channels = _CLIP[1]
    alpha: float = 0.5
    """[A] Weight of the whole image's features; the rest is that of the image outside of whose mask all is 0."""
    lora_rank: int = 128
    lora_alpha: int = 256
    lora_dropout: float = 0.05
    train_projector: bool = False
    """[A] The projector is frozen; an assembled model has a random one, which must be trained."""
    checkpointing: bool = False
    """Compute activations again in the backward pass, for less memory."""
    prompt: str = "<image>\n"
    """What comes before the answer; the image's tokens stand for `<image>`."""
    max_tokens: int = 512
    """Of an answer; longer ones are cut, in training too."""
    temperature: float = 0.0
    """0 takes the most probable token each time."""
    top_p: float = 1.0


_QUERY = """\
You are a forensic analyst. Look in the image, and in the highlighted region above all, for objects that were inserted \
or replaced, and for parts that were changed. For each suspicious region tell where it is, what it shows, and what \
gives it away: light and shadow, edges and texture, perspective and proportion, resolution, context, reflections. \
Answer in this order: type, areas, tampered content, visual inconsistencies. If the region shows no convincing \
evidence, say so, and do not speculate."""

_PLAIN: dict[str, Any] = {"batches": "mixed", "select_by": ""}

PAPER = ExplainConfig(
    training=Training(
        epochs=4, batch_size=1, learning_rate=5e-5, weight_decay=0.0, warmup_epochs=0.12, precision="bf16", **_PLAIN
    ),
    name="llava-hf/llava-1.5-13b-hf",
    checkpointing=True,
    prompt="A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
    f"detailed, and polite answers to the human's questions. USER: <image>\n{_QUERY} ASSISTANT: ",
    temperature=0.2, top_p=0.7,
)  # fmt: skip

SMALL = replace(
    PAPER,
    training=Training(epochs=2, batch_size=4, learning_rate=1e-3, weight_decay=0.0, warmup_epochs=0.2, **_PLAIN),
    name="",
    vision=EncoderConfig(kind="dinov2", name="dinov2-small"),
    language=LanguageConfig(name="smollm2"),
    size=112, mean=_IMAGENET[0], std=_IMAGENET[1], lora_rank=16, lora_alpha=32, lora_dropout=0.0, train_projector=True,
    checkpointing=False, prompt="<image>\nWhat was forged in this image?\n", max_tokens=192, temperature=0.0, top_p=1.0,
)  # fmt: skip

TINY = replace(
    SMALL,
    training=Training(epochs=2, batch_size=4, learning_rate=3e-3, weight_decay=0.0, **_PLAIN),
    vision=EncoderConfig(kind="dinov2", patch=8, image_size=32),
    language=LanguageConfig(),
    size=32, lora_rank=4, lora_alpha=8, max_tokens=48,
)  # fmt: skip

PRESETS: Mapping[str, ExplainConfig] = {"tiny": TINY, "small": SMALL, "paper": PAPER}
