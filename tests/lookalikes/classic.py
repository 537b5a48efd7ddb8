"""Splices, removals and mixed forgeries: Columbia to MISD."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from lookalikes.drawing import Bits, Pixels, Truth, Truths, authentic, encoded, forgery, photo, put, region


def columbia(root: Path) -> Truths:
    """Columbia: masks in colour as JPEG, with specks, and a second drawing that is not to be read."""
    truths: Truths = {}
    for i, name in enumerate(("canong3_02_sub_01", "kodakdcs330_03_sub_01")):
        data = encoded(photo(i), "TIFF")
        put(root / "4cam_auth" / f"{name}.tif", data)
        truths[name] = authentic(data, name)
    for i, name in enumerate(("canong3_canonxt_sub_01", "nikond70_kodakdcs330_sub_30")):
        data, mask = encoded(photo(10 + i, 96, 64), "TIFF"), _block(i)
        put(root / "4cam_splc" / f"{name}.tif", data)
        folder = root / "4cam_splc" / "edgemask"
        put(folder / f"{name}_edgemask.jpg", encoded(_in_colours(mask), "JPEG", quality=95, subsampling=0))
        put(folder / f"{name}_edgemask_3.jpg", encoded(photo(5, 96, 64), "JPEG"))
        truths[name] = Truth("tampered", data, mask, name, "splice")
    put(root / "4cam_auth" / "edgemask" / "canong3_02_sub_01_edgemask.txt", b"not a mask")
    return truths


def _block(seed: int) -> Bits:
    """A region on the grid of JPEG's blocks, so that its border stays sharp."""
    mask = np.zeros((64, 96), bool)
    mask[16:48, 16 + 8 * seed : 56] = True
    return mask


def _in_colours(mask: Bits) -> Pixels:
    """Green in the splice and red on the host, brighter on the border, a dark speck inside the green."""
    pixels = np.where(mask[..., None], (0, 200, 0), (200, 0, 0)).astype(np.uint8)
    ys, xs = np.nonzero(mask)
    pixels[ys.min(), xs.min() : xs.max()] = 0, 255, 0
    pixels[24:32, 32:40] = 20, 30, 20
    pixels[56:64, 80:88] = 90, 90, 90
    return pixels


_NIST = (
    # Probe, mask, base, kind, post-processed.
    ("NC2016_0001", "NC2016_9001", "NC2016_5001", "Splice", "none"),
    ("NC2016_0002", "NC2016_9001", "NC2016_5001", "Splice", "rescale"),
    ("NC2016_0003", "NC2016_9003", "NC2016_5003", "Removal", "none"),
    ("NC2016_0004", "NC2016_9004", "NC2016_5004", "CopyClone", "none"),
    ("NC2016_0006", "", "NC2016_5003", "", "none"),
    ("NC2016_0007", "", "NC2016_5007", "", "none"),
)


def nist16(root: Path, variant: str = "pipes") -> Truths:
    """NC2016: inverted masks, one for two probes, paired by a reference table in one of its published variants."""
    truths: Truths = {}
    groups = {"0001": "0001", "0002": "0001", "0003": "0003", "0004": "0004", "0006": "0003", "0007": "0007"}
    for i, (probe, mask_name, _, kind, _) in enumerate(_NIST):
        data, group = encoded(photo(i), "JPEG"), f"NC2016_{groups[probe[-4:]]}"
        put(root / "probe" / f"{probe}.jpg", data)
        if not mask_name:
            truths[probe] = authentic(data, group)
            continue
        mask = region(int(mask_name[-4:]))
        put(root / "reference" / "manipulation" / "mask" / f"{mask_name}.png", encoded(~mask, "PNG", "L"))
        manipulation = {"Splice": "splice", "Removal": "removal", "CopyClone": "copy_move"}[kind]
        truths[probe] = Truth("tampered", data, mask, group, manipulation)
    table = root / "reference" / "manipulation" / "NC2016-manipulation-ref.csv"
    put(table, _nist_table(variant).encode())
    if variant == "quoted":
        _nist_splices(root)
    put(root / "world" / "NC2016_5001.jpg", encoded(photo(50), "JPEG"))
    return truths


def _nist_table(variant: str) -> str:
    names = ["TaskID", "ProbeFileID", "ProbeFileName", "ProbeMaskFileName", "IsTarget", "ProbePostProcessed",
             "IsManipulationTypeRemoval", "IsManipulationTypeSplice", "IsManipulationTypeCopyClone",
             "BaseFileName"]  # fmt: skip
    yes, no = ("TRUE", "FALSE") if variant == "commas" else ("Y", "N")
    lines = [names]
    for probe, mask, base, kind, post in _NIST:
        flags = [yes if kind == one else no for one in ("Removal", "Splice", "CopyClone")]
        file = f"reference/manipulation/mask/{mask}.png" if mask else ""
        target = yes if mask else no
        lines.append(["manipulation", probe, f"probe/{probe}.jpg", file, target, post, *flags, f"world/{base}.jpg"])
    separator = "," if variant == "commas" else "|"
    quote = '"' if variant == "quoted" else ""
    return "\r\n".join(separator.join(f"{quote}{cell}{quote}" for cell in line) for line in lines) + "\r\n"


def _nist_splices(root: Path) -> None:
    """The table of splices: one row a donor, so several a probe, and masks of its own folder."""
    rows = ['"TaskID"|"ProbeFileName"|"ProbeMaskFileName"|"IsTarget"|"DonorFileName"']
    for donor in ("a", "b"):
        file = "reference/splice/mask/NC2016_9001.png"
        rows.append(f'"splice"|"probe/NC2016_0001.jpg"|"{file}"|"Y"|"world/{donor}.jpg"')
    put(root / "reference" / "splice" / "NC2016-splice-ref.csv", "\n".join(rows).encode())
    put(root / "reference" / "splice" / "mask" / "NC2016_9001.png", encoded(~region(9001), "PNG", "L"))


def imd2020(root: Path) -> Truths:
    """IMD2020: folders by original, the folders z1 … with many, masks as RGB and one of another size."""
    truths: Truths = {}
    for folder, original, forged, group in (
        ("1a1ogs", "1a1ogs_orig", ("c8tf5mq_0", "c8tf5mr_0"), "1a1ogs"),
        ("z14", "00030_orig", ("00030_fake",), "z14-00030"),
        ("z14", "00031_orig", ("00031_fake", "00031_fake_01"), "z14-00031"),
    ):  # fmt: skip
        before, _, _ = forgery(len(truths))
        data = encoded(before, "JPEG", quality=95)
        put(root / folder / f"{original}.jpg", data)
        truths[f"{folder}-{original}"] = authentic(data, group)
        for i, name in enumerate(forged):
            mask = region(len(truths))
            after = np.where(mask[..., None], before + np.uint8(128), before)
            data = encoded(after, "PNG" if i else "JPEG", **({} if i else {"quality": 95}))
            put(root / folder / f"{name}.{'png' if i else 'jpg'}", data)
            odd = name == "00030_fake"
            published = mask.repeat(2, axis=0).repeat(2, axis=1) if odd else mask
            put(root / folder / f"{name}_mask.png", encoded(published, "PNG", "RGB"))
            truths[f"{folder}-{name}"] = Truth("tampered", data, mask, group, fix="resized" if odd else None)
    return truths


def defacto(root: Path) -> Truths:
    """DEFACTO: three kinds, masks as JPEG and TIFF, one of another size, donor masks, and COCO beside."""
    truths: Truths = {}
    kinds = {
        "splicing_1": ("splicing1", "splice", "splicing_1_img", "splicing_1_annotations"),
        "copymove": ("copymove", "copy_move", "copymove_img", "copymove_annotations"),
        "inpainting": ("inpainting", "inpainting", "inpainting_img", "inpainting_annotations"),
    }
    for i, (name, (prefix, kind, images, truth)) in enumerate(kinds.items()):
        coco = f"00000000{i:04d}"
        data, mask, source = encoded(photo(i), "TIFF"), _eights(i), None
        put(root / images / "img" / f"7_{coco}.tif", data)
        published = mask.repeat(2, axis=0).repeat(2, axis=1) if name == "splicing_1" else mask
        suffix, how = ("tif", "TIFF") if name == "copymove" else ("jpg", "JPEG")
        put(root / truth / "probe_mask" / f"7_{coco}.{suffix}", encoded(published, how))
        if name != "inpainting":
            donor = np.roll(mask, 8, axis=1)
            put(root / truth / "donor_mask" / f"7_{coco}.tif", encoded(donor, "TIFF"))
            source = donor if name == "copymove" else None
        fix = "resized (nearest)" if name == "splicing_1" else None
        truths[f"{prefix}-7_{coco}"] = Truth("tampered", data, mask, coco, kind, source, fix)
        put(root / truth / "graph" / f"7_{coco}.json", b"{}")
    data = encoded(photo(9), "JPEG")
    put(root / "authentic" / "000000000001.jpg", data)
    truths["coco-000000000001"] = authentic(data, "000000000001")
    return truths


def _eights(seed: int) -> Bits:
    mask = np.zeros((32, 48), bool)
    mask[8:24, 8 + 8 * (seed % 2) : 32] = True
    return mask


def realistic_tampering(root: Path, meaningful: bool = False) -> Truths:
    """The set of Korus: one name for three files, upper-case suffixes, masks of three levels."""
    truths: Truths = {}
    for i, (camera, name) in enumerate((("Canon_60D", "DPP0011"), ("Sony_A57", "DSC 0022"), ("Nikon_D90", "DPP0011"))):
        before, after, mask = forgery(i)
        files = {"pristine": encoded(before, "TIFF"), "tampered-realistic": encoded(after, "TIFF")}
        for folder, data in files.items():
            put(root / camera / folder / f"{name}.TIF", data)
        damage = np.roll(mask, 2, axis=0) & ~mask
        levels = mask * np.uint8(255) + damage * np.uint8(128)
        put(root / camera / "ground-truth" / f"{name}.PNG", encoded(levels, "PNG"))
        group = f"{camera}-{name.replace(' ', '_')}"
        truths[f"{group}-authentic"] = authentic(files["pristine"], group)
        truth = mask if meaningful else mask | damage
        truths[f"{group}-tampered"] = Truth("tampered", files["tampered-realistic"], truth, group)
    return truths


def dso_1(root: Path) -> Truths:
    """DSO-1: inverted masks under the names of the images."""
    truths: Truths = {}
    for i, number in enumerate(("01", "100")):
        data, fake, mask = encoded(photo(i), "PNG"), encoded(photo(10 + i), "PNG"), region(i)
        put(root / "DSO-1" / f"normal-{number}.png", data)
        put(root / "DSO-1" / f"splicing-{number}.png", fake)
        put(root / "DSO-1-Fake-Images-Masks" / f"splicing-{number}.png", encoded(~mask, "PNG", "RGB" if i else "L"))
        truths[f"normal-{number}"] = authentic(data, f"normal-{number}")
        truths[f"splicing-{number}"] = Truth("tampered", fake, mask, f"splicing-{number}", "splice")
    return truths


def cocoglide(root: Path) -> Truths:
    """CocoGlide: categories with blanks in the masks' names, none in the forgeries'."""
    truths: Truths = {}
    for i, (category, number) in enumerate((("person", "1000"), ("dining table", "114871"))):
        data, fake, mask = encoded(photo(i), "PNG"), encoded(photo(10 + i), "PNG"), region(i)
        put(root / "real" / f"{category}_{number}.png", data)
        put(root / "fake" / f"glide_inpainting_val2017_{number}_up.png", fake)
        put(root / "mask" / f"{category}_{number}_mask.png", encoded(mask, "PNG"))
        truths[f"real-{number}"] = authentic(data, number)
        truths[f"fake-{number}"] = Truth("tampered", fake, mask, number, "inpainting")
    return truths


_TAMPCOCO = (
    ("sp", "12_000000000001.jpg_000000000002.jpg", "sp", "12_000000000001.png_000000000002.png"),
    ("cm", "7_000000000003.jpg_000000000003.jpg_RT12.5_RS0.90", "cm",
     "7_000000000003.png_000000000003.png_RT12.5_RS0.90"),
    ("bcm", "98_000000418435.jpg_000000418435.jpg", "bcm", "98_000000418435.png_000000418435.png"),
    ("bcmc", "98_000000418435_aligned_Q76.jpg_000000418435_aligned_Q76.jpg_aligned_Q76", "bcm",
     "98_000000418435.png_000000418435.png"),
)  # fmt: skip


def tampcoco(root: Path) -> Truths:
    """tampCOCO: names with suffixes inside, bcmc with the masks of bcm, and masks whose 1 is authentic."""
    truths: Truths = {}
    kinds = {"sp": "splice", "cm": "copy_move", "bcm": "copy_move", "bcmc": "copy_move"}
    for i, (part, name, mask_part, mask_name) in enumerate(_TAMPCOCO):
        data, mask = encoded(photo(i), "JPEG"), region(int(name.split("_")[1][:12]))
        put(root / f"{part}_images" / f"{name}.jpg", data)
        values = np.where(mask, 255, 1).astype(np.uint8)
        put(root / f"{mask_part}_masks" / f"{mask_name}.png", encoded(values, "PNG"))
        group = {"sp": "000000000002", "cm": "000000000003"}.get(part, "000000418435")
        truths[f"{part}-{name}"] = Truth("tampered", data, mask, group, kinds[part], split="train")
    return truths


def compraise(root: Path) -> Truths:
    """CompRAISE: authentic images alone."""
    truths: Truths = {}
    for i, name in enumerate(("r000da54ft_Q67", "r000da54ft_Q67_aligned_Q87", "r1a2b3c4dt_Q80_resize_1.15_Q90")):
        data = encoded(photo(i), "JPEG")
        put(root / f"{name}.jpg", data)
        truths[name] = authentic(data, name.split("_")[0], "train")
    return truths


def fantastic_reality(root: Path) -> Truths:
    """FantasticReality: masks as NumPy archives, with an axis of length one."""
    truths: Truths = {}
    for i in range(2):
        data, fake, mask = encoded(photo(i), "JPEG"), encoded(photo(10 + i), "JPEG"), region(i)
        put(root / "dataset" / "ColorRealImages" / f"IMG_{i}.jpg", data)
        put(root / "dataset" / "ColorFakeImages" / f"IMG_{i}_IMG_9.jpg", fake)
        buffer = BytesIO()
        np.savez_compressed(buffer, mask[None].astype(np.uint8) * (1 if i else 7))
        put(root / "dataset" / "SegmentationFake" / f"IMG_{i}_IMG_9.npz", buffer.getvalue())
        truths[f"real-IMG_{i}"] = authentic(data, f"real-IMG_{i}", "train")
        name = f"fake-IMG_{i}_IMG_9"
        truths[name] = Truth("tampered", fake, mask, name, "splice", split="train")
    return truths


def in_the_wild(root: Path) -> Truths:
    """In-the-Wild: faint masks, no authentic image."""
    truths: Truths = {}
    for i, name in enumerate(("a-b (2)", "4af7hd")):
        data, mask = encoded(photo(i), "JPEG"), region(i)
        put(root / "label_in_wild" / "images" / f"{name}.jpg", data)
        put(root / "label_in_wild" / "masks" / f"{name}.png", encoded(mask * np.uint8(1 + 20 * i), "PNG"))
        sample_id = name.replace(" ", "_").replace("(", "_").replace(")", "_")
        truths[sample_id] = Truth("tampered", data, mask, sample_id, "splice")
    return truths


def misd(root: Path) -> Truths:
    """MISD: one mask a pasted object, two of which touch, and copies of the images beside the masks."""
    truths: Truths = {}
    data = encoded(photo(1), "JPEG")
    put(root / "Au" / "Au_ani_001.jpg", data)
    truths["Au_ani_001"] = authentic(data, "Au_ani_001")
    for i, name in enumerate(("Sp_D_ani_01_art_02_cha_03_0001", "Sp_D_nat_01_0002")):
        fake = encoded(photo(10 + i), "PNG")
        put(root / "Sp" / f"{name}.png", fake)
        put(root / "Ground Truth Masks" / name / "images" / f"{name}.png", fake)
        whole, boxes = np.zeros((32, 48), bool), []
        for part, (x, y) in enumerate([(4, 4), (12, 4), (30, 20)][: 3 - 2 * i]):
            mask = np.zeros((32, 48), bool)
            mask[y : y + 8, x : x + 8] = True
            whole |= mask
            boxes.append((float(x), float(y), 8.0, 8.0))
            put(root / "Ground Truth Masks" / name / "masks" / f"{part}.png", encoded(mask, "PNG", "RGB"))
        given = tuple(boxes) if len(boxes) > 1 else None
        truths[name] = Truth("tampered", fake, whole, name, "splice", boxes=given)
    return truths
