"""IFDL-VLM (Guo, Cui, Hong; CVPR 2026 Findings): pixel masks first, then an explanation by a language model."""

from baselines.common.method import Method
from baselines.ifdl_vlm.config import PRESETS, Config
from baselines.ifdl_vlm.model import IFDL, card

METHOD = Method(
    name="ifdl-vlm", level="pixel", config=Config, presets=PRESETS, build=IFDL, card=card,
    ablations={
        "no dice loss": {"dice": "0"},
        "one embedding layer": {"segmenter.layers": "[12]"},
    },
    about="Pixel masks; CLIP's classes and a prompt for SAM's decoder, then explanations by a LLaVA (CVPR 2026 F.).",
)  # fmt: skip

__all__ = ["IFDL", "METHOD", "Config"]
