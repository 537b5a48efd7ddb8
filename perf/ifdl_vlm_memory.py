"""Peak memory of IFDL-VLM's stages at preset `paper`, activations included, computed: no weights, no GPU.

`python -m perf.ifdl_vlm_memory`. The steps are the methods' own, on tensors without data (`perf.live`); what must look
at values, such as where padding ends, is given instead. What comes on top is told in perf/README.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch.nn import functional

from baselines.ifdl_vlm import model as first
from baselines.ifdl_vlm.explain import llava
from baselines.ifdl_vlm.explain.config import PRESETS
from baselines.ifdl_vlm.explain.model import Explainer
from baselines.ifdl_vlm.losses import mask_bce, mask_dice
from perf.common import table
from perf.live import most_alive
from perf.sizes import built

_GB, _MOMENTS = 1e9, 8
"""Bytes; and AdamW's two moments, 4 bytes each for every trained number."""
PROMPT = 256
"""Tokens of the prompt, about as many as it has words and a half."""


def main() -> None:
    """Compute all."""
    table("Peak memory at preset paper, computed, GB", [stage_one(4), stage_one(1), *stage_two()])


def stage_one(batch: int) -> tuple[str, str]:
    """A training step of tampered images at 1024 pixels, SAM's embeddings made in it, half precision."""
    side, view = 1024, 224
    trained: list[int] = []

    def build() -> Any:  # noqa: ANN401
        model, _ = built("ifdl-vlm")
        trained.append(sum(one.numel() for one in model.parameters() if one.requires_grad))
        return model.train()

    def step(model: Any) -> None:  # noqa: ANN401
        images, valid = torch.rand(batch, 3, side, side), torch.ones(batch, 1, side, side, dtype=torch.bool)
        truth, classes = torch.rand(batch, 1, side, side), torch.zeros(batch, dtype=torch.long)
        views = torch.rand(batch, 3, view, view)
        with patch.object(first, "vision_views", lambda *_: views), torch.autocast("cpu", torch.bfloat16):
            seen = model.see(images)
            logits = model._masks(images, valid, seen)
            loss = functional.cross_entropy(seen.classes.float(), classes)
            loss = loss + mask_bce(logits, truth, valid) + mask_dice(logits, truth, valid)
        loss.backward()

    return _row(f"stage 1, training, {batch} images", *most_alive(build, step), _MOMENTS * trained[0])


def stage_two() -> list[tuple[str, str]]:
    """Training on one answer of the greatest length, with and without activations computed again."""
    return [_explaining(checkpointing) for checkpointing in (True, False)]


def _explaining(checkpointing: bool) -> tuple[str, str]:
    paper = PRESETS["paper"]
    config = replace(paper, name="", checkpointing=checkpointing)
    trained: list[int] = []

    def build() -> Any:  # noqa: ANN401
        with patch.object(llava, "_assembled", _published):
            explainer = Explainer(config).train()
        trained.append(sum(one.numel() for one in explainer.parameters() if one.requires_grad))
        return explainer

    def step(explainer: Any) -> None:  # noqa: ANN401
        pixels = torch.rand(1, 3, config.size, config.size)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                features = (explainer._tokens(pixels) + explainer._tokens(pixels)) / 2
            image = explainer.llava.model.multi_modal_projector(features)
            words = explainer._words(torch.zeros(1, PROMPT + config.max_tokens, dtype=torch.long))
            hidden = explainer.llava.model.language_model(inputs_embeds=torch.cat([image, words], dim=1))[0]
            logits = explainer.llava.lm_head(hidden[:, -config.max_tokens :]).float()
            answer = torch.zeros(config.max_tokens, dtype=torch.long)
            functional.cross_entropy(logits[0], answer).backward()

    name = "stage 2, training, one answer" + ("" if checkpointing else ", all activations kept")
    return _row(name, *most_alive(build, step), _MOMENTS * trained[0])


def _published(_: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """LLaVA-1.5-13B by its sizes, and a tokenizer of bytes that nothing is asked of."""
    from transformers import ByT5Tokenizer, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    vision = CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14,
        image_size=336,
    )  # fmt: skip
    language = LlamaConfig(
        vocab_size=32064, hidden_size=5120, intermediate_size=13824, num_hidden_layers=40, num_attention_heads=40,
        num_key_value_heads=40,
    )  # fmt: skip
    sizes = LlavaConfig(vision_config=vision, text_config=language, image_token_index=32000)
    return LlavaForConditionalGeneration(sizes).to(torch.bfloat16), ByT5Tokenizer()


def _row(name: str, before: int, most: int, moments: int) -> tuple[str, str]:
    weights, rest = f"{before / _GB:.1f} weights, {moments / _GB:.1f} moments", f"{(most - before) / _GB:.1f}"
    return name, f"{(most + moments) / _GB:.1f} ({weights}, {rest} activations and gradients)"


if __name__ == "__main__":
    main()
