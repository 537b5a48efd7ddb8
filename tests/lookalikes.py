"""Small look-alikes of public data sets: their folders, names, file kinds and oddities, with generated pixels."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Bits = NDArray[np.bool_]

JUNK = ("Thumbs.db", ".DS_Store", "desktop.ini", "._Au_ani_0001.jpg")


@dataclass(frozen=True)
class Truth:
    """What a sample of a look-alike must become."""

    label: str
    image: bytes
    mask: Bits
    """Shape (H, W) of the image as displayed."""
    group: str
    manipulation: str | None = None
    source_mask: Bits | None = None
    fix: str | None = None
    """The action recorded for a known defect."""


Truths = dict[str, Truth]
"""By sample id."""


def photo(seed: int, width: int = 48, height: int = 32) -> Pixels:
    """A picture with colour ramps and noise, shape (height, width, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    ramps = np.stack([x * 200 / width, y * 200 / height, (x + y) * 200 / (width + height)], axis=2)
    return (ramps + rng.integers(0, 56, ramps.shape)).astype(np.uint8)


def region(seed: int, width: int = 48, height: int = 32) -> Bits:
    """A filled rectangle away from the border, shape (height, width)."""
    rng = np.random.default_rng(seed)
    left, top = int(rng.integers(2, width // 2)), int(rng.integers(2, height // 2))
    mask = np.zeros((height, width), bool)
    mask[top : top + height // 3, left : left + width // 3] = True
    return mask


def encoded(pixels: Pixels | Bits, kind: str, mode: str | None = None, **options: object) -> bytes:
    """An image file's bytes; a boolean array becomes 0 and 255."""
    grey = pixels * np.uint8(255) if pixels.dtype == bool else pixels
    image = Image.fromarray(grey)
    buffer = BytesIO()
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# --- CASIA v1 ---------------------------------------------------------------------------------------------------------

_CASIA_ODD = (
    # The corrected name, and the one in the data set as its authors gave it out.
    ("Sp_D_NNN_A_ani0099_ani0100_0288", "Sp_D_NNN_A_ani0099_ani0100.0288"),
    ("Sp_D_NRN_A_ani0097_ani0082_0427", "Sp_D_NRN_A_ani0082_ani0097_0427"),
    ("Sp_S_NNN_R_arc0088_arc0088_0367", "Sp_D_NNN_R_arc0088_arc0088_0367"),
    ("Sp_D_NNN_A_arc0002_arc0026_0201", "Sp_S_NNN_A_arc0002_arc0026_0201"),
    ("Sp_D_NRN_A_nat0063_nat0065_0443", "Sp_D_NRN_A_ant0063_nat0065_0443"),
    ("Sp_D_NNN_A_sec0049_sec0050_0117", "Sp_D_NNN_A_sec0049_sec0049_0117"),
    ("Sp_S_NNN_R_arc0003_arc0003_0051", "Sp_S_NNN_R_arc0003_arc0004_0051"),
    ("Sp_D_NNN_R_cha0084_sec0061_0369", "Sp_D_NNN_R_cha0084_sec0061_0369"),
)
_CASIA_GREY = "Sp_D_NNN_R_cha0084_sec0061_0369"
_CASIA_MASKLESS = "Sp_D_NRN_A_cha0011_sec0011_0542"
_MASK_MODES = ("L", "RGB", "RGBA")


def casia_v1(root: Path, n: int = 2, layout: str = "original") -> Truths:
    """CASIA v1 with `n` ordinary samples of each of three sorts and all odd ones, the same in every layout.

    Layouts: `original` (Au, Tp/{CM,Sp}, groundtruth/{CM,Sp}; the authors' names, wrong ones too), `kaggle` (one
    folder Sp, the authors' names) and `wscl` (Au, Tp, Gt; corrected names).
    """
    truths: Truths = {}
    for i in range(1, n + 1):
        data = encoded(photo(i), "JPEG", quality=90)
        put(root / _casia_folder(layout, "Au") / f"Au_ani_{i:04d}{('.jpg', '.JPG')[i % 2]}", data)
        truths[f"Au_ani_{i:04d}"] = Truth("authentic", data, np.zeros((32, 48), bool), f"ani{i:04d}")
    plain = [f"Sp_D_NNN_A_nat{i:04d}_ani{i:04d}_{i:04d}" for i in range(1, n + 1)]
    plain += [f"Sp_S_CND_C_pla{i:04d}_pla{i:04d}_{n + i:04d}" for i in range(1, n + 1)]
    for index, (name, given) in enumerate((*((name, name) for name in plain), *_CASIA_ODD)):
        truths[name] = _casia_tampered(root, layout, index, name, given)
    maskless = _CASIA_MASKLESS.replace("cha0011_sec0011", "sce0011_cha0011") if layout == "kaggle" else _CASIA_MASKLESS
    put(root / _casia_folder(layout, "Sp") / f"{maskless}.jpg", encoded(photo(999), "JPEG"))
    for junk in (*JUNK, "CM_groundtruth_list.txt", "FileNameCorrection.xlsx"):
        put(root / _casia_folder(layout, "Au") / junk, b"not an image")
    return truths


def _casia_folder(layout: str, kind: str) -> str:
    if kind == "Au":
        return {"original": "CASIA 1.0 dataset/Au", "kaggle": "CASIA1/Au", "wscl": "Au"}[layout]
    return {"original": f"CASIA 1.0 dataset/Tp/{kind}", "kaggle": "CASIA1/Sp", "wscl": "Tp"}[layout]


def _casia_tampered(root: Path, layout: str, index: int, name: str, given: str) -> Truth:
    width, height = (48, 32) if index % 2 else (32, 48)
    data, mask = encoded(photo(100 + index, width, height), "JPEG", quality=80), region(index, width, height)
    stem = name if layout == "wscl" else given
    put(root / _casia_folder(layout, "CM" if stem[3] == "S" else "Sp") / f"{stem}.jpg", data)
    grey = np.where(mask, 255, 0).astype(np.uint8)
    if name == _CASIA_GREY:
        grey[0, :3] = 52, 64, 76
    mask_stem = given if "." in given else name
    folder = "Gt" if layout == "wscl" else f"CASIA 1.0 groundtruth/{'CM' if name[3] == 'S' else 'Sp'}"
    put(root / folder / f"{mask_stem}_gt.png", encoded(grey, "PNG", _MASK_MODES[index % 3]))
    kind = "copy_move" if name[3] == "S" else "splice"
    return Truth("tampered", data, mask, name.split("_")[4], kind)


# --- COVERAGE ---------------------------------------------------------------------------------------------------------

_COVERAGE_CROPS = {41: (0, 0), 48: (0, 150), 59: (0, 70), 61: (150, 0)}
_COVERAGE_RESIZED = (55, 95)
_COVERAGE_PLAIN = {1: "packbits", 2: None, 3: "tiff_lzw"}


def coverage(root: Path) -> Truths:
    """COVERAGE with three ordinary ids and six of the nine whose masks have another size than their image."""
    truths: Truths = {}
    for number in (*_COVERAGE_PLAIN, *_COVERAGE_CROPS, *_COVERAGE_RESIZED):
        codec = _COVERAGE_PLAIN.get(number)
        files = [encoded(photo(seed), "TIFF", compression=codec) for seed in (number, 1000 + number)]
        masks = {kind: region(number + 10 * i) for i, kind in enumerate(("forged", "copy", "paste"))}
        for mark, data in zip(("", "t"), files, strict=True):
            put(root / "image" / f"{number}{mark}.tif", data)
        for kind, mask in masks.items():
            put(root / "mask" / f"{number}{kind}.tif", encoded(_on_canvas(number, mask), "TIFF", compression=codec))
        group = str(number)
        truths[group] = Truth("authentic", files[0], np.zeros((32, 48), bool), group)
        truths[f"{group}t"] = Truth(
            "tampered", files[1], masks["forged"], group, "copy_move", masks["copy"], _coverage_fix(number)
        )
    for junk in ("label/TFlabel.mat", "readme.txt", "image/Thumbs.db"):
        put(root / junk, b"not an image")
    return truths


def _on_canvas(number: int, mask: Bits) -> Bits:
    """The mask as published: at twice the scale, or on a larger canvas that is tampered all around."""
    if number in _COVERAGE_RESIZED:
        return mask.repeat(2, axis=0).repeat(2, axis=1)
    if number not in _COVERAGE_CROPS:
        return mask
    left, top = _COVERAGE_CROPS[number]
    right = 20 if number == 41 else 2 * left // 3
    return np.pad(mask, ((top, 0), (left, right)), constant_values=True)


def _coverage_fix(number: int) -> str | None:
    if number in _COVERAGE_CROPS:
        left, top = _COVERAGE_CROPS[number]
        return f"cropped at x {left}, y {top}"
    return "resized (nearest)" if number in _COVERAGE_RESIZED else None


# --- a folder of one's own --------------------------------------------------------------------------------------------

_KINDS = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "bmp": "BMP", "webp": "WEBP"}


def folder(root: Path, n: int = 5) -> Truths:
    """Three folders: `n` authentic and `n` tampered images in turn as JPEG, PNG, TIFF, BMP and WebP."""
    truths: Truths = {}
    kinds = list(_KINDS.items())
    for i in range(n):
        suffix, kind = kinds[i % len(kinds)]
        width, height = (48, 32) if i % 2 else (40, 56)
        original, forged, mask = photo(i, width, height), photo(500 + i, width, height), region(i, width, height)
        forged = np.where(mask[..., None], forged, original)
        for name, pixels in (("authentic", original), ("tampered", forged)):
            data = encoded(pixels, kind)
            put(root / name / f"p{i}.{suffix}", data)
            truth = mask if name == "tampered" else np.zeros_like(mask)
            truths[f"{name}-p{i}"] = Truth(name, data, truth, f"p{i}")
        put(root / "masks" / f"p{i}{('', '_mask', '_gt')[i % 3]}.png", encoded(mask, "PNG", "1" if i % 2 else None))
    for junk in JUNK:
        put(root / "tampered" / junk, b"not an image")
    return truths


def turned(root: Path) -> Truths:
    """Two forgeries stored on their side (EXIF orientation 6): one mask as displayed, one as stored."""
    truths: Truths = {}
    exif = Image.Exif()
    exif[274] = 6
    for i, name in enumerate(("displayed", "stored")):
        data = encoded(photo(i, 48, 32), "JPEG", exif=exif)
        mask = region(i, 32, 48)
        put(root / "tampered" / f"{name}.jpg", data)
        # What is displayed is the stored picture turned a quarter clockwise.
        put(root / "masks" / f"{name}.png", encoded(mask if name == "displayed" else np.rot90(mask), "PNG"))
        fix = "turned with the image's EXIF orientation 6" if name == "stored" else None
        truths[f"tampered-{name}"] = Truth("tampered", data, mask, name, fix=fix)
    return truths
