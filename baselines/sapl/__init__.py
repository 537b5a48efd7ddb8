"""SAPL, reconstructed from its abstract: prompts that edges move, and the similarity map that they give."""

from baselines.common.method import Method
from baselines.sapl.config import ABLATIONS, PRESETS, Config
from baselines.sapl.model import Sapl

METHOD = Method(
    name="sapl", level="image", config=Config, build=Sapl, presets=PRESETS, ablations=ABLATIONS,
    about="Image labels; prompts that edges move, edge contrast (reconstructed from an abstract, arXiv 2601.06222).",
)  # fmt: skip

__all__ = ["METHOD", "Config", "Sapl"]
