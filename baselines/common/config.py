"""What every method's configuration shares, and its YAML: frozen, complete, unknown keys refused."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from forgebench.errors import InputError

C = TypeVar("C")
Precision = Literal["no", "bf16", "fp16"]
Schedule = Literal["cosine", "step", "linear", "constant"]

_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
"""A number such as 1e-4, which YAML 1.1 reads as a text."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a method is optimised."""

    epochs: int
    batch_size: int
    """Of one process."""
    learning_rate: float
    weight_decay: float = 1e-4
    """Not of biases and norms."""
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Schedule = "cosine"
    warmup_epochs: float = 0.0
    """Epochs over which the rate rises linearly from 0."""
    min_learning_rate: float = 0.0
    """Where cosine and linear end."""
    step_epochs: tuple[float, ...] = ()
    """`step`: a tenth of the rate from each of these on."""
    clip_norm: float = 1.0
    """Of the gradients' norm; 0 leaves clipping out."""
    precision: Precision = "no"
    accumulate: int = 1
    """Batches to one step of the optimizer."""
    batches: Literal["balanced", "mixed", "one-class"] = "balanced"
    """As many tampered as authentic images in each; as they come; or each of one class: authentic, tampered, or wholly
    synthetic, where the level tells."""
    steps_per_epoch: int = 0
    """Steps of the optimizer to an epoch, which goes on where the last one ended; 0 is a pass over all samples."""
    seed: int = 0
    deterministic: bool = True
    """Refuse operations whose result differs from run to run."""
    workers: int = 0
    """Processes that decode ahead; 0 decodes in the training process."""
    validation_share: float = 0.1
    """Share of the training split's groups that is held out: the best checkpoint is chosen there."""
    select_by: str = "image_auc"
    """The metric, of `forgebench`, that chooses it; `pixel_…` where the method's level has masks. Empty: the last."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """How an image comes to a network's size, and how it is augmented."""

    size: int
    """Side of the square input, pixels."""
    fit: Literal["squash", "crop", "pad"] = "squash"
    """To the square: without regard to the aspect; short side and centre crop; long side and padding."""
    tile_above: int = 0
    """Predict images with a longer side in overlapping square tiles of this side; 0 never does."""
    flip: float = 0.5
    """Probability of a horizontal flip."""
    crop_area: float = 1.0
    """The least share of the area that a random crop keeps; 1 crops nothing. It can lose the forgery: labels stay."""
    jpeg_quality: tuple[int, int] = (0, 0)
    """Re-compress within these qualities; (0, 0) leaves it out."""
    jpeg_chance: float = 1.0
    """Probability of the compression."""
    brightness: float = 0.0
    """Largest relative change of brightness and contrast."""
    blur_chance: float = 0.0
    """Probability of a Gaussian blur of 3 to 7 pixels."""
    rotate90: float = 0.0
    """Probability of a turn by a multiple of 90 degrees."""
    vertical_flip: float = 0.0
    rescale: float = 0.0
    """Largest relative change of both sides by which an image is resampled before it comes to its size."""
    copy_move_chance: float = 0.0
    """Probability that a window of a tampered image is copied elsewhere in it, and marked as tampered."""
    inpaint_chance: float = 0.0
    """Likewise, that a window is filled in from its border; seconds an image where it is large."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Which pretrained encoders, or how large where their weights are random."""

    kind: Literal["clip", "dinov2"] = "clip"
    name: str = ""
    """A Hub name or a folder; empty makes random weights of the sizes below."""
    width: int = 32
    depth: int = 2
    heads: int = 2
    patch: int = 8
    image_size: int = 64
    """That the positions were made for; other sizes interpolate them."""
    joint: int = 32
    """Width of the space that images and texts share."""
    vv_attention: bool = False
    """Dense features by value-value attention in the last block, which keeps them local (CLIP-Surgery, AnomalyCLIP);
    the class token and the tokens of the block itself are as ever."""
    lora_rank: int = 0
    """Of the adapters on the queries and values of the vision tower; 0 has none and the tower is frozen."""
    lora_alpha: int = 16
    train: bool = False
    """Train the whole vision tower."""
    cache: str = ""
    """A folder for the features of a frozen tower, in half precision; empty computes them again each time."""


def to_yaml(config: Any) -> str:  # noqa: ANN401
    """A configuration as YAML, every field of it."""
    return yaml.safe_dump(_plain(dataclasses.asdict(config)), sort_keys=False, allow_unicode=True)


def from_yaml(kind: type[C], text: str) -> C:
    """The configuration that `to_yaml` wrote.

    Raises:
        InputError: If it is no YAML, or a key is unknown, missing or of the wrong type; all of them at once.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"The configuration is no YAML: {error}") from error
    wrong: list[str] = []
    made = _made(kind, document, "", wrong)
    if wrong:
        raise InputError("The configuration cannot be used:\n  " + "\n  ".join(wrong))
    return made


def override(config: C, changes: Mapping[str, str]) -> C:
    """The same configuration with some fields changed.

    Args:
        config: A configuration.
        changes: Values as YAML by dotted name, such as `training.epochs: "3"`.

    Raises:
        InputError: If a name or a value cannot be used.
    """
    document = _plain(dataclasses.asdict(config))  # type: ignore[call-overload]
    for name, text in changes.items():
        *path, last = name.split(".")
        inner: Any = document
        for part in path:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or last not in inner:
            raise InputError(f"There is no setting {name!r}.{_guess(name, _names(document))}")
        inner[last] = yaml.safe_load(text)
    return from_yaml(type(config), yaml.safe_dump(document))


def _names(document: Mapping[str, Any], before: str = "") -> list[str]:
    found = []
    for name, value in document.items():
        found += _names(value, f"{before}{name}.") if isinstance(value, dict) else [before + name]
    return found


def _guess(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _made(kind: Any, value: Any, where: str, wrong: list[str]) -> Any:  # noqa: ANN401
    """The value as this type; what does not fit is told in `wrong`."""
    if dataclasses.is_dataclass(kind):
        return _made_config(kind, value, where, wrong)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(value, list) and (inside[-1] is ... or len(inside) == len(value)):
        kinds = [inside[0]] * len(value) if inside[-1] is ... else inside
        pairs = enumerate(zip(kinds, value, strict=True))
        return tuple(_made(one, part, f"{where}[{i}]", wrong) for i, (one, part) in pairs)
    if origin in (Union, types.UnionType) and value is None and type(None) in inside:
        return None
    if origin in (Union, types.UnionType):
        return _made(next(one for one in inside if one is not type(None)), value, where, wrong)
    if origin is Literal and value in inside:
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is float and isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    expected = " or ".join(map(repr, inside)) if origin is Literal else getattr(kind, "__name__", str(kind))
    wrong.append(f"{where}: expected {expected}, got {value!r}")
    return None


def _made_config(kind: Any, value: Any, where: str, wrong: list[str]) -> Any:  # noqa: ANN401
    hints = get_type_hints(kind)
    if not isinstance(value, dict):
        wrong.append(f"{where or 'the whole'}: expected settings by name, got {value!r}")
        return None
    before = f"{where}." if where else ""
    wrong += [f"{before}{key}: unknown.{_guess(str(key), list(hints))}" for key in value if key not in hints]
    wrong += [f"{before}{key}: missing" for key in hints if key not in value]
    made = {key: _made(hints[key], value[key], before + key, wrong) for key in hints if key in value}
    return None if wrong else kind(**made)
