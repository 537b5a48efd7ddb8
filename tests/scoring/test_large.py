"""Many images, one image and none: flat memory, the same bytes from every engine, and numbers that add up."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from counts import SOAK
from PIL import Image
from sklearn import metrics as sk

import forgebench
from forgebench import Benchmark, Prediction
from forgebench.metrics import DEFINITIONS
from forgebench.scoring.columns import ROWS
from forgebench.scoring.numbers import compute
from forgebench.scoring.per_image import open_table

SIDE, PATTERNS = 16, 50
ROOT = Path(__file__).parents[2]
FORGEBENCH = [DEFINITIONS["forgebench"]]


@dataclass(frozen=True)
class Large:
    """A benchmark of so many images, in turn authentic and tampered, 50 patterns again and again; and predictions."""

    benchmark: Benchmark
    submission: Path
    masks: np.ndarray
    heats: np.ndarray


def make(folder: Path, n: int, zoom: int = 1) -> Large:
    """The patterns have 16 x 16 pixels, each of them a square of `zoom` x `zoom` in the images."""
    rng = np.random.default_rng(0)
    images, heats = (rng.integers(0, 256, (PATTERNS, SIDE, SIDE), np.uint8) for _ in range(2))
    masks = np.zeros(images.shape, bool)
    for mask in masks:
        top, left = rng.integers(0, SIDE // 2, 2)
        mask[top : top + rng.integers(1, SIDE // 2), left : left + rng.integers(1, SIDE // 2)] = True
    images, heats, masks = (np.kron(one, np.ones((1, zoom, zoom), one.dtype)) for one in (images, heats, masks))
    for name, patterns in (("image", images), ("mask", masks)):
        (folder / name).mkdir(parents=True)
        for index, pattern in enumerate(patterns):
            Image.fromarray(pattern).save(folder / name / f"{index}.png")
    for kind in ("tampered", "authentic", "masks"):
        (folder / "source" / kind).mkdir(parents=True)
    for i in range(n):
        kind = "tampered" if i % 2 else "authentic"
        (folder / f"source/{kind}/{i:06d}.png").hardlink_to(folder / f"image/{i % PATTERNS}.png")
        if i % 2:
            (folder / f"source/masks/{i:06d}.png").hardlink_to(folder / f"mask/{i % PATTERNS}.png")
    benchmark = forgebench.build("folder", folder / "source", folder / "benchmark", workers=1)
    numbers = ((row["sample_id"], int(row["sample_id"][-6:])) for row in benchmark.rows("test", ["sample_id"]))
    given = (Prediction(name, _score(i), heats[i % PATTERNS]) for name, i in numbers)
    path = folder / "submission.parquet"
    forgebench.write_submission(path, given, benchmark=benchmark, method="noise", supervision="pixel")
    return Large(benchmark, path, masks, heats)


def _score(i):
    return i * 37 % 101 / 100


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """More than a row group of the per-image table, and several of the benchmark."""
    return make(tmp_path_factory.mktemp("large"), ROWS + 76)


@pytest.fixture(scope="module")
def scored(large, tmp_path_factory):
    """The folder of its score by this process."""
    out = tmp_path_factory.mktemp("one") / "out"
    forgebench.score(large.submission, large.benchmark, out, workers=1)
    return out


_SCORE = """
import sys
from pathlib import Path
import forgebench

forgebench.score({submission!r}, {benchmark!r}, {out!r}, workers={workers}, engine={engine!r})
status = Path("/proc/self/status")
print(status.read_text().split("VmHWM:")[1].split()[0] if status.exists() else 0)
"""


def _elsewhere(large: Large, out: Path, workers: int = 1, engine: str = "local") -> int:
    """Score in a process of its own; its peak memory in kB, which `ru_maxrss` would take over from its parent."""
    paths = {"submission": str(large.submission), "benchmark": str(large.benchmark.path), "out": str(out)}
    code = _SCORE.format(**paths, workers=workers, engine=engine)
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment = kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_two_workers_give_the_same_bytes(large, scored, tmp_path, engine):
    if engine == "ray":
        pytest.importorskip("ray")
    _elsewhere(large, tmp_path / "out", 2, engine)
    one, two = (forgebench.read_record(folder)[0] for folder in (scored, tmp_path / "out"))
    assert open_table(tmp_path / "out/per_image.parquet").sha256() == one.per_image.sha256 == two.per_image.sha256
    assert one.predictions == two.predictions
    assert one.metrics == two.metrics
    assert (tmp_path / "out/per_image.parquet").read_bytes() == (scored / "per_image.parquet").read_bytes()


# Below 10 000 images, each is a draw unit with histograms of its own: about 10 kB each, where 32 kB of pixels that were
# kept would show. Beyond, only columns grow: about 6 kB, where the 7 kB of a row that was kept would.
FEW, MANY, ZOOM, MOST_KB = (20_000, 100_000, 1, 8) if SOAK else (2 * ROWS + 76, 4 * ROWS + 76, 8, 24)


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux' /proc")
def test_memory_is_flat_in_the_number_of_images(tmp_path):
    peaks = [_elsewhere(make(tmp_path / str(n), n, ZOOM), tmp_path / f"out{n}") for n in (FEW, MANY)]
    assert peaks[0] > 0
    assert (peaks[1] - peaks[0]) / (MANY - FEW) < MOST_KB


def test_the_numbers_of_many_are_those_of_the_patterns(large, scored):
    """Over more than one row group: every pattern's own number by scikit-learn, as often as it occurs."""
    record, _ = forgebench.read_record(scored)
    found = {metric.metric: metric.value for metric in record.metrics}
    n = record.benchmark.n
    assert n == ROWS + 76
    tampered = [i % PATTERNS for i in range(1, n, 2)]
    pairs = [(large.masks[i].ravel(), large.heats[i].ravel()) for i in range(PATTERNS)]
    f1 = np.array([sk.f1_score(truth, heat >= 128) for truth, heat in pairs])
    auc = np.array([sk.roc_auc_score(truth, heat) for truth, heat in pairs])
    assert found["pixel_f1"] == pytest.approx(f1[tampered].mean(), abs=1e-11)
    assert found["pixel_auc"] == pytest.approx(auc[tampered].mean(), abs=1e-11)
    truth, heat = (np.concatenate([pairs[i][side] for i in tampered]) for side in (0, 1))
    assert found["pixel_f1_pooled"] == pytest.approx(sk.f1_score(truth, heat >= 128))
    assert found["pixel_auc_pooled"] == pytest.approx(sk.roc_auc_score(truth, heat))
    scores, labels = np.array([_score(i) for i in range(n)]), np.arange(n) % 2
    assert found["image_auc"] == pytest.approx(sk.roc_auc_score(labels, scores))
    assert found["false_area_authentic"] == pytest.approx(
        np.mean([(large.heats[i % PATTERNS] >= 128).mean() for i in range(0, n, 2)])
    )


@pytest.mark.parametrize("number", [0, 1], ids=["authentic", "tampered"])
def test_a_table_of_one_row(large, scored, number):
    """Every mean over the one image is its value, with an interval of no width; the rest is undefined, not 0."""
    table = open_table(scored / "per_image.parquet").table()
    one = table.only(np.arange(len(table)) == np.flatnonzero([s.endswith(f"{number:06d}") for s in table.sample_id])[0])
    found = {value.metric: value for value in compute(one, FORGEBENCH, 0, resamples=20)}
    rates = {"image_accuracy": float((_score(number) >= 0.5) == number), "coverage": 1.0}
    if number:
        truth, heat = large.masks[number].ravel(), large.heats[number].ravel()
        expected = rates | {"pixel_f1": sk.f1_score(truth, heat >= 128), "pixel_auc": sk.roc_auc_score(truth, heat)}
    else:
        expected = rates | {"false_area_authentic": float((large.heats[number] >= 128).mean())}
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-11), name
    undefined = {"image_auc", "image_ap", "image_if1", *(("fpr_authentic",) if number else ("pixel_f1", "pixel_auc"))}
    for name in undefined:
        assert (found[name].value, found[name].ci_low, found[name].ci_high) == (None, None, None), name


def test_a_benchmark_of_one_image(tmp_path):
    one = make(tmp_path, 2)
    (tmp_path / "source/authentic/000000.png").unlink()
    benchmark = forgebench.build("folder", tmp_path / "source", tmp_path / "alone", workers=1)
    (sample_id,) = (row["sample_id"] for row in benchmark.rows("test", ["sample_id"]))
    sure = Prediction(sample_id, 1.0, one.masks[1] * np.uint8(255))
    path = tmp_path / "alone.parquet"
    forgebench.write_submission(path, [sure], benchmark=benchmark, method="truth", supervision="pixel")
    record = forgebench.score(path, benchmark, workers=1, slices=["region_size"])
    found = {(metric.subset, metric.metric): metric for metric in record.metrics}
    (subset,) = {subset for subset, _ in found} - {None}
    for name in ("pixel_f1", "pixel_auc", "boundary_f", "pointing_accuracy", "image_accuracy"):
        for inside in (None, subset):
            metric = found[inside, name]
            assert (metric.value, metric.ci_low, metric.ci_high, metric.n) == (1.0, 1.0, 1.0, 1), name
    assert found[None, "image_auc"].value is None


def test_an_empty_slice_is_undefined_throughout(scored):
    table = open_table(scored / "per_image.parquet").table()
    nobody = np.zeros(len(table), bool)
    values = compute(table, FORGEBENCH, 0, resamples=20, subsets=[("nobody", nobody)])
    whole, empty = ([value for value in values if value.subset == subset] for subset in (None, "nobody"))
    assert [value.metric for value in empty] == [value.metric for value in whole]
    for value in empty:
        assert (value.value, value.ci_low, value.ci_high, value.n) == (None, None, None, 0), value.metric
    assert whole == compute(table, FORGEBENCH, 0, resamples=20)
