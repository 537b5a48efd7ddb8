"""Features of frozen encoders, kept on disk by the hash of what they were made of."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class FeatureCache:
    """Tensors of single images, half precision, one file each; written whole or not at all.

    The key covers the encoder's weights and the image's bytes, so that what is found is what would be computed: an
    augmented image is another image. Several processes may share a folder.

    Args:
        folder: Where the files lie.
        encoder: Whose features they are.
        settings: What else decides about them.
    """

    def __init__(self, folder: str | Path, encoder: nn.Module, settings: str) -> None:
        digest = hashlib.sha256(settings.encode())
        for name, tensor in sorted(encoder.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        self.folder = Path(folder) / digest.hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)

    def key(self, image: Tensor) -> str:
        """The name of an image of shape (3, H, W)."""
        pixels = image.detach().cpu().contiguous()
        return hashlib.sha256(np.array(pixels.shape).tobytes() + pixels.numpy().tobytes()).hexdigest()

    def get(self, key: str) -> dict[str, Tensor] | None:
        """What is kept under a name; None where nothing is, or it is damaged."""
        try:
            return load_file(str(self.folder / f"{key}.safetensors"))
        except (FileNotFoundError, SafetensorError):
            return None

    def put(self, key: str, tensors: dict[str, Tensor]) -> None:
        """Keep tensors under a name."""
        temporary = self.folder / f"{key}.{os.getpid()}.partial"
        save_file({name: one.detach().half().cpu().contiguous() for name, one in tensors.items()}, str(temporary))
        temporary.replace(self.folder / f"{key}.safetensors")
