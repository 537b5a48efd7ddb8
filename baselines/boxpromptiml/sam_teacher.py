"""Segment Anything as teacher, frozen, through `transformers`: one embedding an image, one prompt a box.

Kirillov et al., Segment Anything, ICCV 2023.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from baselines.boxpromptiml.config import TeacherConfig
from baselines.boxpromptiml.teacher import Boxes, Logits
from baselines.common.encoders import named

_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_AT_ONCE = 16
"""Boxes that the decoder takes at a time."""


class SamTeacher:
    """SAM prompted with boxes.

    Args:
        config: Names the weights, and the precision of the image encoder.
        device: Where it runs; the accelerator unless said, else the CPU.

    Raises:
        InputError: If the weights cannot be loaded.
    """

    def __init__(self, config: TeacherConfig, device: str | None = None) -> None:
        from transformers import SamModel

        model: Any = named(lambda: SamModel.from_pretrained(config.name), config.name)
        self.weights = _fingerprint(model)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.precision = config.precision
        self.side = int(model.config.vision_config.image_size)

    @torch.inference_mode()
    def logits(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Boxes]) -> list[Logits]:
        """See `Teacher`; images are encoded together, and each once for all its boxes."""
        sizes = [image.shape[:2] for image in images]
        embeddings = self.encode(torch.stack([self.prepared(image) for image in images]))
        return [
            self._decoded(embeddings[index : index + 1], own, size)
            for index, (own, size) in enumerate(zip(boxes, sizes, strict=True))
        ]

    def prepared(self, image: NDArray[np.uint8]) -> Tensor:
        """An image as SAM takes it: the longer side of its size, normalised, padded below and to the right.

        Args:
            image: Shape (H, W, 3), uint8 RGB.

        Returns:
            Shape (3, side, side), float32.
        """
        height, width = self.resized(image.shape[:2])
        small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR), np.float32)
        ready = torch.from_numpy((small - np.array(_MEAN, np.float32)) / np.array(_STD, np.float32)).permute(2, 0, 1)
        return functional.pad(ready, (0, self.side - width, 0, self.side - height))

    def resized(self, size: tuple[int, ...]) -> tuple[int, int]:
        """Height and width that an image of this height and width is brought to."""
        scale = self.side / max(size)
        return int(size[0] * scale + 0.5), int(size[1] * scale + 0.5)

    def encode(self, prepared: Tensor) -> Tensor:
        """Embeddings, shape (B, 256, side / 16, side / 16), of images of shape (B, 3, side, side)."""
        with self._autocast():
            return cast(Tensor, self.model.get_image_embeddings(prepared.to(self.device))).float()

    def _decoded(self, embedding: Tensor, boxes: Boxes, size: tuple[int, ...]) -> Logits:
        height, width = self.resized(size)
        maps = [np.zeros((0, *size), np.float32)]
        corners = np.array([[x, y, x + w, y + h] for x, y, w, h in boxes], np.float32).reshape(-1, 4)
        scaled = corners * np.array([width / size[1], height / size[0]] * 2, np.float32)
        for start in range(0, len(scaled), _AT_ONCE):
            prompts = torch.from_numpy(scaled[None, start : start + _AT_ONCE]).to(self.device)
            found = self.model(image_embeddings=embedding, input_boxes=prompts, multimask_output=False).pred_masks[0]
            square = functional.interpolate(found, (self.side, self.side), mode="bilinear", align_corners=False)
            cut = square[..., :height, :width]
            full = functional.interpolate(cut, tuple(size), mode="bilinear", align_corners=False)
            maps.append(full[:, 0].float().cpu().numpy())
        return np.concatenate(maps)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.precision == "no":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16 if self.precision == "bf16" else torch.float16)


def _fingerprint(model: torch.nn.Module) -> str:
    """SHA-256 of all weights, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).data)
    return digest.hexdigest()
