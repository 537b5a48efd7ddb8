"""Three forgeries and what controls predict of them: the scene of the page of metrics and of each metric's picture."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import forgebench
from forgebench import Benchmark, controls
from forgebench.metrics import DEFINITIONS, Table
from forgebench.scoring.columns import wanted
from forgebench.scoring.count import count
from forgebench.scoring.per_image import open_table
from forgebench.submission import Method

DEFINITION = DEFINITIONS["forgebench"]
PERFECT, BOX = "perfect", "box around the truth"


def measured() -> dict[str, dict[str, float]]:
    """What each control gets of each metric; without the metrics that are undefined for all."""
    with tempfile.TemporaryDirectory() as name:
        benchmark = _benchmark(Path(name))
        tables = {method.name: _counted(method, benchmark, Path(name) / method.name) for method in methods()}
        found = {
            metric.id: {name: float(metric.statistic(one).of(one.whole)[0]) for name, one in tables.items()}
            for metric in DEFINITION.metrics
        }
    return {name: values for name, values in found.items() if not np.isnan(list(values.values())).all()}


def methods() -> tuple[controls.Control | controls.OfTruth, ...]:
    """The truth, and all controls."""
    truth = _truth()
    perfect = controls.OfTruth(PERFECT, truth, lambda mask: (float(mask.any()), mask * np.uint8(255)))
    return (
        perfect, controls.all_black(), controls.all_white(), controls.constant(), controls.inverted_truth(truth),
        controls.random(), controls.centre_box(), controls.edges(), controls.truth_box(truth),
    )  # fmt: skip


def predicted(sample_id: str = "tampered-corner") -> dict[str, NDArray[np.uint8]]:
    """What each method says of one image: bytes of shape (64, 96)."""
    name = sample_id.partition("-")[2]
    seen = _seen(_shapes()[name], np.random.default_rng(0))
    sample = forgebench.Sample(sample_id, b"", np.repeat(seen[..., None], 3, axis=2), seen.shape[1], seen.shape[0])
    return {method.name: next(iter(method.predict([sample]))).mask for method in methods()}  # type: ignore[misc]


def _shapes() -> dict[str, NDArray[np.bool_]]:
    y, x = np.mgrid[:64, :96]
    return {
        "disc": (y - 30) ** 2 + (x - 36) ** 2 < 200,
        "corner": (y >= 8) & (y < 40) & (x >= 56) & (x < 88) & ((y >= 30) | (x < 66)),
        "pair": (y >= 20) & (y < 36) & (((x >= 10) & (x < 26)) | ((x >= 62) & (x < 82))),
    }


def _truth() -> dict[str, NDArray[np.bool_]]:
    """The masks by sample id."""
    both = (("tampered", True), ("authentic", False))
    return {f"{label}-{name}": shape & tampered for name, shape in _shapes().items() for label, tampered in both}


def _benchmark(folder: Path) -> Benchmark:
    rng = np.random.default_rng(0)
    for kind in ("tampered", "authentic", "masks"):
        (folder / "source" / kind).mkdir(parents=True)
    for name, shape in _shapes().items():
        for kind in ("tampered", "authentic"):
            Image.fromarray(_seen(shape, rng)).convert("RGB").save(folder / f"source/{kind}/{name}.png")
        Image.fromarray(shape).save(folder / f"source/masks/{name}.png")
    return forgebench.build("folder", folder / "source", folder / "benchmark", workers=1)


def _counted(method: Method, benchmark: Benchmark, folder: Path) -> Table:
    submission = forgebench.predict(method, benchmark, folder / "submission")
    about = wanted(DEFINITION.counts, submission.manifest.outputs)
    count(submission, benchmark, folder / "table.parquet", about, workers=1)
    return open_table(folder / "table.parquet").table()


def _seen(shape: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noise on a ramp with a bright square; the shape is noise on the ramp's inverse."""
    ground = np.broadcast_to(np.arange(96) * 2 + 20, shape.shape).copy()
    ground[44:60, 40:56] = 230
    return (np.where(shape, 250 - ground, ground) + rng.integers(0, 6, shape.shape)).astype(np.uint8)
