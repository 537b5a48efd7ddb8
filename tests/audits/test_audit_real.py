"""Real files of public data sets: shortcuts that are known, masks that are right."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import planted
import pytest
from PIL import Image

import forgebench
from forgebench.audits import audit


@pytest.fixture(scope="module")
def casia_v1(shared_data: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("casia1") / "casia-v1"
    return forgebench.build("casia-v1", shared_data / "CASIA1", out, allow_issues="all", workers=1)


@pytest.fixture(scope="module")
def casia_v2(shared_data: Path, tmp_path_factory: pytest.TempPathFactory):
    """Its images with a mask made up for each: the files are what is looked at."""
    root = tmp_path_factory.mktemp("casia2")
    for folder in ("authentic", "tampered", "masks"):
        (root / "in" / folder).mkdir(parents=True)
    for file in (shared_data / "CASIA2/Au").iterdir():
        shutil.copy(file, root / "in/authentic")
    for file in (shared_data / "CASIA2/Tp").iterdir():
        shutil.copy(file, root / "in/tampered")
        with Image.open(file) as image:
            mask = np.zeros((image.height, image.width), np.uint8)
        mask[:50, :50] = 255
        (root / "in/masks" / f"{file.stem}.png").write_bytes(planted.encoded(mask))
    return forgebench.build("folder", root / "in", root / "casia-v2", allow_issues="all", workers=1)


def test_casia_is_told_by_its_files_and_shares_photographs(casia_v1, casia_v2):
    found = audit([casia_v1, casia_v2], resamples=200, workers=1)
    assert found.negative
    one, two = found.benchmarks
    assert [b.probes[0].verdict for b in (one, two)] == ["shortcut", "shortcut"]
    assert two.probes[0].auc > 0.99
    features = {feature.name: feature for feature in two.probes[0].features}
    assert features["format is TIFF"].direction == "higher is tampered"
    across = {(p.a.sample_id, p.b.sample_id) for p in found.pairs if (p.kind, p.across) == ("exact", "benchmarks")}
    assert ("Au_ani_0002", "authentic-Au_ani_00002") in across


def test_coverage_pairs_hide_nothing_in_their_files_and_have_true_masks(shared_data, tmp_path):
    bench = forgebench.build(
        "coverage", shared_data / "COVERAGE", tmp_path / "coverage", allow_issues="all", workers=1
    )
    found = audit(bench, resamples=200, workers=1)
    one = found.benchmarks[0]
    assert not found.negative
    assert one.originals.compared == one.n_tampered == one.n_authentic
    assert (one.originals.undecided, one.originals.median_covered) == (0, 1.0)
    assert {finding.code for finding in found.findings} <= {"specks"}
