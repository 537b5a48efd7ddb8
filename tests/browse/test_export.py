"""Exported samples are read again by the sources `folder` and `coco`: same bytes, same truth."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench.benchmark import Benchmark
from forgebench.browse import browse, export, ids_in
from forgebench.errors import InputError


def known(benchmark: Benchmark) -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in benchmark.rows("test")}


def truth(row: dict[str, Any]) -> np.ndarray:
    with Image.open(BytesIO(row["mask"]["bytes"])) as mask:
        return np.asarray(mask)


@pytest.mark.parametrize("form", ["folder", "coco"])
def test_what_is_exported_is_built_again(benchmark: Benchmark, tmp_path: Path, form: str):
    before = known(benchmark)
    chosen = [one for one in before if one != "tampered-off"]
    export(benchmark, "test", chosen, tmp_path / "out", form)
    after = known(forgebench.build(form, tmp_path / "out", tmp_path / "bench", workers=1))
    prefix = {name: f"{name.split('-')[0]}-{name}" if form == "folder" else name for name in chosen}
    assert set(after) == set(prefix.values())
    for name in chosen:
        old, new = before[name], after[prefix[name]]
        assert new["image"]["bytes"] == old["image"]["bytes"]
        assert new["label"] == old["label"]
        assert np.array_equal(truth(new), truth(old))


def test_specks_are_not_lost(tmp_path: Path):
    """COCO has one shape a component; those too small to count are one together."""
    for name in ("tampered", "masks"):
        (tmp_path / "in" / name).mkdir(parents=True)
    mask = np.zeros((120, 150), np.uint8)
    mask[10:40, 10:50] = mask[70:100, 90:140] = 255
    mask[60, 5], mask[110, 5] = 255, 255
    Image.fromarray(mask).save(tmp_path / "in" / "masks" / "a.png")
    Image.fromarray(np.dstack([mask] * 3)).save(tmp_path / "in" / "tampered" / "a.png")
    benchmark = forgebench.build("folder", tmp_path / "in", tmp_path / "bench", workers=1)
    export(benchmark, "test", ["tampered-a"], tmp_path / "out", "coco")
    again = forgebench.build("coco", tmp_path / "out", tmp_path / "again", workers=1)
    assert np.array_equal(truth(known(again)["tampered-a"]), mask)


def test_a_saved_view_is_exported(fo: ModuleType, benchmark: Benchmark, scores: Path, tmp_path: Path):
    dataset = browse(benchmark, [scores]).dataset
    ids = ids_in(dataset, "centre box: small regions")
    export(benchmark, "test", ids, tmp_path / "out", "folder")
    assert [path.name for path in (tmp_path / "out" / "tampered").iterdir()] == ["tampered-tiny.webp"]
    assert len(ids_in(dataset, None)) == 9
    with pytest.raises(InputError, match=r"No view 'worst'\. There are: centre box: "):
        ids_in(dataset, "worst")


def test_what_cannot_be_exported_is_refused(benchmark: Benchmark, tmp_path: Path):
    with pytest.raises(InputError, match="folder or coco, got yolo"):
        export(benchmark, "test", ["tampered-big"], tmp_path / "out", "yolo")
    with pytest.raises(InputError, match="no sample"):
        export(benchmark, "test", [], tmp_path / "out", "coco")
    with pytest.raises(InputError, match=r"exists\. Choose another folder"):
        export(benchmark, "test", ["tampered-big"], tmp_path, "coco")


def test_truth_in_boxes_alone_goes_to_coco_only(benchmark: Benchmark, tmp_path: Path):
    export(benchmark, "test", list(known(benchmark)), tmp_path / "out", "coco")
    file = tmp_path / "out" / "test.json"
    content = json.loads(file.read_text())
    for one in content["annotations"]:
        del one["segmentation"]
    file.write_text(json.dumps(content))
    boxes = forgebench.build("coco", tmp_path / "out", tmp_path / "boxes", workers=1)
    ids = list(known(boxes))
    with pytest.raises(InputError, match="folder needs a mask of tampered images; there is none of tampered-big"):
        export(boxes, "test", ids, tmp_path / "folder", "folder")
    export(boxes, "test", ids, tmp_path / "coco", "coco")
    again = forgebench.build("coco", tmp_path / "coco", tmp_path / "again", workers=1)
    assert {k: row["boxes"] for k, row in known(again).items()} == {k: row["boxes"] for k, row in known(boxes).items()}
