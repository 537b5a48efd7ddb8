"""CASIA v1, v1+ and v2."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalikes.drawing import JUNK, Bits, Truth, Truths, encoded, forgery, photo, put, region

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


def casia_v1_plus(root: Path) -> Truths:
    """CASIA v1's forgeries with Corel photographs in TruFor's folder, and authentic images that do not belong."""
    truths = {name: truth for name, truth in casia_v1(root).items() if truth.label == "tampered"}
    for i, (name, sample_id, group) in enumerate((
        ("Au_corel/650.jpg", "corel_650", "corel650"), ("Au_corel/7.jpg", "corel_007", "corel007"),
        ("Au_corel/Au_sec_0063.jpg", "Au_sec_0063", "sec0063"), ("Au_corel/Au_cha_0047.JPG", "Au_cha_0047", "cha0047"),
    )):  # fmt: skip
        data = encoded(photo(300 + i), "JPEG")
        put(root / name, data)
        truths[sample_id] = Truth("authentic", data, np.zeros((32, 48), bool), group)
    return truths


_V2 = (
    # The corrected name, and the one in the data set as its authors gave it out.
    ("Tp_D_CND_M_N_ani00018_sec00096_00138.tif", "Tp_D_CND_M_N_ani00018_sec00096_00138.tif"),
    ("Tp_S_NRN_S_N_pla00094_pla00094_01191.tif", "Tp_D_NRN_S_N_pla00094_pla00094_01191.tif"),
    ("Tp_D_NRN_M_N_cha00085_ani10104_10029.tif", "Tp_S_NRN_M_N_cha00085_ani10104_10029.tif"),
    ("Tp_S_CNN_S_N_cha00003_cha00003_00323.tif", "Tp_S_CNN_S_N_cha0003_cha00003_00323.tif"),
    ("Tp_D_NRD_M_B_arc20062_xxx00005_02482.tif", "Tp_D_NRD_M_B_arc20062_arc20062_02482.tif"),
    ("Tp_D_CNN_M_N_nat00020_nat00020_01297.jpg", "Tp_D_CnN_M_N_nat00020_nat00020_01297.jpg"),
    ("Tp_S_NNN_N_M_ani20017_ani20017_20099.jpg", "Tp_S_NNN_N_M_ani20017_ani20017_20099.jpg"),
    ("Tp_S_NNN_S_N_ani00012_ani00012_20094.jpg", "Tp_S_NNN_S_N_ani00012_ani00012_20094.jpg"),
)
_V2_GROUPS = {"ani20017": "ani10141", "nat30295": "nat00020"}
"""Photographs that are there under two names, which are one group."""
_V2_ODD = {
    "Tp_D_CNN_M_N_sec00011_cha00085_11227": "turned left",
    "Tp_D_NRN_S_N_sec00012_nat20073_11912": "laid on the canvas bottom, left",
    "Tp_D_NND_M_B_nat20098_nat20073_01602": "resized (nearest)",
    "Tp_D_NND_M_B_sec00013_nat20073_20010": "resized (nearest): overlaps",
}
"""The second of the four odd sizes lacks the upper edge; the third has no original at hand."""


def casia_v2(root: Path, renamed: bool = False) -> Truths:
    """CASIA v2 under the authors' names or the corrected ones: names, masks of three classes, masks of odd sizes."""
    truths: Truths = {}
    for i, code in enumerate(("ani_00018", "ani_20017", "nat_30295")):
        data = encoded(photo(i), "BMP" if i == 1 else "JPEG")
        put(root / "Au" / f"Au_{code}.{'bmp' if i == 1 else 'jpg'}", data)
        group = _V2_GROUPS.get(code.replace("_", ""), code.replace("_", ""))
        truths[f"Au_{code}"] = Truth("authentic", data, np.zeros((32, 48), bool), group, split="train")
    for i, (corrected, given) in enumerate(_V2):
        truths[corrected[:-4]] = _v2_tampered(root, i, corrected, corrected if renamed else given)
    for i, (name, how) in enumerate(_V2_ODD.items()):
        truths |= _v2_odd(root, i, name, how)
    put(root / "Au" / "Thumbs.db", b"not an image")
    return truths


def _v2_tampered(root: Path, i: int, name: str, given: str) -> Truth:
    data = encoded(photo(100 + i), "TIFF" if given.endswith("tif") else "JPEG")
    mask, source = region(100 + i), None
    put(root / "Tp" / given, data)
    end = "_gt3" if name.endswith("20094.jpg") else "_gt"
    put(root / "CASIA 2 Groundtruth" / f"{name[:-4]}{end}.png", encoded(mask, "PNG", _MASK_MODES[i % 3]))
    copy_move = name[3] == "S"
    if copy_move:
        source = np.roll(mask, 3, axis=1) & ~mask
        classes = np.zeros((*mask.shape, 3), np.uint8)
        classes[mask, 0] = classes[source, 1] = classes[~mask & ~source, 2] = 255
        put(root / "CASIA-CMFD" / "GT_Mask" / f"{given[:-4]}.png", encoded(classes, "PNG"))
    group = _V2_GROUPS.get(name.split("_")[5], name.split("_")[5])
    kind = "copy_move" if copy_move else "splice"
    return Truth("tampered", data, mask, group, kind, source, split="train")


def _v2_odd(root: Path, i: int, name: str, how: str) -> Truths:
    """A forgery whose mask has another size than it, and the original that says how it lies."""
    original, pixels, mask = forgery(40 + i)
    code = name.split("_")[5]
    data = encoded(pixels, "TIFF")
    put(root / "Tp" / f"{name}.tif", data)
    published = {"turned left": np.rot90(mask, -1), "laid on the canvas bottom, left": mask[2:]}.get(how)
    truths: Truths = {}
    if published is None:
        wide = name.endswith("20010")
        published = mask.repeat(2, axis=0).repeat(2, axis=1) if wide else mask[:, np.r_[0, 0, 0:48]]
        mask = _nearest(published, 32, 48)
    if not name.endswith("01602"):
        data_au = encoded(original, "BMP")
        put(root / "Au" / f"Au_{code[:3]}_{code[3:]}.bmp", data_au)
        truths[f"Au_{code[:3]}_{code[3:]}"] = Truth("authentic", data_au, np.zeros((32, 48), bool), code, split="train")
    put(root / "CASIA 2 Groundtruth" / f"{name}_gt.png", encoded(published, "PNG"))
    truths[name] = Truth("tampered", data, mask, code, "splice", fix=how, split="train")
    return truths


def _nearest(mask: Bits, height: int, width: int) -> Bits:
    """Every pixel from the one its centre falls on."""
    ys = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(int)
    xs = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(int)
    return mask[np.ix_(ys, xs)]
