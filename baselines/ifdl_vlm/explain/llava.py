"""A LLaVA by name, or one assembled of a vision tower, a new projector and a language model; with its tokenizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from baselines.common.config import EncoderConfig
from baselines.common.encoders import named
from baselines.ifdl_vlm.explain.config import ExplainConfig, LanguageConfig

_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def load_llava(config: ExplainConfig) -> tuple[Any, Any]:
    """The model, a `LlavaForConditionalGeneration` in which only what is trained has gradients, and its tokenizer.

    Raises:
        InputError: If named weights cannot be loaded.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from transformers import AutoTokenizer, LlavaForConditionalGeneration

    model: Any
    if config.name:
        kind = torch.bfloat16 if config.training.precision == "bf16" else torch.float32
        model = named(lambda: LlavaForConditionalGeneration.from_pretrained(config.name, dtype=kind), config.name)
        tokenizer = named(lambda: AutoTokenizer.from_pretrained(config.name), config.name)
    else:
        model, tokenizer = _assembled(config)
    model.requires_grad_(False)
    model.model.multi_modal_projector.requires_grad_(config.train_projector)
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout, target_modules=_LINEAR
    )
    inject_adapter_in_model(lora, model.model.language_model)
    for one in model.parameters():
        if one.requires_grad:  # bfloat16 would round most updates away
            one.data = one.data.float()
    if config.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model, tokenizer


def _assembled(config: ExplainConfig) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration

    vision: Any = _vision(config.vision, AutoModel)
    if config.language.name:
        name = config.language.name
        language: Any = named(lambda: AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32), name)
        tokenizer = named(lambda: AutoTokenizer.from_pretrained(name), name)
    else:
        language, tokenizer = _random_language(config.language)
    sizes = LlavaConfig(
        vision_config=vision.config, text_config=language.config, image_token_index=language.config.vocab_size,
        tie_word_embeddings=False,
    )  # fmt: skip
    with torch.device("meta"):
        model: Any = LlavaForConditionalGeneration(sizes)
    model.model.vision_tower, model.model.language_model = vision, language.model
    model.lm_head = language.lm_head
    model.model.multi_modal_projector.to_empty(device="cpu")
    for module in model.model.multi_modal_projector.modules():
        if isinstance(module, nn.Linear):
            module.reset_parameters()
    return model, tokenizer


def _vision(config: EncoderConfig, auto: Any) -> nn.Module:  # noqa: ANN401
    from transformers import CLIPVisionConfig, CLIPVisionModel, Dinov2Config, Dinov2Model

    if config.name:
        kind = CLIPVisionModel if config.kind == "clip" else auto
        tower: nn.Module = named(lambda: kind.from_pretrained(config.name), config.name)
        return tower
    sizes: dict[str, Any] = {
        "hidden_size": config.width, "num_hidden_layers": config.depth, "num_attention_heads": config.heads,
        "patch_size": config.patch, "image_size": config.image_size,
    }  # fmt: skip
    if config.kind == "clip":
        return CLIPVisionModel(CLIPVisionConfig(intermediate_size=4 * config.width, **sizes))
    return Dinov2Model(Dinov2Config(**sizes))


def _random_language(config: LanguageConfig) -> tuple[Any, Any]:
    from transformers import ByT5Tokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = ByT5Tokenizer()
    sizes = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=config.width, intermediate_size=2 * config.width,
        num_hidden_layers=config.depth, num_attention_heads=config.heads, num_key_value_heads=config.heads,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(sizes), tokenizer
