"""CASIA v1, COVERAGE and folders: what is made of them with files missing, doubled or misplaced."""

from __future__ import annotations

import shutil

import lookalikes
import numpy as np
import pytest
from lookalikes import encoded, photo, put, region

from forgebench.errors import Problem
from forgebench.schema import Fix
from forgebench.sources import Entry
from sources.walking import check, items, walked


@pytest.mark.parametrize("layout", ["original", "kaggle", "wscl"])
def test_casia_v1(tmp_path, layout):
    truths = lookalikes.casia_v1(tmp_path, layout=layout)
    check("casia-v1", tmp_path, truths)
    assert walked("casia-v1", tmp_path, Problem) == []
    (left_out,) = walked("casia-v1", tmp_path, Fix)
    assert left_out.sample_id.endswith("0542")
    assert left_out.action == "left out"


def test_casia_v1_with_a_mask_for_the_maskless_image(tmp_path):
    lookalikes.casia_v1(tmp_path)
    put(tmp_path / "own" / "Sp_D_NRN_A_cha0011_sec0011_0542_gt.png", encoded(region(1), "PNG"))
    assert "Sp_D_NRN_A_cha0011_sec0011_0542" in items("casia-v1", tmp_path)
    assert walked("casia-v1", tmp_path, Fix) == []


def test_casia_masks_under_the_authors_names_lead_to_the_corrected_ones(tmp_path):
    """Copy-move or splice follows from the codes, whatever letter the file names carry."""
    given = ("Sp_D_NNN_R_arc0088_arc0088_0367", "Sp_S_NNN_A_arc0002_arc0026_0201", "Sp_S_NNN_R_arc0003_arc0004_0051")
    for name in given:
        put(tmp_path / "Tp" / f"{name}.jpg", encoded(photo(1), "JPEG"))
        put(tmp_path / "Gt" / f"{name}.png", encoded(region(1), "PNG"))
    found = {sample_id: item.manipulation for sample_id, item in items("casia-v1", tmp_path).items()}
    assert found == {
        "Sp_S_NNN_R_arc0088_arc0088_0367": "copy_move",
        "Sp_D_NNN_A_arc0002_arc0026_0201": "splice",
        "Sp_S_NNN_R_arc0003_arc0003_0051": "copy_move",
    }


def test_coverage(tmp_path):
    truths = lookalikes.coverage(tmp_path)
    check("coverage", tmp_path, truths)
    assert walked("coverage", tmp_path, Problem) == []


def test_coverage_without_its_copy_masks(tmp_path):
    lookalikes.coverage(tmp_path)
    (tmp_path / "mask" / "2copy.tif").unlink()
    found = items("coverage", tmp_path)
    assert found["2t"].source_mask is None
    assert found["1t"].source_mask is not None


def test_folder(tmp_path):
    check("folder", tmp_path, lookalikes.folder(tmp_path))
    assert walked("folder", tmp_path, Problem) == []


def test_folder_with_turned_images(tmp_path):
    check("folder", tmp_path, lookalikes.turned(tmp_path))


def test_folder_with_subfolders(tmp_path):
    for name in ("a/one", "b/one"):
        put(tmp_path / "authentic" / f"{name}.png", encoded(photo(1), "PNG"))
        put(tmp_path / "tampered" / f"{name}.png", encoded(photo(2), "PNG"))
    put(tmp_path / "masks" / "a" / "one_gt.png", encoded(region(3), "PNG"))
    put(tmp_path / "masks" / "b" / "one.png", encoded(region(4), "PNG"))
    found = items("folder", tmp_path)
    assert sorted(found) == ["authentic-a.one", "authentic-b.one", "tampered-a.one", "tampered-b.one"]
    assert found["tampered-a.one"].group == found["authentic-a.one"].group != found["authentic-b.one"].group
    np.testing.assert_array_equal(found["tampered-a.one"].mask, region(3))
    np.testing.assert_array_equal(found["tampered-b.one"].mask, region(4))


def test_folder_prefers_the_mask_of_the_very_name(tmp_path):
    for name in ("x", "x_gt"):
        put(tmp_path / "tampered" / f"{name}.png", encoded(photo(1), "PNG"))
    put(tmp_path / "masks" / "x_gt.png", encoded(region(1), "PNG"))
    assert sorted(entry.sample_id for entry in walked("folder", tmp_path, Entry)) == ["tampered-x_gt"]
    (problem,) = walked("folder", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("unpaired", "tampered-x")


MISSING_MASK = [
    ("casia-v1", "**/Sp_D_NNN_A_nat0001_ani0001_0001_gt.png", "Sp_D_NNN_A_nat0001_ani0001_0001"),
    ("coverage", "mask/2forged.tif", "2t"),
    ("folder", "masks/p1_mask.png", "tampered-p1"),
]
MISSING_IMAGE = [
    ("casia-v1", "**/Sp_D_NNN_A_nat0001_ani0001_0001.jpg", "missing", "Sp_D_NNN_A_nat0001_ani0001_0001"),
    ("coverage", "image/2t.tif", "missing", "2t"),
    ("folder", "tampered/p1.*", "unpaired", "tampered-p1_mask"),
]


@pytest.mark.parametrize(("name", "pattern", "sample_id"), MISSING_MASK)
def test_a_missing_mask_is_named_and_shifts_nothing(tmp_path, name, pattern, sample_id):
    truths = lookalikes.MAKERS[name](tmp_path)
    (file,) = tmp_path.glob(pattern)
    file.unlink()
    (problem,) = walked(name, tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("unpaired", sample_id)
    assert "--allow-issues unpaired" in problem.fix
    del truths[sample_id]
    check(name, tmp_path, truths)


@pytest.mark.parametrize(("name", "pattern", "code", "problem_id"), MISSING_IMAGE)
def test_a_missing_image_is_named_and_shifts_nothing(tmp_path, name, pattern, code, problem_id):
    truths = lookalikes.MAKERS[name](tmp_path)
    (file,) = tmp_path.glob(pattern)
    file.unlink()
    (problem,) = walked(name, tmp_path, Problem)
    assert (problem.code, problem.sample_id) == (code, problem_id)
    del truths[problem_id.removesuffix("_mask")]
    check(name, tmp_path, truths)


DOUBLED_MASK = [
    ("casia-v1", "**/Sp_D_NNN_A_nat0001_ani0001_0001_gt.png", "more", "Sp_D_NNN_A_nat0001_ani0001_0001"),
    ("coverage", "mask/2forged.tif", "more/mask", "2t"),
    ("coverage", "mask/2copy.tif", "more/mask", "2t"),
]


@pytest.mark.parametrize(("name", "pattern", "to", "sample_id"), DOUBLED_MASK)
def test_two_masks_for_one_image_are_named(tmp_path, name, pattern, to, sample_id):
    truths = lookalikes.MAKERS[name](tmp_path)
    (file,) = tmp_path.glob(pattern)
    put(tmp_path / to / file.name, file.read_bytes())
    (problem,) = walked(name, tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("duplicate", sample_id)
    assert file.relative_to(tmp_path).as_posix() in problem.got
    assert f"{to}/{file.name}" in problem.got
    del truths[sample_id]
    check(name, tmp_path, truths)


def test_two_masks_of_one_name_in_a_folder_are_named(tmp_path):
    truths = lookalikes.folder(tmp_path)
    put(tmp_path / "masks" / "p0.bmp", encoded(region(9, 40, 56), "BMP"))
    (problem,) = walked("folder", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("duplicate", "tampered-p0")
    assert "masks/p0.bmp and masks/p0.png" in problem.got
    del truths["tampered-p0"]
    check("folder", tmp_path, truths)


def test_a_second_mask_under_another_ending_is_named(tmp_path):
    truths = lookalikes.folder(tmp_path)
    put(tmp_path / "masks" / "p0_gt.png", encoded(region(9, 40, 56), "PNG"))
    (problem,) = walked("folder", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("unpaired", "tampered-p0_gt")
    check("folder", tmp_path, truths)


@pytest.mark.parametrize("bad", ["my photo", "naïve", "semi;colon", "x" * 130])
def test_names_that_cannot_be_sample_ids_are_named(tmp_path, bad):
    truths = lookalikes.folder(tmp_path)
    put(tmp_path / "authentic" / f"{bad}.png", encoded(photo(1), "PNG"))
    (problem,) = walked("folder", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("bad_name", f"authentic-{bad}")
    assert problem.got == f"authentic/{bad}.png"
    check("folder", tmp_path, truths)


def test_all_casia_renames_lead_to_the_corrected_mask(tmp_path, shared_data):
    """Every original name in the published table of corrections pairs with the mask of the corrected name."""
    table = shared_data.parent / "tables" / "casia1_renames_namtpham.csv"
    names = [line.split(",")[:2] for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(names) == 33
    for original, corrected in names:
        put(tmp_path / "Sp" / original, b"")
        put(tmp_path / "masks" / corrected.replace(".jpg", "_gt.png"), b"")
    found = {entry.image: entry.sample_id for entry in walked("casia-v1", tmp_path, Entry)}
    assert found == {f"Sp/{original}": corrected.removesuffix(".jpg") for original, corrected in names}
    shutil.rmtree(tmp_path / "Sp")
    assert {problem.code for problem in walked("casia-v1", tmp_path, Problem)} == {"missing"}
