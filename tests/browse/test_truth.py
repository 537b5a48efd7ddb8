"""The benchmark in FiftyOne: counts, fields, files, and no sample twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from forgebench.benchmark import Benchmark
from forgebench.browse import browse
from forgebench.browse.media import store_group
from forgebench.browse.truth import ID
from forgebench.errors import InputError


@pytest.fixture
def samples(fo: ModuleType, benchmark: Benchmark) -> dict[str, Any]:
    return {sample[ID]: sample for sample in browse(benchmark).dataset}


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def rows(benchmark: Benchmark) -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in benchmark.rows("test")}


def test_every_sample_is_there_with_its_truth(samples: dict[str, Any], benchmark: Benchmark):
    frame = benchmark.to_frame().set_index("sample_id")
    assert set(samples) == set(frame.index)
    assert len(samples) == 9
    for sample_id, sample in samples.items():
        tampered = sample_id.startswith("tampered-")
        assert sample.label == ("tampered" if tampered else "authentic")
        assert sample.group == frame.group[sample_id]
        truth = pixels(sample.ground_truth.mask_path)
        assert truth.shape == (frame.height[sample_id], frame.width[sample_id])
        assert set(np.unique(truth)) == ({0, 255} if tampered else {0})
        assert sample.tampered_area == pytest.approx((truth > 0).mean())
        assert set(np.unique(pixels(sample.scribble.mask_path))) >= ({0, 1, 2} if tampered else {0, 2})
        assert (sample.metadata.height, sample.metadata.width) == truth.shape
        assert sample.source is None


def test_a_box_is_relative_to_the_image(samples: dict[str, Any]):
    (box,) = samples["tampered-big"].boxes.detections
    assert box.bounding_box == pytest.approx([20 / 128, 10 / 96, 80 / 128, 60 / 96])
    assert box.label == "tampered"
    assert samples["authentic-plain"].boxes.detections == []


@pytest.mark.parametrize(
    ("sample_id", "suffix"),
    [("tampered-big", ".png"), ("tampered-off", ".jpg"), ("tampered-tiny", ".webp"), ("authentic-flat", ".bmp")],
)
def test_what_a_browser_shows_keeps_its_bytes(
    samples: dict[str, Any], benchmark: Benchmark, sample_id: str, suffix: str
):
    file = Path(samples[sample_id].filepath)
    assert file.suffix == suffix
    assert hashlib.sha256(file.read_bytes()).hexdigest() == rows(benchmark)[sample_id]["sha256"]


def test_tiff_is_shown_as_png_of_the_same_pixels(samples: dict[str, Any]):
    for sample_id, seed in (("tampered-middle", 1), ("authentic-scan", 13)):
        sample = samples[sample_id]
        assert sample.format == "TIFF"
        with Image.open(sample.filepath) as image:
            assert image.format == "PNG"
            expected = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), dtype=np.uint8)
            assert np.array_equal(np.asarray(image), expected)


def test_an_image_stored_on_its_side_is_shown_upright(samples: dict[str, Any]):
    turned = samples["tampered-turned"]
    assert pixels(turned.filepath).shape == (128, 96, 3)
    assert (turned.metadata.height, turned.metadata.width) == (128, 96)
    assert turned.format == "JPEG"


def test_a_second_run_imports_nothing_twice(fo: ModuleType, benchmark: Benchmark):
    first = browse(benchmark).dataset
    before = {sample.id: Path(sample.filepath).stat().st_mtime_ns for sample in first}
    second = browse(benchmark).dataset
    after = {sample.id: Path(sample.filepath).stat().st_mtime_ns for sample in second}
    assert after == before
    assert fo.list_datasets() == [first.name]


def test_a_killed_import_is_continued(fo: ModuleType, benchmark: Benchmark):
    dataset = browse(benchmark).dataset
    kept = dataset.limit(5).values("id")
    dataset.delete_samples(dataset.skip(5))
    again = browse(benchmark).dataset
    assert len(again) == len(again.distinct(ID)) == 9
    assert set(kept) <= set(again.values("id"))


def test_files_that_are_gone_are_written_again(fo: ModuleType, benchmark: Benchmark):
    dataset = browse(benchmark).dataset
    ids = dataset.values("id")
    lost = Path(dataset.first().filepath)
    lost.unlink()
    assert browse(benchmark).dataset.values("id") == ids
    assert lost.is_file()


def test_no_sample_is_ever_there_twice(fo: ModuleType, benchmark: Benchmark):
    dataset = browse(benchmark).dataset
    with pytest.raises(Exception, match="E11000 duplicate key"):
        dataset.add_sample(fo.Sample(filepath="/nowhere.png", **{ID: "tampered-big"}))


def test_another_split_is_refused(benchmark: Benchmark):
    with pytest.raises(InputError, match=r"no split 'train'\. It has: test"):
        browse(benchmark, split="train")


@dataclass(frozen=True)
class _Group:
    """A row group of a benchmark that someone has tampered with."""

    row: dict[str, Any]

    def read(self, columns: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{name: self.row[name] for name in columns}]


@pytest.mark.parametrize("sample_id", ["../evil", "a/b", "", "x" * 129])
def test_an_id_cannot_lead_out_of_the_cache(benchmark: Benchmark, tmp_path: Path, sample_id: str):
    row = rows(benchmark)["tampered-big"] | {"sample_id": sample_id}
    with pytest.raises(InputError, match="is not a sample id"):
        store_group(tmp_path / "cache", _Group(row))  # type: ignore[arg-type]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
