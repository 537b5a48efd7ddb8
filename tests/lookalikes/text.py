"""Text: DocTamper, RTM and Tampered-IC13."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lookalikes.drawing import Truth, Truths, authentic, encoded, photo, put, region


def doctamper(root: Path, first: int = 0) -> Truths:
    """DocTamper: LMDB environments, masks of 0 and 1 in one and of 0 and 255 in another."""
    import lmdb

    truths: Truths = {}
    for name, split in (("DocTamperV1-TrainingSet", "train"), ("DocTamperV1-FCD", "fcd")):
        folder = root / name
        folder.mkdir(parents=True)
        with lmdb.open(str(folder), map_size=2**24) as environment, environment.begin(write=True) as transaction:
            for i in range(first, first + 3):
                data, mask = encoded(photo(i), "JPEG"), region(i)
                transaction.put(f"image-{i:09d}".encode(), data)
                label = mask * np.uint8(1 if split == "train" else 255)
                transaction.put(f"label-{i:09d}".encode(), encoded(label, "PNG"))
                key = f"{split}-{i:09d}"
                truths[key] = Truth("tampered", data, mask, key, split=split)
            transaction.put(b"num-samples", b"3")
    return truths


def rtm(root: Path) -> Truths:
    """RTM: masks as palette indices whose colours mislead, splits from lists, prefixes that tell the kind."""
    truths: Truths = {}
    kinds = {"cpmv": "copy_move", "splice": "splice", "inpaint": "inpainting", "good": None, "edit": "ai_edit"}
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for i, (prefix, kind) in enumerate(kinds.items()):
        name, data, mask = f"{prefix}_{i:04d}", encoded(photo(i), "JPEG"), region(i)
        put(root / "JPEGImages" / f"{name}.jpg", data)
        labels = Image.fromarray((mask if kind else np.zeros_like(mask)).astype(np.uint8), "L").convert("P")
        labels.putpalette([0, 0, 0, 0, 0, 1] + [0] * 762)
        put(root / "SegmentationClass" / f"{name}.png", _saved(labels))
        listed = ("train", "val", "test")[i % 3]
        lists[listed].append(name)
        split = "validation" if listed == "val" else listed
        truths[name] = Truth("tampered", data, mask, name, kind, split=split) if kind else authentic(data, name, split)
    for listed, names in lists.items():
        put(root / f"{listed}.txt", "\n".join(names).encode())
    return truths


def _saved(image: Image.Image) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def tampered_ic13(root: Path) -> Truths:
    """Tampered-IC13: boxes alone, empty files, and the same numbers in training and test."""
    truths: Truths = {}
    boxes = {"img_1": "38,3,46,21,\"Tired, ness\"\n", "img_2": "", "img_10": "1,2,11,12,\"a\"\n20,5,30,25,\"b\"\n"}
    given = {"img_1": ((38.0, 3.0, 8.0, 18.0),), "img_10": ((1.0, 2.0, 10.0, 10.0), (20.0, 5.0, 10.0, 20.0))}
    for split in ("train", "test"):
        for i, (name, text) in enumerate(boxes.items()):
            data = encoded(photo(i), "JPEG")
            put(root / split / "images" / f"{name}.jpg", data)
            put(root / split / "ic13_fake_gt" / f"{name}.txt", text.encode())
            put(root / split / "ic13_true_gt" / f"{name}.txt", b'0,0,5,5,"true"\n' if i else b"")
            key = f"{split}-{name}"
            if text:
                truths[key] = Truth("tampered", data, None, key, "text_edit", split=split, boxes=given[name])
            else:
                truths[key] = authentic(data, key, split)
    return truths
