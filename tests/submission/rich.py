"""Predictions with everything that a submission may hold, and its members made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import small

from forgebench import Prediction
from forgebench.schema import Box

OUTPUTS = ["score", "synthetic", "mask", "boxes", "explanation"]
TEXTS = [
    {"type": "splice", "area": "top left, 3 %", "content": 'a "cat", black', "evidence": "Two lights.\nSoft edges."},
    {"type": "", "area": "", "content": "", "evidence": ""},
    {"type": "复制移动", "area": "\tà gauche", "content": "🙂 = <b>1+1</b>", "evidence": "'; DROP TABLE ','' --"},
    {"type": "x" * 4000, "area": ",", "content": '"', "evidence": '""'},
]  # fmt: skip


def predictions(scene: small.Scene, *, seed: int = 0) -> list[Prediction]:
    """All outputs; some samples have no box, some no explanation, and the first a box of every edge."""
    rng = np.random.default_rng(seed)
    found = []
    for number, one in enumerate(small.predictions(scene, seed=seed)):
        height, width = one.mask.shape
        boxes = [Box(0, 0, width, height, 1), Box(width, height, 0, 0, 0), Box(0.1, 1 / 3, 1e-9, 0.5, 1 / 3)]
        if number:
            boxes = [_box(rng, width, height) for _ in range(number % 4)]
        text = TEXTS[number % 5] if number % 5 < 4 else None
        found.append(Prediction(one.sample_id, one.score, one.mask, boxes, text, one.score * float(rng.random())))
    return found


def _box(rng: np.random.Generator, width: int, height: int) -> Box:
    x, y = rng.random(2) * (width, height)
    return Box(x, y, (width - x) * rng.random(), (height - y) * rng.random(), float(rng.random()))


def files(scene: small.Scene, given: list[Prediction] | None = None, **changes: Any) -> small.Files:
    """The members, without the library's own writer."""
    given = predictions(scene) if given is None else given
    lines = ["sample_id,score,synthetic", *(f"{one.sample_id},{one.score!r},{one.synthetic!r}" for one in given)]
    entries = [
        {"image_id": one.sample_id, "category_id": 1, "bbox": list(box[:4]), "score": box.score}
        for one in given for box in one.boxes
    ]  # fmt: skip
    texts = ["sample_id,type,area,content,evidence"]
    for one in given:
        if one.explanation is not None:
            quoted = ('"' + field.replace('"', '""') + '"' for field in one.explanation.values())
            texts.append(",".join([one.sample_id, *quoted]))
    return small.files(scene, given, **({"outputs": OUTPUTS} | changes)) | {
        "predictions.csv": "\n".join(lines).encode(),
        "boxes.json": json.dumps(entries, indent=2).encode(),
        "explanations.csv": "\r\n".join(texts).encode(),
    }


def write_parquet(path: Path, members: small.Files, given: list[Prediction], **columns: list[Any]) -> Path:
    """The same in one file; columns may be replaced."""
    text = pa.struct([(name, pa.string()) for name in ("type", "area", "content", "evidence")])
    values = {
        "sample_id": pa.array([one.sample_id for one in given]),
        "score": pa.array([float(one.score) for one in given]),
        "synthetic": pa.array([one.synthetic for one in given], pa.float64()),
        "mask": pa.array([members.get(f"masks/{one.sample_id}.png") for one in given], pa.binary()),
        "boxes": pa.array([json.dumps([{"bbox": b[:4], "score": b.score} for b in one.boxes]) for one in given]),
        "explanation": pa.array([one.explanation for one in given], text),
    }
    values |= {name: pa.array(column, values[name].type) for name, column in columns.items()}
    table = pa.table(values).replace_schema_metadata({"forgebench.submission": members["submission.json"]})
    pq.write_table(table, path, compression="none", use_dictionary=False)
    return path
