"""Copy-moves: CoMoFoD, GRIP, CVIP and FAU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalikes.drawing import Bits, Truth, Truths, authentic, encoded, photo, put

BOTH = "tampered_and_source"


def _copied(seed: int) -> tuple[Bits, Bits]:
    """Where a copy lies and where it came from, apart from each other."""
    copy, source = np.zeros((32, 48), bool), np.zeros((32, 48), bool)
    copy[4:14, 2 + seed % 3 : 14 + seed % 3] = source[18:28, 30:42] = True
    return copy, source


def comofod(root: Path, three_classes: bool = True, both: bool = True) -> Truths:
    """CoMoFoD: versions that share a mask; masks of three classes under blank-padded names, one framed, or its own."""
    truths: Truths = {}
    for number in (1, 40, 200):
        copy, source = _copied(number)
        before = photo(number)
        after = np.where(copy[..., None], before + np.uint8(128), before)
        name = f"{number:03d}"
        if three_classes:
            classes = np.zeros((32, 48, 3), np.uint8)
            classes[copy, 0] = classes[source, 1] = classes[~copy & ~source, 2] = 255
            if number == 40:
                classes[0], classes[:, -1] = (0, 255, 0), (0, 255, 0)
            put(root / "GT_Mask" / f"{number:3d}_M3.png", encoded(classes, "PNG"))
        put(root / "small" / f"{name}_B.png", encoded(copy | source if both else copy, "PNG"))
        put(root / "small" / f"{name}_M.png", encoded(photo(7), "PNG"))
        truth = copy | source if both and not three_classes else copy
        for post in ("", "_JC9", "_CR1"):
            how, suffix = ("JPEG", "jpg") if "JC" in post else ("PNG", "png")
            files = {letter: encoded(pixels, how) for letter, pixels in (("O", before), ("F", after))}
            for letter, data in files.items():
                put(root / "small" / f"{name}_{letter}{post}.{suffix}", data)
            truths[f"{name}_O{post}"] = authentic(files["O"], name)
            truths[f"{name}_F{post}"] = Truth(
                "tampered", files["F"], truth, name, "copy_move", source if three_classes else None,
                scope=BOTH if both and not three_classes else "tampered",
            )  # fmt: skip
    return truths


def grip_cmfd(root: Path) -> Truths:
    """GRIP: anti-aliased masks of source and copy, and endings that follow _copy and _gt alike."""
    truths: Truths = {}
    data = encoded(photo(1), "PNG")
    put(root / "images" / "IMG_C01_001.png", data)
    truths["IMG_C01_001"] = authentic(data, "C01_001")
    for number in ("C01_003", "C01_004"):
        # Compressed as a whole, with the mask of the plain copy.
        copy, source = _copied(3)
        put(root / "forged_images" / f"TP_{number}_gt.png", encoded(copy | source, "PNG"))
        for post in ("", "_gj90"):
            fake = encoded(photo(30 + len(post)), "PNG")
            put(root / "forged_images" / f"TP_{number}_copy{post}.png", fake)
            truths[f"TP_{number}_copy{post}"] = Truth("tampered", fake, copy | source, number, "copy_move", scope=BOTH)
    names = (("C01_001", ""), ("C01_001", "_gj90"), ("C02_019", "_s1145"), ("C01_039", "_r45"))
    for i, (number, post) in enumerate(names):
        copy, source = _copied(i)
        fake, both = encoded(photo(10 + i), "PNG"), copy | source
        levels = both * np.uint8(255)
        levels[0, :3] = 1, 64, 127
        put(root / "forged_images" / f"TP_{number}_copy{post}.png", fake)
        put(root / "forged_images" / f"TP_{number}_gt{post}.png", encoded(levels, "PNG"))
        truths[f"TP_{number}_copy{post}"] = Truth("tampered", fake, both, number, "copy_move", scope=BOTH)
    return truths


def cvip(root: Path) -> Truths:
    """CVIP: 1-bit masks of source and copy, and originals that lie beside forgeries too."""
    truths: Truths = {}
    for number in (1, 10):
        data = encoded(photo(number), "BMP")
        put(root / "D3" / f"im{number}.bmp", data)
        put(root / "D1-2" / f"im{number}" / f"im{number}.bmp", data)
        truths[f"im{number}"] = authentic(data, f"im{number}")
        for i, (folder, name) in enumerate((
            ("Dataset 0", f"im{number}_t"), (f"D1-2/im{number}", f"out_r10_im{number}"),
            (f"D1-2/im{number}", f"out_s0.5_im{number}"),
        )):  # fmt: skip
            copy, source = _copied(i)
            fake, both = encoded(photo(20 + i + number), "BMP"), copy | source
            put(root / folder / f"{name}.bmp", fake)
            put(root / folder / f"{name}_mask.bmp", encoded(both, "BMP", "1"))
            truths[name] = Truth("tampered", fake, both, f"im{number}", "copy_move", scope=BOTH)
    return truths


def fau(root: Path) -> Truths:
    """FAU: rendered variants, whose endings follow _copy and _gt alike."""
    truths: Truths = {}
    names = (("cattle", ""), ("clean_walls_gcs500", "_rb5"), ("cattle_gcs500", "_rb5"))
    for i, (base, post) in enumerate(names):
        copy, source = _copied(i)
        fake, both = encoded(photo(i), "PNG"), copy | source
        put(root / "multi_paste" / f"{base}_copy{post}.png", fake)
        put(root / "multi_paste" / f"{base}_gt{post}.png", encoded(both, "PNG", "L"))
        truths[f"{base}_copy{post}"] = Truth("tampered", fake, both, base.split("_gcs")[0], "copy_move", scope=BOTH)
    return truths
