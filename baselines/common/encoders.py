"""CLIP and DINOv2 as dense encoders of any image size, with value-value attention and LoRA, through `transformers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.config import EncoderConfig
from baselines.common.features import FeatureCache
from baselines.common.text import ClipText, LearnedText, TextEncoder
from forgebench.errors import InputError

_STATISTICS = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "dinov2": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and standard deviation of the channels that each was trained with."""


class Features(NamedTuple):
    """What a vision tower makes of images of h x w patches, n = h * w."""

    tokens: dict[int, Tensor]
    """The patch tokens after each block asked for (from 1), shape (B, n, width)."""
    dense: Tensor
    """Shape (B, n, joint): the last block's tokens in the space of texts, not normalised."""
    pooled: Tensor
    """Shape (B, joint): the class token there."""
    grid: tuple[int, int]
    """h and w."""
    attention: Tensor | None
    """Shape (B, n, n), rows sum to 1: mean attention between patches over heads and the last blocks asked for."""


class VisionEncoder(nn.Module):
    """A vision transformer that gives features of every patch.

    Frozen towers run without gradients. The projection of DINOv2, which has no texts, is learned.

    Args:
        config: Which tower.

    Raises:
        InputError: If the named weights cannot be loaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        make = _clip if config.kind == "clip" else _dinov2
        self.tower, self.projection, sizes = make(config)
        self.reloaded = bool(config.name)
        self.width, self.patch, self.joint = sizes.hidden_size, sizes.patch_size, self.projection.out_features
        self.vv_attention = config.vv_attention
        self._clip = config.kind == "clip"
        mean, std = _STATISTICS[config.kind]
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.tower.requires_grad_(config.train)
        self.projection.requires_grad_(config.train or not self._clip)
        if config.lora_rank:
            _add_lora(self.tower, config)
        self.frozen = not any(parameter.requires_grad for parameter in self.tower.parameters())
        self._cache_folder = config.cache if self.frozen else ""
        self._caches: dict[str, FeatureCache] = {}

    @property
    def blocks(self) -> Sequence[Any]:
        """The transformer's blocks."""
        layers = self.tower.encoder.layers if self._clip else self.tower.encoder.layer
        return list(layers)

    def forward(self, images: Tensor, layers: Sequence[int] = (), attention_blocks: int = 0) -> Features:
        """Encode images.

        Args:
            images: Shape (B, 3, H, W), RGB in [0, 1]; sides are cut to whole patches.
            layers: Blocks, from 1, whose tokens are wanted.
            attention_blocks: Over how many last blocks attention is averaged; 0 leaves it out.
        """
        grid = images.shape[-2] // self.patch, images.shape[-1] // self.patch
        images = images[..., : grid[0] * self.patch, : grid[1] * self.patch]
        if self._cache_folder and not attention_blocks:
            (last, tokens), attention = self._cached(images, tuple(layers)), None
        else:
            with self._gradients():
                last, tokens, attention = self._run((images - self.mean) / self.std, layers, attention_blocks)
        joint = self.projection(last)
        return Features(tokens, joint[:, 1:], joint[:, 0], grid, attention)

    def _gradients(self) -> AbstractContextManager[Any]:
        return torch.no_grad() if self.frozen else nullcontext()

    def _cached(self, images: Tensor, layers: tuple[int, ...]) -> tuple[Tensor, dict[int, Tensor]]:
        """The last block's tokens and those of `layers`, from disk where they are there."""
        kind = images.device.type
        precision = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        settings = f"{layers} {self.vv_attention} {precision}"
        if settings not in self._caches:
            self._caches[settings] = FeatureCache(self._cache_folder, self.tower, settings)
        cache = self._caches[settings]
        keys = [cache.key(image) for image in images]
        found = [cache.get(key) for key in keys]
        if missing := [index for index, one in enumerate(found) if one is None]:
            with torch.no_grad():
                last, tokens, _ = self._run((images[missing] - self.mean) / self.std, layers, 0)
            for place, index in enumerate(missing):
                made = {"last": last[place], **{str(layer): tokens[layer][place] for layer in layers}}
                cache.put(keys[index], made)
                # Rounded alike, whether it was there or not.
                found[index] = {name: one.half().cpu() for name, one in made.items()}
        kept = [one for one in found if one is not None]
        stacked = {name: torch.stack([one[name].float() for one in kept]).to(images.device) for name in kept[0]}
        return stacked.pop("last"), {int(name): one for name, one in stacked.items()}

    def _run(
        self, pixels: Tensor, layers: Sequence[int], attention_blocks: int
    ) -> tuple[Tensor, dict[int, Tensor], Tensor | None]:
        tower, blocks = self.tower, self.blocks
        if self._clip:
            hidden = tower.pre_layrnorm(tower.embeddings(pixels, interpolate_pos_encoding=True))
        else:
            hidden = tower.embeddings(pixels)
        tokens, seen, before = {}, [], hidden
        for number, block in enumerate(blocks, 1):
            if number > len(blocks) - attention_blocks:
                seen.append(self._attention(block, hidden))
            before, hidden = hidden, block(hidden, attention_mask=None)
            if number in layers:
                tokens[number] = hidden[:, 1:]
        if self.vv_attention:
            hidden = torch.cat([hidden[:, :1], self._value_block(blocks[-1], before)[:, 1:]], dim=1)
        norm = tower.post_layernorm if self._clip else tower.layernorm
        return norm(hidden), tokens, torch.stack(seen).mean(dim=0) if seen else None

    def _parts(self, block: Any) -> tuple[Any, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:  # noqa: ANN401
        """Attention, the norm before it, and what makes its output ready to be added."""
        if self._clip:
            return block.self_attn, block.layer_norm1, block.self_attn.out_proj
        return block.attention, block.norm1, lambda mixed: block.layer_scale1(block.attention.o_proj(mixed))

    def _value_block(self, block: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401
        attention, norm, out = self._parts(block)
        values = _heads(attention.v_proj(norm(hidden)), attention.head_dim)
        mixed = functional.scaled_dot_product_attention(values, values, values)
        hidden = hidden + out(mixed.transpose(1, 2).flatten(2))
        if self._clip:
            return hidden + block.mlp(block.layer_norm2(hidden))
        return hidden + block.layer_scale2(block.mlp(block.norm2(hidden)))

    def _attention(self, block: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401
        attention, norm, _ = self._parts(block)
        seen = norm(hidden)
        queries, keys = (_heads(part(seen), attention.head_dim) for part in (attention.q_proj, attention.k_proj))
        weights = (queries @ keys.transpose(-1, -2) * attention.head_dim**-0.5).softmax(dim=-1).mean(dim=1)
        between = weights[:, 1:, 1:]
        return between / between.sum(dim=-1, keepdim=True)


def load_encoders(config: EncoderConfig) -> tuple[VisionEncoder, TextEncoder]:
    """The towers that a configuration names: CLIP's own text tower, or learned texts beside DINOv2.

    Raises:
        InputError: If the named weights cannot be loaded.
    """
    vision = VisionEncoder(config)
    text: TextEncoder = ClipText(config) if config.kind == "clip" else LearnedText(config.joint)
    return vision, text


def named(load: Callable[[], Any], name: str) -> Any:  # noqa: ANN401
    """What `from_pretrained` gives.

    Raises:
        InputError: If there is nothing of this name, or it is something else.
    """
    try:
        return load()
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"{name} cannot be loaded: {first} Give a Hub name, or a folder with config.json and weights."
        ) from error


def _heads(flat: Tensor, width: int) -> Tensor:
    """Shape (B, n, heads * width) as (B, heads, n, width)."""
    return flat.unflatten(-1, (-1, width)).transpose(1, 2)


def _clip(config: EncoderConfig) -> tuple[Any, nn.Linear, Any]:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    if config.name:
        model = named(lambda: CLIPVisionModelWithProjection.from_pretrained(config.name), config.name)
    else:
        model = CLIPVisionModelWithProjection(CLIPVisionConfig(projection_dim=config.joint, **_sizes(config)))
    return model.vision_model, model.visual_projection, model.config


def _dinov2(config: EncoderConfig) -> tuple[Any, nn.Linear, Any]:
    from transformers import Dinov2Config, Dinov2Model

    if config.name:
        model = named(lambda: Dinov2Model.from_pretrained(config.name), config.name)
    else:
        model = Dinov2Model(Dinov2Config(**_sizes(config)))
    # Masked tokens belong to its pre-training, and would be the one weight that never gets a gradient.
    model.embeddings.mask_token = None
    return model, nn.Linear(model.config.hidden_size, config.joint), model.config


def _sizes(config: EncoderConfig) -> dict[str, int]:
    return {
        "hidden_size": config.width, "intermediate_size": 4 * config.width, "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads, "patch_size": config.patch, "image_size": config.image_size,
    }  # fmt: skip


def _add_lora(tower: nn.Module, config: EncoderConfig) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    about = LoraConfig(r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules=["q_proj", "v_proj"])
    inject_adapter_in_model(about, tower)

