"""IFDL-VLM: tokens a second of explaining against `generate` of the plain model, and the memory of preset `paper`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from baselines.common.config import EncoderConfig
from baselines.ifdl_vlm.explain.config import PRESETS, LanguageConfig
from baselines.ifdl_vlm.explain.model import Explainer
from baselines.ifdl_vlm.explain.view import prepared
from perf.common import in_turn, machine, table
from perf.sizes import SAM_HUGE

TOKENS, BATCH = 48, 1
_GB = 1e9


def main() -> None:
    """Measure and compute."""
    print(machine())
    table(f"Explaining {BATCH} images with {TOKENS} tokens each, one core", speed())
    table("Parameters and memory at preset paper, computed; activations come on top", memory())


def speed() -> list[tuple[str, str]]:
    """Both from pictures to texts; the plain model sees the image once, RAVFE twice."""
    config = replace(
        PRESETS["tiny"], vision=EncoderConfig(kind="dinov2", width=384, depth=12, heads=6, patch=14, image_size=112),
        language=LanguageConfig(width=576, depth=8, heads=9), size=112, max_tokens=TOKENS,
    )  # fmt: skip
    explainer = Explainer(config).eval()
    explainer.llava.generation_config.min_new_tokens = TOKENS  # both write as much
    images = list(np.random.default_rng(0).integers(0, 256, (BATCH, 256, 384, 3), dtype=np.uint8))
    masks = [np.arange(384)[None] < np.full((256, 1), 100)] * BATCH
    mean, std = explainer.mean, explainer.std

    def ours() -> None:
        explainer.answer(explainer.see(images, masks))

    @torch.no_grad()
    def plain() -> None:
        pixels = torch.stack([prepared(image, None, config.size, mean, std)[0] for image in images])
        seen = torch.stack(list(explainer.llava.get_image_features(pixels, output_hidden_states=True).pooler_output))
        words = explainer.llava.get_input_embeddings()(torch.tensor([explainer.after] * BATCH))
        adapt(explainer, on=False)
        made = explainer.llava.generate(
            inputs_embeds=torch.cat([seen, words], dim=1), max_new_tokens=TOKENS, do_sample=False,
            attention_mask=torch.ones(BATCH, seen.shape[1] + words.shape[1], dtype=torch.long),
            pad_token_id=explainer.tokenizer.eos_token_id,
        )  # fmt: skip
        adapt(explainer, on=True)
        explainer.tokenizer.batch_decode(made, skip_special_tokens=True)

    theirs, mine = in_turn(plain, ours, repeats=3)
    return [
        ("plain `generate`", f"{BATCH * TOKENS / theirs:.1f} tokens/s"),
        ("with RAVFE and LoRA", f"{BATCH * TOKENS / mine:.1f} tokens/s"),
        ("share of plain", f"{theirs / mine:.2f}"),
    ]


def adapt(model: nn.Module, *, on: bool) -> None:
    """Switch LoRA: the plain model has none."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            module.enable_adapters(on)


def memory() -> list[tuple[str, str]]:
    """Weights counted on the sizes of the published models, without loading them."""
    from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, SamConfig, SamModel

    with torch.device("meta"):
        large: dict[str, Any] = {
            "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
            "patch_size": 14,
        }  # fmt: skip
        clip = CLIPVisionModel(CLIPVisionConfig(image_size=224, **large))
        tower = CLIPVisionModel(CLIPVisionConfig(image_size=336, **large))
        sam = SamModel(SamConfig(vision_config=SAM_HUGE))
        vicuna = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=32064, hidden_size=5120, intermediate_size=13824, num_hidden_layers=40,
                num_attention_heads=40, num_key_value_heads=40,
            )
        )  # fmt: skip
    trained = _count(clip) + _count(sam.mask_decoder) + 1_052_931
    frozen = _count(sam.vision_encoder)
    lora = sum(
        PRESETS["paper"].lora_rank * (layer.in_features + layer.out_features)
        for layer in vicuna.model.modules() if isinstance(layer, nn.Linear)
    )  # fmt: skip
    language = _count(vicuna) + _count(tower) + 1024 * 5120 + 5120 * 5120 + 2 * 5120
    return [
        ("stage 1, trained: 16 bytes each (weight, gradient, two moments)", _shown(trained, 16)),
        ("stage 1, SAM's image encoder, frozen: 4 bytes each", _shown(frozen, 4)),
        ("stage 1, training", f"{(16 * trained + 4 * frozen) / _GB:.1f} GB"),
        ("stage 2, LLaVA-1.5-13B, frozen in bf16: 2 bytes each", _shown(language, 2)),
        ("stage 2, LoRA: 16 bytes each at most", _shown(lora, 16)),
        ("stage 2, training", f"{(2 * language + 16 * lora) / _GB:.1f} GB"),
        ("stage 2, prediction", f"{2 * (language + lora) / _GB:.1f} GB"),
    ]


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _shown(count: int, size: int) -> str:
    return f"{count / 1e6:.0f} M, {count * size / _GB:.1f} GB"


if __name__ == "__main__":
    main()
