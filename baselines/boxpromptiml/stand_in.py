"""A frozen DINOv2 in TinyViT's place, for where no pretrained TinyViT is at hand. It is not the paper's backbone."""

from __future__ import annotations

from torch import Tensor, nn

from baselines.boxpromptiml.config import BackboneConfig
from baselines.common.config import EncoderConfig
from baselines.common.encoders import VisionEncoder


class StandIn(nn.Module):
    """Tokens of four blocks as if they were four scales; all of them have one size.

    Args:
        config: Names the weights and the blocks.

    Raises:
        InputError: If the named weights cannot be loaded.
    """

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.encoder = VisionEncoder(EncoderConfig(kind="dinov2", name=config.name, cache=config.cache))
        self.encoder.requires_grad_(False)
        self.layers = config.layers
        self.widths = (self.encoder.width,) * len(config.layers)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Four maps of shape (B, width, H / 14, W / 14) of images of shape (B, 3, H, W), RGB in [0, 1]."""
        found = self.encoder(images, self.layers)
        return [found.tokens[layer].transpose(1, 2).unflatten(-1, found.grid) for layer in self.layers]
