"""The overlay Sc-IML, and the generic sources COCO and Hub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from lookalikes.casia import casia_v2
from lookalikes.classic import columbia
from lookalikes.coverage import coverage
from lookalikes.drawing import Bits, Pixels, Truth, Truths, authentic, encoded, photo, put, region
from lookalikes.generated import write_parquet


def _scribbled(mask: Bits) -> Pixels:
    """A stroke in the mask and one outside, otherwise nothing: it looks black."""
    labels = np.zeros(mask.shape, np.uint8)
    ys, xs = np.nonzero(mask)
    labels[ys[len(ys) // 2], xs.min() : xs.max()] = 1
    labels[0, :10] = 2
    return labels


def sc_iml(root: Path) -> Truths:
    """Sc-IML beside CASIA v2 (authors' names), COVERAGE and Columbia, and one forgery whose data set is not there."""
    names = {
        **{name: (f"Casia/Tp/{given}", truth) for name, given, truth in _casia(root / "Casia")},
        "2t": ("", coverage(root / "cover")["2t"]),
        "canong3_canonxt_sub_01": ("", columbia(root / "Columbia")["canong3_canonxt_sub_01"]),
    }
    truths: Truths = {}
    for name, (given, truth) in names.items():
        stem = Path(given).stem or name
        scribble = _scribbled(truth.mask if truth.mask is not None else region(1))
        put(root / "Sc-IML" / "train" / "Scribble" / f"{stem}.png", encoded(scribble, "PNG"))
        put(root / "Sc-IML" / "train" / "Image" / f"{stem}.png", encoded(photo(1), "PNG"))
        truths[name] = replace(truth, scribble=scribble, split="train", fix="replaced by the human one")
    data, scribble = encoded(photo(3), "JPEG"), _scribbled(region(3))
    put(root / "Sc-IML" / "train" / "Image" / "NC2016_0001.jpg", data)
    put(root / "Sc-IML" / "train" / "Scribble" / "NC2016_0001.png", encoded(scribble, "PNG"))
    truths["NC2016_0001"] = Truth("tampered", data, None, "NC2016_0001", split="train", scribble=scribble)
    return truths


def _casia(root: Path) -> list[tuple[str, str, Truth]]:
    truths = casia_v2(root)
    name = "Tp_S_NRN_S_N_pla00094_pla00094_01191"
    return [(name, "Tp_D_NRN_S_N_pla00094_pla00094_01191.tif", truths[name])]


def coco(root: Path) -> Truths:
    """COCO JSON: polygons, a run length, a box alone, an image without annotations, and JSON of another kind."""
    truths: Truths = {}
    shapes = (
        ("a", [[4, 4, 20, 4, 20, 14, 4, 14]], [4, 4, 16, 10]), ("b", None, [5, 6, 7, 8]), ("c", "run", [0, 0, 24, 32]),
        ("d", None, None),
    )  # fmt: skip
    for split in ("train", "test"):
        images, annotations = [], []
        for i, (name, shape, box) in enumerate(shapes):
            name, data = f"{split}_{name}", encoded(photo(i), "PNG")
            put(root / "pictures" / split / f"{name}.png", data)
            images.append({"id": 10 + i, "file_name": f"{split}/{name}.png", "width": 48, "height": 32})
            key = f"{split}.{name}"
            if box is None:
                truths[key] = authentic(data, key, split)
                continue
            mask = np.zeros((32, 48), bool)
            mask[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = True
            run = {"size": [32, 48], "counts": [0, 32 * 24, 32 * 24]}
            segmentation = run if shape == "run" else shape
            annotation = {"id": i, "image_id": 10 + i, "category_id": 1, "bbox": box, "iscrowd": int(shape == "run")}
            annotations.append(annotation | ({"segmentation": segmentation} if shape else {}))
            given = (tuple(map(float, box)),)
            truths[key] = Truth("tampered", data, mask if shape else None, key, split=split, boxes=given)
        put(root / f"{split}.json", json.dumps({"images": images, "annotations": annotations}).encode())
    put(root / "settings.json", b'{"colour": "blue"}')
    return truths


def hub(root: Path) -> Truths:
    """Parquet files with a map of their columns: three labels, masks that are inverted, groups."""
    truths: Truths = {}
    for split, ours in (("train", "train"), ("val", "validation")):
        rows = []
        for i, meaning in enumerate(("authentic", "tampered", "full_synthetic", "tampered")):
            data, mask, name = encoded(photo(i), "PNG"), region(i), f"{split}/{i}"
            has_mask = meaning == "tampered"
            rows.append({"id": name, "picture": data, "truth": encoded(~mask, "PNG") if has_mask else None,
                         "class": 2 * i if i < 3 else 2, "photo": i // 2})  # fmt: skip
            truth = {"authentic": np.zeros_like(mask), "tampered": mask, "full_synthetic": np.ones_like(mask)}[meaning]
            label = "authentic" if meaning == "authentic" else "tampered"
            kind = "full_synthetic" if meaning == "full_synthetic" else None
            truths[name.replace("/", "_")] = Truth(label, data, truth, str(i // 2), kind, split=ours)
        write_parquet(root / f"{split}-00000-of-00001.parquet", rows, ("picture", "truth"), group=3)
    put(root / "hub.yaml", b"""
columns: {image: picture, mask: truth, label: class, sample_id: id, group: photo}
labels: {0: authentic, 2: tampered, 4: full_synthetic}
mask_rule: below_128
""")
    return truths
