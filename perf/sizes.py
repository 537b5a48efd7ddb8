"""Parameters and multiply-adds of the reference methods at their published sizes: `python -m perf.sizes`.

Nothing is loaded: weights are random. Writes `baselines/sizes.json`, which the page that sets the methods side by side
is made from.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from baselines.common import encoders
from baselines.common.config import EncoderConfig, override
from baselines.common.registry import get
from baselines.common.text import ClipText
from perf.common import table

OUT = Path(__file__).parents[1] / "baselines" / "sizes.json"
_CLIP_B = {
    "encoder.name": "''", "encoder.width": "768", "encoder.depth": "12", "encoder.heads": "12", "encoder.patch": "16",
    "encoder.image_size": "224", "encoder.joint": "512",
}  # fmt: skip
_CLIP_L = _CLIP_B | {"encoder.width": "1024", "encoder.depth": "24", "encoder.heads": "16", "encoder.patch": "14"}
_SAM_DECODER = {
    "segmenter.name": "''", "segmenter.decoder_depth": "2", "segmenter.decoder_heads": "8",
    "segmenter.decoder_mlp": "2048",
}  # fmt: skip
SAM_HUGE = {
    "hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16, "mlp_dim": 5120,
    "global_attn_indexes": [7, 15, 23, 31],
}  # fmt: skip
SETTINGS = {
    "vilaco": _CLIP_B, "sapl": _CLIP_B, "boxpromptiml": {"backbone.name": "''"}, "ifdl-vlm": _CLIP_L | _SAM_DECODER,
}  # fmt: skip
_VOCABULARY = 49_408


def _published_text(config: EncoderConfig) -> ClipText:
    """The text tower of CLIP ViT-B/16, which is narrower than its vision tower, with its whole vocabulary."""
    text = ClipText(replace(config, width=512, heads=8))
    embeddings = text.tower.embeddings
    embeddings.token_embedding = nn.Embedding(_VOCABULARY, 512).requires_grad_(False)
    return text


def built(name: str) -> tuple[nn.Module, int]:
    """A method at preset `paper` with random weights, and the side of its input."""
    method = get(name)
    config = override(method.presets["paper"], SETTINGS[name])
    with patch.object(encoders, "ClipText", _published_text):
        model: Any = method.build(config)
    if name == "ifdl-vlm":
        from transformers import SamConfig, SamModel

        model.segmenter.encoder = SamModel(SamConfig(vision_config=SAM_HUGE)).vision_encoder.requires_grad_(False)
    return model.eval(), config.data.size


def measured(name: str) -> dict[str, int]:
    """Of one image: parameters, those that are trained, and multiply-adds, half of what are called FLOPs elsewhere."""
    torch.manual_seed(0)
    model, side = built(name)
    every = list(model.parameters())
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        model.predict(torch.rand(1, 3, side, side))
    return {
        "side": side, "parameters": sum(one.numel() for one in every),
        "trained": sum(one.numel() for one in every if one.requires_grad),
        "multiply_adds": counter.get_total_flops() // 2,
    }  # fmt: skip


if __name__ == "__main__":
    found = {name: measured(name) for name in SETTINGS}
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    table("Reference methods at preset paper", [(name, str(sizes)) for name, sizes in found.items()])
