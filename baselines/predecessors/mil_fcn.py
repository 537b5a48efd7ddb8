"""MIL-FCN in the style of WSCL (Zhai et al., ICCV 2023): three streams, image labels, adaptive pooling, consistency.

Each stream is a ResNet with an FCN head on another view of the image: RGB, SRM residuals, a learned Bayar convolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.config import Data, Training
from baselines.common.data import Batch
from baselines.common.encoders import named
from baselines.common.method import Method, Model, Output, Progress

_SRM_CLIP = 5.0 / 255
"""WSCL clips residuals at 5 grey levels."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STREAM_WEIGHTS = (0.2, 0.4, 0.4)
"""RGB : SRM : Bayar = 1 : 2 : 2 in the pseudo-map (WSCL)."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the three streams."""

    training: Training
    data: Data
    backbone: str = ""
    """A ResNet's Hub name or folder; empty makes random weights of the sizes below."""
    widths: tuple[int, ...] = (16, 32, 64, 64)
    depths: tuple[int, ...] = (1, 1, 1, 1)
    consistency: float = 0.1
    """Weight of the loss against the streams' common pseudo-map (WSCL)."""


class Rgb(nn.Module):
    """The image as ResNets on ImageNet are shown it: each channel less its mean, over its standard deviation."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Of shape (B, 3, H, W)."""
        return (images - self.mean) / self.std


class BayarConv(nn.Module):
    """A convolution whose centre is -1 and whose other weights sum to 1 (Bayar and Stamm, IH&MMSec 2016)."""

    def __init__(self, size: int = 5) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.rand(3, 3, size * size - 1))

    def kernel(self) -> Tensor:
        """Shape (3, 3, size, size)."""
        around = self.weight / self.weight.sum(dim=-1, keepdim=True)
        half = around.shape[-1] // 2
        centre = torch.full_like(around[..., :1], -1.0)
        return torch.cat([around[..., :half], centre, around[..., half:]], dim=-1).unflatten(-1, (self.size, self.size))

    def forward(self, images: Tensor) -> Tensor:
        """Residuals of shape (B, 3, H, W)."""
        return functional.conv2d(images, self.kernel(), padding=self.size // 2)


class Srm(nn.Module):
    """Three fixed high-pass residuals of the steganalysis rich model, of each channel, summed over channels."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        first = torch.zeros(5, 5)
        first[1:4, 1:4] = torch.tensor([[-1.0, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
        second = torch.tensor(
            [[-1.0, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
        )
        third = torch.zeros(5, 5)
        third[2, 1:4] = torch.tensor([1.0, -2, 1]) / 2
        kernel = torch.stack([first, second / 12, third])[:, None].repeat(1, 3, 1, 1) / 3
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Residuals of shape (B, 3, H, W), clipped."""
        return functional.conv2d(images, self.kernel, padding=2).clamp(-_SRM_CLIP, _SRM_CLIP) / _SRM_CLIP


class Stream(nn.Module):
    """A view of the image, a ResNet, and one logit for each of its cells."""

    def __init__(self, view: nn.Module, config: Config) -> None:
        super().__init__()
        self.view, self.backbone = view, _resnet(config)
        sizes = self.backbone.config.hidden_sizes
        self.head = nn.Conv2d(sizes[-1], 1, 1)
        self.skip = nn.Conv2d(sizes[-2], 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (B, 1, h, w), an FCN-16s."""
        seen = self.backbone(self.view(images), output_hidden_states=True).hidden_states
        fine = self.skip(seen[-2])
        return fine + functional.interpolate(self.head(seen[-1]), fine.shape[-2:], mode="bilinear")


class MilFcn(Model):
    """The three streams."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.streams = nn.ModuleList(Stream(view, config) for view in (Rgb(), Srm(), BayarConv()))

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """Each stream's image loss, and its distance to the pseudo-map of all of them."""
        maps = [stream(batch.images).float().sigmoid() for stream in self.streams]
        with torch.autocast(batch.images.device.type, enabled=False):
            image = torch.stack([functional.binary_cross_entropy(pooled(one), batch.labels) for one in maps]).sum()
            target = pseudo_map(maps, batch.labels)
            far = torch.stack([functional.mse_loss(one, target) for one in maps]).sum()
        rise = exp(-5 * (1 - progress.epoch / progress.epochs) ** 2)
        return {"image": image, "consistency": self.config.consistency * rise * far}

    def predict(self, images: Tensor) -> Output:
        """The streams' weighted mean."""
        maps = [stream(images).float().sigmoid() for stream in self.streams]
        mask = sum(weight * one for weight, one in zip(_STREAM_WEIGHTS, maps, strict=True))
        return Output(torch.as_tensor(mask), pooled(torch.as_tensor(mask)))


def pooled(maps: Tensor) -> Tensor:
    """An image's score: the mean above the threshold that divides its values best, in their upper half (WSCL).

    Args:
        maps: Shape (B, 1, h, w), probabilities.

    Returns:
        Shape (B,). The division (Otsu's) is chosen among the sorted values; no gradient is taken through it.
    """
    values = maps.flatten(1).sort(dim=1, descending=True).values
    count = values.shape[1]
    with torch.no_grad():
        above = torch.arange(1, count, device=values.device)
        sums = values.cumsum(dim=1)
        means = sums[:, :-1] / above, (sums[:, -1:] - sums[:, :-1]) / (count - above)
        between = above * (count - above) * (means[0] - means[1]) ** 2
        best = between[:, : max(1, count // 2)].argmax(dim=1, keepdim=True)
    kept = torch.arange(count, device=values.device)[None] <= best
    return ((values * kept).sum(dim=1) / kept.sum(dim=1)).clamp(1e-6, 1 - 1e-6)


def pseudo_map(maps: list[Tensor], labels: Tensor) -> Tensor:
    """The streams' weighted mean as 0 or 1: 0 for an authentic image, at least its strongest cell for a tampered one.

    Args:
        maps: Each of shape (B, 1, h, w).
        labels: Shape (B,).
    """
    mean = torch.stack([weight * one.detach() for weight, one in zip(_STREAM_WEIGHTS, maps, strict=True)]).sum(dim=0)
    hard = (mean > 0.5).float()
    silent = (labels > 0) & ~hard.flatten(1).any(dim=1)
    strongest = functional.one_hot(mean.flatten(1).argmax(dim=1), mean[0].numel()).view_as(mean).float()
    hard[silent] = strongest[silent]
    hard[labels <= 0] = 0
    return hard


def _resnet(config: Config) -> Any:  # noqa: ANN401
    from transformers import ResNetConfig, ResNetModel

    if config.backbone:
        return named(lambda: ResNetModel.from_pretrained(config.backbone), config.backbone)
    sizes = {"embedding_size": config.widths[0], "hidden_sizes": list(config.widths), "depths": list(config.depths)}
    return ResNetModel(ResNetConfig(layer_type="basic", **sizes))


METHOD = Method(
    name="mil-fcn", level="image", config=Config, build=MilFcn,
    about="RGB, SRM and Bayar streams with adaptive pooling, in the style of WSCL (ICCV 2023).",
    presets={
        "tiny": Config(training=Training(epochs=2, batch_size=4, learning_rate=3e-3), data=Data(size=64),
                       widths=(8, 8, 8, 8)),
        "small": Config(training=Training(epochs=10, batch_size=16, learning_rate=1e-3), data=Data(size=160)),
        "paper": Config(
            training=Training(epochs=60, batch_size=36, learning_rate=1e-4, weight_decay=5e-4, warmup_epochs=5,
                              min_learning_rate=2e-6, workers=4),
            data=Data(size=224, jpeg_quality=(70, 100), jpeg_chance=0.5), backbone="microsoft/resnet-50",
        ),
    },
)  # fmt: skip
