"""Pseudo masks on disk: written once, found again by what they were made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from baselines.boxpromptiml.config import TeacherConfig
from baselines.boxpromptiml.teacher import SURE, Boxes, Logits
from forgebench.errors import InputError

ABOUT = "teacher.json"


@dataclass(frozen=True)
class Store:
    """A folder with the pseudo masks of one teacher.

    `teacher.json` says which teacher, by the hash of its weights, and by which rules; `masks/KEY.png` are 0 and 255 at
    the image's own size; `logits/KEY.npz`, for soft masks, is float16. A key is the hash of the image file's and
    the boxes.

    Args:
        folder: Where; it is made when something is put.
        config: The teacher that the masks are to be of.

    Raises:
        InputError: If the folder holds another teacher's masks.
    """

    folder: Path
    config: TeacherConfig

    def __post_init__(self) -> None:
        path = self.folder / ABOUT
        if path.is_file():
            self._check(json.loads(path.read_text(encoding="utf-8")), self._about(None))

    def get(self, key: str) -> Logits | None:
        """The logits of a mask that is there, shape (H, W); without soft masks they are plus and minus SURE."""
        path = self._path(key)
        if not path.is_file():
            return None
        if self.config.soft:
            with np.load(path, allow_pickle=False) as held:
                return np.asarray(held["logits"], np.float32)
        with Image.open(path) as image:
            return np.where(np.asarray(image) > 127, np.float32(SURE), np.float32(-SURE))

    def put(self, key: str, logits: Logits, weights: str) -> None:
        """Keep a mask.

        Args:
            key: From `key_of`.
            logits: Shape (H, W).
            weights: The hash of its teacher's weights.

        Raises:
            InputError: If the folder holds the masks of a teacher with other weights.
        """
        self._claim(weights)
        _write(self.folder / "masks" / f"{key}.png", _png((logits > 0) * np.uint8(255)))
        if self.config.soft:
            buffer = BytesIO()
            np.savez_compressed(buffer, logits=logits.astype(np.float16))
            _write(self._path(key), buffer.getvalue())

    def _path(self, key: str) -> Path:
        return self.folder / "logits" / f"{key}.npz" if self.config.soft else self.folder / "masks" / f"{key}.png"

    def _claim(self, weights: str) -> None:
        """Say whose masks lie here, or make sure that it is the same teacher."""
        path = self.folder / ABOUT
        if path.is_file():
            self._check(json.loads(path.read_text(encoding="utf-8")), self._about(weights))
        else:
            _write(path, (json.dumps(self._about(weights), indent=1) + "\n").encode())

    def _about(self, weights: str | None) -> dict[str, object]:
        told: dict[str, object] = {
            "kind": self.config.kind, "name": self.config.name, "soft": self.config.soft,
            "least_share": self.config.least_share, "most_dilation": self.config.most_dilation,
        }  # fmt: skip
        return told if weights is None else {**told, "weights": weights}

    def _check(self, found: dict[str, object], expected: dict[str, object]) -> None:
        other = {name: value for name, value in expected.items() if found.get(name) != value}
        wrong = [f"{name}: {found.get(name)!r}, not {value!r}" for name, value in other.items()]
        if wrong:
            raise InputError(
                f"{self.folder} holds the pseudo masks of another teacher ({'; '.join(wrong)}). "
                "Choose another teacher.folder, or the same teacher."
            )


def key_of(image_sha256: str, boxes: Boxes) -> str:
    """The name of the pseudo mask of an image and its boxes, to a thousandth of a pixel."""
    told = [[round(float(number), 3) for number in box] for box in boxes]
    return hashlib.sha256(json.dumps([image_sha256, told]).encode()).hexdigest()[:32]


def _png(picture: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may make the same mask: each writes a file of its own, and the last one stays.
    temporary = path.with_name(f"{path.name}.{id(data):x}.partial")
    temporary.write_bytes(data)
    temporary.replace(path)


__all__: Sequence[str] = ["ABOUT", "Store", "key_of"]
