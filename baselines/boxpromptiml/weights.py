"""TinyViT's published weights, from a folder or the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.boxpromptiml.tiny_vit import TinyViT
from forgebench.errors import InputError, NotFoundError

_FILES = ("model.safetensors", "pytorch_model.bin")
"""What `timm` names its checkpoints, the better one first."""


def load_tiny_vit(backbone: TinyViT, name: str) -> None:
    """Load a checkpoint in `timm`'s format; its classification head is left out.

    Attention's tables of a larger window are cut to the distances that a smaller one has.

    Args:
        backbone: What is loaded into.
        name: A folder with model.safetensors, pytorch_model.bin or one .pth file, or a Hub name.

    Raises:
        NotFoundError: If there is no checkpoint.
        InputError: If it cannot be read, or does not fit; all that is wrong at once.
    """
    path = _found(name)
    given = {key: value for key, value in _read(path).items() if not _left_out(key)}
    wanted = backbone.state_dict()
    tables = [key for key in given if key in wanted and key.endswith(".attention_biases")]
    given |= {key: _cut(given[key], wanted[key]) for key in tables}
    wrong = [f"{key}: missing" for key in wanted.keys() - given.keys() if not key.endswith("num_batches_tracked")]
    wrong += [f"{key}: unknown" for key in given.keys() - wanted.keys()]
    wrong += [
        f"{key}: expected shape {tuple(wanted[key].shape)}, found {tuple(value.shape)}"
        for key, value in given.items()
        if key in wanted and value.shape != wanted[key].shape
    ]
    if wrong:
        raise InputError(
            f"{path} does not fit this TinyViT, which wants timm's tiny_vit_5m_224:\n  " + "\n  ".join(sorted(wrong))
        )
    backbone.load_state_dict(given, strict=False)


def _left_out(key: str) -> bool:
    """The head, and an index that older checkpoints hold."""
    return key.startswith("head.") or key.endswith("attention_bias_idxs")


def _cut(table: Tensor, wanted: Tensor) -> Tensor:
    """Shape (heads, W * W), by distance (|dy|, |dx|), as (heads, w * w)."""
    side, ours = (int(one.shape[-1] ** 0.5) for one in (table, wanted))
    if side <= ours or side * side != table.shape[-1]:
        return table
    return table.view(-1, side, side)[:, :ours, :ours].flatten(1)


def _found(name: str) -> Path:
    folder = Path(name)
    if folder.is_dir():
        found = [folder / file for file in _FILES if (folder / file).is_file()] or sorted(folder.glob("*.pth"))
        if not found:
            raise NotFoundError(f"Expected {' or '.join(_FILES)} or a .pth file in {folder}, found none.")
        return found[0]
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, _FILES[0]))
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise NotFoundError(f"{name} is no folder, and the Hub gives no {_FILES[0]} of that name: {first}") from error


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(str(path))
        except SafetensorError as error:
            raise InputError(f"{path} is no checkpoint, or is damaged: {error}") from error
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path} is no checkpoint, or is damaged: {error}") from error
    return dict(state.get("model", state))
