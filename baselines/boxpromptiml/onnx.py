"""The student as ONNX: one file that needs neither torch nor this package."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from baselines.boxpromptiml.model import BoxPromptIML
from baselines.common.export import load_model
from forgebench.errors import InputError

_OPSET = 18
_TOLERANCE = 1e-4
"""Largest difference of a probability between torch and ONNX."""


class _Whole(nn.Module):
    def __init__(self, model: BoxPromptIML) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mask, score = self.model.predict(images)
        return mask, score


def to_onnx(run: str | Path, out: str | Path) -> float:
    """Write an exported run as ONNX, and compare what it says with torch.

    Input `images`: shape (B, 3, S, S), float32 RGB in [0, 1], B free and S as configured. Outputs `mask` of shape
    (B, 1, S, S) and `score` of shape (B,), probabilities.

    Args:
        run: A folder that `export` made.
        out: The file to write.

    Returns:
        The largest absolute difference to torch over a batch of noise.

    Raises:
        InputError: If the run is not of this method, or ONNX says something else than torch.
    """
    method, config, model = load_model(run)
    if not isinstance(model, BoxPromptIML):
        raise InputError(f"{run} is a run of {method.name}; only boxpromptiml is written as ONNX.")
    out = Path(out)
    temporary = out.with_suffix(".partial")
    write(model, config.data.size, temporary)
    apart = difference(model, config.data.size, temporary)
    if apart > _TOLERANCE:
        temporary.unlink()
        raise InputError(f"ONNX differs from torch by {apart:.2g}, more than {_TOLERANCE}. Nothing was written.")
    temporary.replace(out)
    return apart


def write(model: BoxPromptIML, size: int, path: Path) -> None:
    """Write a model for images of a size, weights inside the one file."""
    example = torch.rand(2, 3, size, size)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    torch.onnx.export(
        _Whole(model).eval(), (example,), str(path), input_names=["images"], output_names=["mask", "score"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}}, opset_version=_OPSET, external_data=False,
        verbose=False,
    )  # fmt: skip


def difference(model: BoxPromptIML, size: int, path: Path, batch: int = 3) -> float:
    """The largest absolute difference between what a file and its model say of noise."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model.predict(images)
    found = session.run(["mask", "score"], {"images": images.numpy()})
    return max(float(np.abs(ours - theirs.numpy()).max()) for ours, theirs in zip(found, expected, strict=True))
