"""Edits by generators: AutoSplice to MagicBrush."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lookalikes.drawing import Bits, Truth, Truths, authentic, encoded, forgery, photo, put, region


def autosplice(root: Path) -> Truths:
    """AutoSplice: one mask for all forgeries of an original at three qualities."""
    truths: Truths = {}
    for i, name in enumerate(("1001", "100201")):
        data, mask = encoded(photo(i), "JPEG"), region(i)
        put(root / "Authentic" / f"{name}.jpg", data)
        truths[name] = authentic(data, name)
        put(root / "Mask" / f"{name}_mask.png", encoded(mask * np.uint8(9), "PNG"))
        for quality in (100, 90, 75):
            for k in range(2):
                fake = encoded(photo(10 + k), "JPEG", quality=quality)
                put(root / f"Forged_JPEG{quality}" / f"{name}_{k}.jpg", fake)
                truths[f"{name}_{k}-JPEG{quality}"] = Truth("tampered", fake, mask, name, "ai_edit")
    return truths


def _rectangle(x: int, y: int, width: int, height: int) -> Bits:
    mask = np.zeros((32, 48), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def openforensics(root: Path) -> Truths:
    """OpenForensics: real and forged faces in one image, folders in file_name that the disk has or lacks."""
    truths: Truths = {}
    for split, folder, ours in (("Train", "Images/Train", "train"), ("Test-Dev", "Test-Dev", "test_dev")):
        images, annotations = [], []
        for i, faces in enumerate(([(0, 2, 2)], [(0, 2, 2), (1, 20, 10)], [(1, 4, 4), (2, 30, 18)])):
            name = f"{split.lower()}{i}"
            data = encoded(photo(i), "JPEG")
            put(root / folder / f"{name}.jpg", data)
            images.append({"id": i, "file_name": f"Images/{split}/{name}.jpg", "width": 48, "height": 32})
            for category, x, y in faces:
                polygon = [x, y, x + 10, y, x + 10, y + 8, x, y + 8]
                annotations.append({"id": len(annotations), "image_id": i, "category_id": category,
                                    "bbox": [x, y, 10, 8], "segmentation": [polygon], "iscrowd": 0})  # fmt: skip
            forged = [(x, y) for category, x, y in faces if category]
            sample_id = f"Images.{split}.{name}"
            if not forged:
                truths[sample_id] = authentic(data, sample_id, ours)
                continue
            mask = np.logical_or.reduce([_rectangle(x, y, 10, 8) for x, y in forged])
            boxes = tuple((float(x), float(y), 10.0, 8.0) for x, y in forged)
            truths[sample_id] = Truth("tampered", data, mask, sample_id, "face_swap", split=ours, boxes=boxes)
        content = {"images": images, "annotations": annotations, "categories": [{"id": 0, "name": "Real"}]}
        put(root / f"{split}_poly.json", json.dumps(content).encode())
    return truths


def write_parquet(path: Path, rows: list[dict[str, Any]], images: tuple[str, ...], group: int = 2) -> None:
    """A Parquet file as `datasets` writes it: image columns as structs of bytes and path, small row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells = [
        {name: value if name not in images or value is None else {"bytes": value, "path": None}
         for name, value in row.items()} for row in rows
    ]  # fmt: skip
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    kinds = {name: image if name in images else pa.array([row[name] for row in rows]).type for name in rows[0]}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(cells, schema=pa.schema(kinds)), path, row_group_size=group)


def sid_set(root: Path, folders: bool = False) -> Truths:
    """SID-Set, as Parquet or as folders: real, synthetic in full, tampered."""
    truths: Truths = {}
    for split in ("train", "validation"):
        rows = []
        for i in range(2):
            for label, kind in enumerate(("real", "full_synthetic", "tampered")):
                name, mask = f"{split}_{kind}_{i}", region(i)
                data = encoded(photo(10 * i + label), "PNG" if label else "JPEG")
                rows.append({"img_id": name, "image": data, "mask": encoded(mask, "PNG") if label == 2 else None,
                             "width": 48, "height": 32, "label": label})  # fmt: skip
                prefix = {"real": "authentic", "full_synthetic": "synthetic", "tampered": "tampered"}[kind]
                sample_id = f"{prefix}-{name}" if folders else name
                truths[sample_id] = _three(data, name, label, mask, split)
                if folders:
                    put(root / split / kind / f"{name}.{'png' if label else 'jpg'}", data)
                    if label == 2:
                        put(root / split / "masks" / f"{name}_mask.png", encoded(mask, "PNG"))
        if not folders:
            write_parquet(root / "data" / f"{split}-00000-of-00001.parquet", rows, ("image", "mask"))
    return truths


def _three(data: bytes, group: str, label: int, mask: Bits, split: str) -> Truth:
    if label == 0:
        return authentic(data, group, split)
    if label == 1:
        return Truth("tampered", data, np.ones_like(mask), group, "full_synthetic", split=split)
    return Truth("tampered", data, mask, group, "ai_edit", split=split)


def opensdi(root: Path) -> Truths:
    """OpenSDI: whether a fake was edited or made in full follows from its mask."""
    truths: Truths = {}
    for split in ("train", "sd15"):
        rows = []
        for i, (kind, label) in enumerate((("real", 0), ("full_fake", 1), ("partial_fake", 2))):
            key, mask, data = f"{split}/{kind}/{i}", region(i), encoded(photo(i), "JPEG")
            sealed = encoded(mask, "PNG") if label == 2 else None
            rows.append({"key": key, "image": data, "mask": sealed, "label": min(label, 1)})
            name = key.replace("/", "_")
            truths[name] = _three(data, name, label, mask, split)
        write_parquet(root / f"{split}-00000-of-00001.parquet", rows, ("image", "mask"))
    return truths


def tgif(root: Path) -> Truths:
    """TGIF: masks by kind and size, several forgeries a mask, and kinds that regenerate the whole picture."""
    truths: Truths = {}
    data = encoded(photo(0), "PNG")
    put(root / "original" / "training" / "139.png", data)
    truths["original-139"] = authentic(data, "139", "train")
    for i, kind in enumerate(("bbox", "segm")):
        stem = f"139_mask_{kind}"
        masks = {size: region(10 * i + j) for j, size in enumerate((".png_ps_mask", "_512", "_1024"))}
        for end, mask in masks.items():
            put(root / "masks" / "training" / f"{stem}{end}.png", encoded(mask, "PNG"))
        for folder, end, size in (
            ("SD2-sp", ".png_ps_mask.png_sd2_0", ".png_ps_mask"), ("SD2-sp", ".png_ps_mask.png_sd2_2", ".png_ps_mask"),
            ("PS-sp", ".png_ps_mask.png_ps_1", ".png_ps_mask"), ("SD2-fr", ".png_sd2-512_1", "_512"),
            ("SDXL-fr", ".png_sdxl-1024_0", "_1024"),
        ):  # fmt: skip
            fake = encoded(photo(len(truths)), "PNG")
            put(root / folder / "training" / f"{stem}{end}.png", fake)
            how = "inpainting_regenerated" if folder.endswith("fr") else "inpainting"
            truths[f"{folder}-139-{kind}-{end[-1]}"] = Truth("tampered", fake, masks[size], "139", how, split="train")
    return truths


def br_gen(root: Path) -> Truths:
    """BR-Gen: forgeries named after method, kind of region, source and number of the original."""
    truths: Truths = {}
    for split, ours in (("train", "train"), ("val", "validation")):
        group = f"COCO_{len(truths):012d}"
        data, mask = encoded(photo(len(truths)), "PNG"), region(len(truths))
        put(root / split / "Au" / f"{group}.png", data)
        truths[group] = authentic(data, group, ours)
        for method, kind in (("LaMa", "Stuff"), ("SDXL", "Background")):
            name, fake = f"{method}_{kind}_{group}", encoded(photo(len(truths)), "PNG")
            put(root / split / "Tp" / f"{name}.png", fake)
            put(root / split / "Gt" / f"{name}_mask.png", encoded(mask, "PNG"))
            truths[name] = Truth("tampered", fake, mask, group, "ai_edit", split=ours)
    return truths


def magicbrush(root: Path, holes: bool = True, wrong: bool = False) -> Truths:
    """MagicBrush: turns that build on each other; masks as holes in the alpha channel, or white."""
    truths: Truths = {}
    for split, ours in (("train", "train"), ("dev", "validation")):
        rows = []
        for image in range(2):
            name = f"{1000 + image}{split}"
            now, whole, boxes = forgery(image)[0], np.zeros((32, 48), bool), []
            for turn, (x, y) in enumerate([(4, 4), (28, 16)][: 1 + image], 1):
                mask = _rectangle(x, y, 12, 10)
                source, whole = now, whole | mask
                now = np.where(mask[..., None], now + np.uint8(128), now)
                boxes.insert(0, (float(x), float(y), 12.0, 10.0))
                data = encoded(now, "PNG")
                rows.append({"img_id": name, "turn_index": turn, "source_img": encoded(source, "PNG"),
                             "mask_img": _mask_image(source, mask != wrong, holes), "instruction": "make it so",
                             "target_img": data})  # fmt: skip
                # The turn's own mask comes first, then the earlier ones in their order.
                given = (boxes[0], *boxes[:0:-1]) if turn > 1 else None
                truths[f"{name}-turn{turn}"] = Truth("tampered", data, whole, name, "ai_edit", split=ours, boxes=given)
                if turn == 1:
                    truths[f"{name}-source"] = authentic(rows[-1]["source_img"], name, ours)
        write_parquet(root / "data" / f"{split}-00000-of-00001.parquet", rows, ("source_img", "mask_img", "target_img"))
    return truths


def _mask_image(source: Any, mask: Bits, holes: bool) -> bytes:
    if not holes:
        return encoded(np.where(mask[..., None], np.uint8(255), np.minimum(source, 254)), "PNG")
    image = Image.fromarray(source).convert("RGBA")
    image.putalpha(Image.fromarray(~mask * np.uint8(255)))
    return encoded(np.asarray(image), "PNG")
