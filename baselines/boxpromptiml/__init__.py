"""BoxPromptIML: coarse boxes, a frozen SAM as teacher, and a light student that needs no prompt."""

from baselines.boxpromptiml.config import ABLATIONS, PRESETS, Config
from baselines.boxpromptiml.model import BoxPromptIML
from baselines.boxpromptiml.targets import targets
from baselines.common.method import Method

METHOD = Method(
    name="boxpromptiml", level="box", config=Config, presets=PRESETS, build=BoxPromptIML, targets=targets,
    ablations=ABLATIONS,
    about="Coarse boxes, a frozen SAM as teacher, TinyViT with memory-guided gated fusion as student.",
)  # fmt: skip

__all__ = ["METHOD", "BoxPromptIML", "Config"]
