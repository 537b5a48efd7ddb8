"""A small benchmark with everything that is awkward, predictions for it, and submissions made by hand."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import forgebench
from forgebench import Benchmark, Prediction

Pixels = NDArray[np.uint8]
Files = dict[str, bytes]
"""The members of a submission by name."""

_TAMPERED = {
    "a": (20, 30), "b": (33, 17), "c": (64, 48), "d": (300, 450), "e": (25, 40), "f": (40, 25), "line": (1, 40),
    "column": (37, 1), "whole": (12, 10), "g": (21, 21),
}  # fmt: skip
_AUTHENTIC = {"a": (20, 30), "b": (33, 17), "c": (64, 48), "h": (15, 16), "i": (50, 20), "j": (1, 9), "k": (30, 31)}


@dataclass(frozen=True)
class Scene:
    """The benchmark, and its truth as it was drawn."""

    benchmark: Benchmark
    truth: dict[str, NDArray[np.bool_]]
    """By sample id: all false for an authentic image, all true for `tampered-whole`."""

    def tampered(self, sample_id: str) -> bool:
        return sample_id.startswith("tampered")


def make(folder: Path, name: str = "small", *, drop: str = "") -> Scene:
    """Build it; every row group holds one sample, so that there is something to share among workers."""
    rng = np.random.default_rng(7)
    truth = {}
    for label, sizes in (("tampered", _TAMPERED), ("authentic", _AUTHENTIC)):
        for key, size in sizes.items():
            mask = np.zeros(size, bool)
            if label == "tampered":
                top, left = (side // 3 for side in size)
                mask[top : top + top // 2 + 1, left : left + left // 2 + 1] = True
                mask |= key == "whole"
                _save(folder / "in" / "masks" / f"{key}.png", mask * np.uint8(255))
            _save(folder / "in" / label / f"{key}.png", rng.integers(0, 256, (*size, 3), np.uint8))
            truth[f"{label}-{key}"] = mask
    if drop:
        (folder / "in" / "authentic" / f"{drop}.png").unlink()
        del truth[f"authentic-{drop}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forgebench.benchmark.write.GROUP_ROWS", 1)
        return Scene(forgebench.build("folder", folder / "in", folder / name, workers=1), truth)


@cache
def scene() -> Scene:
    """The one that tests share; none of them changes it."""
    folder = Path(mkdtemp(prefix="forgebench-small-"))
    _FOLDERS.append(folder)
    return make(folder)


_FOLDERS: list[Path] = []


@pytest.fixture(scope="session", name="scene")
def scene_fixture():
    yield scene()
    while _FOLDERS:
        shutil.rmtree(_FOLDERS.pop())


def _save(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def predictions(scene: Scene, *, skill: float = 0.3, seed: int = 0, masks: bool = True) -> list[Prediction]:
    """Noise that leans towards the truth by `skill`; scores have ties, and one is exactly 0.5."""
    rng = np.random.default_rng(seed)
    found = []
    for sample_id, truth in scene.truth.items():
        heat = rng.random(truth.shape) * (1 - skill) + truth * skill
        score = round(float(rng.random() * (1 - skill) + scene.tampered(sample_id) * skill), 1)
        mask = np.round(heat * 255).astype(np.uint8) if masks else None
        found.append(Prediction(sample_id, 0.5 if sample_id == "tampered-a" else score, mask))
    return found


def about(scene: Scene, **changes: Any) -> dict[str, Any]:
    """The fields of a valid `submission.json`."""
    fields = {
        "schema_version": 1, "benchmark": scene.benchmark.name, "content_hash": scene.benchmark.content_hash,
        "split": "test", "method": "by hand", "supervision": "pixel",
    }  # fmt: skip
    return fields | changes


def files(scene: Scene, given: list[Prediction] | None = None, **changes: Any) -> Files:
    """The members of a valid submission, to be spoilt."""
    given = predictions(scene) if given is None else given
    lines = ["sample_id,score", *(f"{one.sample_id},{one.score!r}" for one in given)]
    members = {
        "submission.json": json.dumps(about(scene, **changes)).encode(),
        "predictions.csv": ("\n".join(lines) + "\n").encode(),
    }
    masks = {f"masks/{one.sample_id}.png": png(one.mask) for one in given if one.mask is not None}
    return members | masks


def write_folder(path: Path, members: Mapping[str, bytes]) -> Path:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_zip(path: Path, members: Mapping[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    pairs = list(members.items()) if isinstance(members, Mapping) else members
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in pairs:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


def write_parquet(path: Path, members: Mapping[str, bytes], **options: Any) -> Path:
    """The same members as one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [line.split(",") for line in members["predictions.csv"].decode().splitlines()[1:]]
    table = pa.table(
        {
            "sample_id": pa.array([sample_id for sample_id, _ in rows], pa.string()),
            "score": pa.array([float(score) for _, score in rows], pa.float64()),
            "mask": pa.array([members.get(f"masks/{sample_id}.png") for sample_id, _ in rows], pa.binary()),
        }
    ).replace_schema_metadata({"forgebench.submission": members["submission.json"]})
    pq.write_table(table, path, **({"compression": "none", "use_dictionary": False} | options))
    return path


def png(pixels: Pixels, mode: str | None = None) -> bytes:
    buffer = BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(buffer, "PNG")
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(height: int, width: int, depth: int = 8, colour: int = 0, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def raw_png(pixels: Pixels, *, before: bytes = b"", rows: int | None = None, head: bytes | None = None) -> bytes:
    """A PNG file by hand: chunks may be put before the pixels, and rows left out."""
    body = b"".join(b"\0" + row.tobytes() for row in pixels[:rows])
    start = b"\x89PNG\r\n\x1a\n" + (header(*pixels.shape) if head is None else head)
    return start + before + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND")


def interlaced_png(pixels: Pixels) -> bytes:
    """The same, in seven passes."""
    starts = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    passes = (pixels[y::rows, x::columns] for y, x, rows, columns in starts)
    body = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    head = header(*pixels.shape, interlace=1)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND")
