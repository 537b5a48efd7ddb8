"""SAPL, reconstructed from its abstract: prompts that edges move, and the similarity map that they give."""

from baselines.common.method import Method
from baselines.sapl.config import PRESETS, Config
from baselines.sapl.model import Sapl

METHOD = Method(
    "sapl", "image", Config, PRESETS, Sapl,
    "Edge-aware prompts and edge contrast, from image labels (reconstructed from the abstract of arXiv 2601.06222)",
)  # fmt: skip

__all__ = ["METHOD", "Config", "Sapl"]
