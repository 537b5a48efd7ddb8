"""SAM through `transformers`, prompted with one token: image encoder frozen, mask decoder trained.

Kirillov et al., Segment Anything, ICCV 2023; the prompt as in LISA (Lai et al., CVPR 2024).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from baselines.common.encoders import named
from baselines.common.features import FeatureCache
from baselines.ifdl_vlm.config import SegmenterConfig
from forgebench.errors import InputError

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Segmenter(nn.Module):
    """From images, or the vision tower's tokens, and prompts to mask logits.

    Args:
        config: Which SAM.
        tokens: Width of the vision tower's tokens that `kind: tokens` is given.

    Raises:
        InputError: If the named weights cannot be loaded.
    """

    mean: Tensor
    std: Tensor
    positions: Tensor
    no_mask: Tensor

    def __init__(self, config: SegmenterConfig, tokens: int) -> None:
        super().__init__()
        sam = _sam(config)
        self.config = config
        self.width: int = sam.config.prompt_encoder_config.hidden_size
        self.decoder = sam.mask_decoder
        self.decoder.iou_prediction_head.requires_grad_(False)  # no loss looks at it
        # The embedding of "no mask" and the positions are SAM's own constants.
        self.register_buffer("no_mask", sam.prompt_encoder.no_mask_embed.weight.detach().view(1, -1, 1, 1).clone())
        self.register_buffer("positions", sam.get_image_wide_positional_embeddings().detach())
        if config.kind == "sam":
            self.encoder: Any = sam.vision_encoder.requires_grad_(False)
            self.encoder.reloaded = bool(config.name)
        else:
            self.encoder = nn.Linear(tokens, self.width)
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)
        self._cache: FeatureCache | None = None

    def embed(self, images: Tensor, valid: Tensor) -> Tensor:
        """SAM's embeddings, shape (B, width, side / patch, side / patch), one image at a time and without gradients.

        Args:
            images: Shape (B, 3, side, side), RGB in [0, 1].
            valid: Shape (B, 1, side, side), bool: SAM's padding is 0 after its normalisation.
        """
        ready = (images - self.mean) / self.std * valid
        return torch.cat([self._embedded(image[None]) for image in ready])

    @torch.no_grad()
    def _embedded(self, ready: Tensor) -> Tensor:
        if not self.config.cache:
            return cast(Tensor, self.encoder(ready)[0]).float()
        if self._cache is None:
            self._cache = FeatureCache(self.config.cache, self.encoder, "sam")
        key = self._cache.key(ready[0])
        found = self._cache.get(key)
        if found is None:
            self._cache.put(key, {"embedding": self.encoder(ready)[0][0]})
            found = self._cache.get(key)  # rounded alike, whether it was there or not
        if found is None:
            raise InputError(f"{self.config.cache}: what was written there cannot be read again.")
        return found["embedding"][None].to(ready.device).float()

    def embed_tokens(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """The stand-in's embeddings, of tokens of shape (B, h * w, tokens)."""
        return cast(Tensor, self.encoder(tokens)).transpose(1, 2).unflatten(2, grid)

    def forward(self, embeddings: Tensor, prompts: Tensor) -> Tensor:
        """Mask logits, shape (B, 1, 4 h, 4 w), float32.

        Args:
            embeddings: Shape (B, width, h, w).
            prompts: Shape (B, width).
        """
        masks = self.decoder(
            image_embeddings=embeddings,
            image_positional_embeddings=self.positions.expand(len(embeddings), -1, -1, -1),
            sparse_prompt_embeddings=prompts[:, None, None],
            dense_prompt_embeddings=self.no_mask.expand_as(embeddings),
            multimask_output=False,
        )[0]
        return cast(Tensor, masks[:, 0]).float()


def _sam(config: SegmenterConfig) -> Any:  # noqa: ANN401
    from transformers import SamConfig, SamModel

    if config.name:
        return named(lambda: SamModel.from_pretrained(config.name), config.name)
    vision = {
        "hidden_size": config.encoder_width, "output_channels": config.width, "num_hidden_layers": config.encoder_depth,
        "num_attention_heads": config.encoder_heads, "image_size": config.side, "patch_size": config.patch,
        "window_size": 0, "global_attn_indexes": list(range(config.encoder_depth)), "num_pos_feats": config.width // 2,
        "mlp_dim": 4 * config.encoder_width,
    }  # fmt: skip
    prompt = {"hidden_size": config.width, "image_size": config.side, "patch_size": config.patch}
    decoder = {
        "hidden_size": config.width, "mlp_dim": config.decoder_mlp, "num_hidden_layers": config.decoder_depth,
        "num_attention_heads": config.decoder_heads, "iou_head_hidden_dim": config.width,
    }  # fmt: skip
    return SamModel(SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder))
