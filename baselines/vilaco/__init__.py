"""ViLaCo (Sheng et al., AAAI-26): weakly supervised localization by vision-language reasoning, from image labels."""

from baselines.common.method import Method
from baselines.vilaco.config import PAPER, SMALL, TINY, Config
from baselines.vilaco.model import ViLaCo

METHOD = Method(
    name="vilaco", level="image", config=Config, build=ViLaCo,
    presets={"tiny": TINY, "small": SMALL, "paper": PAPER},
    ablations={
        "no coarse loss": {"coarse": "0", "score": "fine"},
        "no fine loss": {"fine": "0"},
        "no consistency": {"consistency.weight": "0"},
    },
    about="Image labels; frozen CLIP, learned prompts, a mask decoder (AAAI-26).",
)  # fmt: skip
