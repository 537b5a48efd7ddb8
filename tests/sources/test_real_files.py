"""The real files of CASIA v1 and COVERAGE, where they are at hand."""

from __future__ import annotations

import csv
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench.benchmark import verify_benchmark
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
