"""The real files of the public data sets, where they are at hand."""

from __future__ import annotations

import csv
from io import BytesIO

import numpy as np
import pytest
from lookalikes import encoded, photo, put
from PIL import Image

import forgebench
from forgebench.benchmark import verify_benchmark
from forgebench.sources import Entry, source, sources
from forgebench.sources.files import sha256

ODD_SIZES = {"41", "48", "55", "56", "57", "58", "59", "61", "95"}


@pytest.fixture(scope="module")
def casia(shared_data, tmp_path_factory):
    return forgebench.build("casia-v1", shared_data / "CASIA1", tmp_path_factory.mktemp("casia") / "out", workers=1)


@pytest.fixture(scope="module")
def coverage(shared_data, tmp_path_factory):
    return forgebench.build("coverage", shared_data / "COVERAGE", tmp_path_factory.mktemp("cover") / "out", workers=1)


def mask_of(row):
    with Image.open(BytesIO(row["mask"]["bytes"])) as mask:
        assert mask.mode == "L"
        pixels = np.asarray(mask)
    assert set(np.unique(pixels)) <= {0, 255}
    return pixels > 0


def test_casia_counts(casia):
    assert casia.manifest.total.model_dump() == {"samples": 41, "authentic": 16, "tampered": 25}
    assert len(casia.manifest.missing) == 895
    assert casia.manifest.skipped == []
    assert verify_benchmark(casia, workers=1) == []


def test_casia_pairs_are_those_of_the_list(casia, shared_data):
    root = shared_data / "CASIA1"
    with (root / "pairs.csv").open(encoding="utf-8") as file:
        pairs = [line[:3] for line in csv.reader(file)][1:]
    assert len(pairs) == 41
    rows = {row["sha256"]: row for row in casia.rows("test")}
    renamed = {}
    for image, mask, how in pairs:
        data = (root / "CASIA 1.0 dataset" / image).read_bytes()
        row = rows.pop(sha256(data))
        assert row["image"]["bytes"] == data
        if not mask:
            assert row["label"] == 0
            assert row["sample_id"] == image.split("/")[-1].removesuffix(".jpg")
            assert not mask_of(row).any()
            continue
        assert row["sample_id"] == mask.split("/")[-1].removesuffix("_gt.png").replace(".", "_")
        assert row["manipulation"] == ("copy_move" if "/CM/" in mask else "splice")
        np.testing.assert_array_equal(mask_of(row), np.asarray(Image.open(root / mask).convert("L")) > 127)
        if how == "renamed":
            renamed[image.split("/")[-1].removesuffix(".jpg")] = row["sample_id"]
    assert rows == {}
    assert renamed == {
        "Sp_D_NNN_R_arc0088_arc0088_0367": "Sp_S_NNN_R_arc0088_arc0088_0367",
        "Sp_D_NRN_A_ani0082_ani0097_0427": "Sp_D_NRN_A_ani0097_ani0082_0427",
    }


def test_coverage_counts_and_fixes(coverage):
    assert coverage.manifest.total.model_dump() == {"samples": 30, "authentic": 15, "tampered": 15}
    assert coverage.manifest.skipped == []
    assert {fix.sample_id.removesuffix("t") for fix in coverage.manifest.known_issues} == ODD_SIZES
    assert len(coverage.manifest.known_issues) == 2 * len(ODD_SIZES)
    resized = {fix.sample_id for fix in coverage.manifest.known_issues if fix.action == "resized (nearest)"}
    assert resized == {"55t", "56t", "95t"}
    assert verify_benchmark(coverage, workers=1) == []


def test_coverage_bytes_are_those_of_the_files(coverage, shared_data):
    for row in coverage.rows("test", ["sample_id", "image", "sha256"]):
        data = (shared_data / "COVERAGE" / "image" / f"{row['sample_id']}.tif").read_bytes()
        assert sha256(row["image"]["bytes"]) == row["sha256"] == sha256(data)


def test_coverage_masks_lie_on_the_forged_pixels(coverage):
    """The mended masks cover what forgery and original differ in; a plain resize of a cropped one does not."""
    rows = {row["sample_id"]: row for row in coverage.rows("test")}
    for number in (name for name in rows if not name.endswith("t")):
        forged = rows[f"{number}t"]
        pictures = [np.asarray(Image.open(BytesIO(r["image"]["bytes"])).convert("RGB")) for r in (rows[number], forged)]
        difference = np.abs(np.subtract(*pictures, dtype=np.int16)).max(axis=2) > 30
        covered = mask_of(forged)[difference].mean()
        assert covered >= 0.9, number


def built(name, root, tmp_path, **how):
    made = forgebench.build(name, root, tmp_path / name, workers=1, **how)
    assert verify_benchmark(made, workers=1) == []
    return made, {row["sample_id"]: row for split in made.splits for row in made.rows(split)}


def pixels(data):
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"), np.int16)


def changed(one, other):
    """Where two images of one size differ by more than compression makes them."""
    return np.abs(one - other).max(axis=2) > 30


def test_casia_v1_masks_lie_on_what_differs_from_the_first_code(casia, shared_data):
    """CASIA v2 has the photographs of v1 under five digits: the host is that of the first code, never the second."""
    hosts = {path.stem: path for path in (shared_data / "CASIA2" / "Au").iterdir()}
    looked_at = {"first": 0, "second": 0}
    for row in casia.rows("test"):
        if row["label"] == 0:
            continue
        codes = row["sample_id"].split("_")[4:6]
        assert row["group"] == codes[0]
        for which, code in zip(("first", "second"), codes, strict=True):
            host = hosts.get(f"Au_{code[:3]}_0{code[3:]}")
            if host is None or (which == "second" and codes[0] == codes[1]):
                continue
            difference = changed(pixels(row["image"]["bytes"]), pixels(host.read_bytes()))
            looked_at[which] += 1
            outside = difference[~mask_of(row)].mean()
            assert outside < 0.02 if which == "first" else outside > 0.5, row["sample_id"]
    assert looked_at == {"first": 1, "second": 2}


@pytest.fixture(scope="module")
def casia_2(shared_data, tmp_path_factory):
    return built("casia-v2", shared_data / "CASIA2", tmp_path_factory.mktemp("casia2"), allow_issues=["unpaired"])


def test_casia_v2_counts(casia_2, shared_data):
    made, rows = casia_2
    assert made.manifest.total.model_dump() == {"samples": 188, "authentic": 175, "tampered": 13}
    assert made.splits == ["train"]
    assert len(made.manifest.skipped) == 61 - 13
    assert {row["manipulation"] for row in rows.values()} == {None, "splice", "copy_move"}
    with (shared_data / "CASIA2" / "pairs.csv").open(encoding="utf-8") as file:
        corrected = [pair["corrected_name_if_other"][:-4] for pair in csv.DictReader(file)]
    assert {name for name in corrected if name} <= {problem.sample_id for problem in made.manifest.skipped}
    assert len({name for name in corrected if name}) == 8


def test_casia_v2_pairs_are_those_of_the_list(casia_2, shared_data):
    root, (_, rows) = shared_data / "CASIA2", casia_2
    with (root / "pairs.csv").open(encoding="utf-8") as file:
        pairs = [pair for pair in csv.DictReader(file) if pair["mask"]]
    assert len(pairs) == 13
    by_hash = {row["sha256"]: row for row in rows.values()}
    for pair in pairs:
        row = by_hash[sha256((root / pair["image"]).read_bytes())]
        np.testing.assert_array_equal(mask_of(row), np.asarray(Image.open(root / pair["mask"]).convert("L")) > 127)
        assert (row["source_mask"] is None) == (not pair["busternet_mask"])
        if pair["busternet_mask"]:
            classes = np.asarray(Image.open(root / pair["busternet_mask"]).convert("RGB"))
            source = np.asarray(Image.open(BytesIO(row["source_mask"]["bytes"]))) > 0
            np.testing.assert_array_equal(source, classes[..., 1] == 255)
            red = classes[..., 0] == 255
            assert (red & mask_of(row)).sum() / (red | mask_of(row)).sum() > 0.9
            assert (source & mask_of(row)).sum() / source.sum() < 0.1


def test_casia_v2_masks_lie_on_what_differs_from_the_first_code(casia_2):
    _, rows = casia_2
    looked_at = []
    for name, row in rows.items():
        code = name.split("_")[5] if row["label"] else ""
        if host := rows.get(f"Au_{code[:3]}_{code[3:]}"):
            difference = changed(pixels(row["image"]["bytes"]), pixels(host["image"]["bytes"]))
            assert row["group"] == host["group"]
            assert difference[mask_of(row)].mean() > 0.9
            assert difference[~mask_of(row)].mean() < 0.01
            looked_at.append(name)
    assert looked_at == ["Tp_D_CNN_M_B_nat00056_nat00099_11105"]


def test_casia_v2_lists_are_covered_by_the_name_pattern(shared_data, tmp_path):
    """Every name of the published lists is an image, and every forgery has its mask."""
    for file, folder in (("au_list", "Au"), ("tp_list", "Tp"), ("groundtruth_list", "Gt")):
        (tmp_path / folder).mkdir()
        for name in (shared_data / "CASIA2" / "Notes" / f"{file}.txt").read_text(encoding="utf-8").split():
            (tmp_path / folder / name).touch()
    found = list(source("casia-v2").walk(tmp_path))
    # The list of masks has itself in the place of one.
    (lacking,) = [one for one in found if not isinstance(one, Entry)]
    assert (lacking.code, lacking.sample_id) == ("unpaired", "Tp_S_NRN_S_O_sec00036_sec00036_00764")
    found.remove(lacking)
    labels = [one.label for one in found]
    assert (labels.count("authentic"), labels.count("tampered")) == (7491, 5122)
    kinds = [one.manipulation for one in found]
    assert (kinds.count("copy_move"), kinds.count("splice")) == (3294, 1828)
    assert len({one.sample_id for one in found}) == 12613


def test_comofod(shared_data, tmp_path):
    made, rows = built("comofod", shared_data / "CoMoFoD", tmp_path)
    assert made.manifest.total.model_dump() == {"samples": 13, "authentic": 2, "tampered": 11}
    assert len(made.manifest.missing) == 190
    assert rows["040_O_JC9"]["group"] == "040"
    assert mask_of(rows["001_F"]).tobytes() == mask_of(rows["001_F_CR1"]).tobytes()
    for name, row in rows.items():
        if row["label"]:
            copy, source_mask = mask_of(row), np.asarray(Image.open(BytesIO(row["source_mask"]["bytes"]))) > 0
            assert not (copy & source_mask).any()
            # One set pastes its source twice; frames of green on the border are gone.
            assert 0.9 < copy.sum() / source_mask.sum() < (2.1 if name.startswith("025") else 1.1), name


def test_grip(shared_data, tmp_path):
    made, rows = built("grip-cmfd", shared_data / "GRIP_CMFD", tmp_path)
    assert made.manifest.total.model_dump() == {"samples": 10, "authentic": 0, "tampered": 10}
    assert {row["mask_scope"] for row in rows.values()} == {"tampered_and_source"}
    assert rows["TP_C01_003_copy_gj90"]["mask"]["bytes"] == rows["TP_C01_003_copy"]["mask"]["bytes"]
    plain, compressed = (pixels(rows[name]["image"]["bytes"]) for name in ("TP_C01_003_copy", "TP_C01_003_copy_gj90"))
    assert changed(plain, compressed).mean() < 0.05


def test_cvip(shared_data, tmp_path):
    _, rows = built("cvip", shared_data / "CVIP", tmp_path)
    assert {name: row["group"] for name, row in rows.items()} == {"im1_t": "im1", "im10_t": "im10"}
    for name, row in rows.items():
        mask = np.asarray(Image.open(shared_data / "CVIP" / "Dataset 0" / f"{name}_mask.bmp"))
        np.testing.assert_array_equal(mask_of(row), mask)


def test_fau(shared_data, tmp_path):
    made, rows = built("fau", shared_data / "FAU_CMFD", tmp_path)
    assert made.manifest.total.tampered == len(rows) == 6
    assert rows["knight_moves_gcs500_copy_rb5"]["group"] == "knight_moves"
    for name, row in rows.items():
        mask = np.asarray(Image.open(shared_data / "FAU_CMFD" / "multi_paste" / f"{name.replace('copy', 'gt')}.png"))
        np.testing.assert_array_equal(mask_of(row), mask == 255)


def test_tampered_ic13(shared_data, tmp_path):
    """All published boxes, with pictures in place of the images, which are not at hand."""
    root = shared_data / "Tampered-IC13"
    assert len(list(source("tampered-ic13").walk(root))) == 233
    for number in range(1, 234):
        put(tmp_path / "in" / "test" / f"img_{number}.png", encoded(photo(1), "PNG"))
    for folder in ("ic13_fake_gt", "ic13_true_gt"):
        for file in (root / folder).iterdir():
            put(tmp_path / "in" / "test" / folder / file.name, file.read_bytes())
    made, rows = built("tampered-ic13", tmp_path / "in", tmp_path)
    assert made.manifest.total.model_dump() == {"samples": 233, "authentic": 55, "tampered": 178}
    assert rows["test-img_1"]["boxes"] == [[38.0, 43.0, 882.0, 172.0]]
    assert rows["test-img_1"]["mask"] is rows["test-img_1"]["scribble"] is None
    lines = "\n".join(file.read_text("utf-8-sig") for file in (root / "ic13_fake_gt").iterdir()).splitlines()
    assert sum(len(row["boxes"]) for row in rows.values()) == sum(bool(line.strip()) for line in lines)


def test_every_card_that_claims_real_files_is_tested_on_them():
    """The tests above, by the names of their sources."""
    tested = {"casia-v1", "casia-v2", "coverage", "comofod", "grip-cmfd", "cvip", "fau", "tampered-ic13"}
    assert tested == {spec.name for spec in sources() if spec.card.checked == "real files"}
