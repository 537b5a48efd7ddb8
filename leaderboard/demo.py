"""A board of really scored entries, on forgeries made from the bundled photographs: controls, and spoilt truths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from forgebench import (
    Benchmark,
    Prediction,
    Sample,
    controls,
    degrade_grid,
    predict,
    predict_grid,
    score,
    score_grid,
    synthesize,
)  # fmt: skip
from forgebench.annotations import TAMPERED, scribble_from_mask
from forgebench.benchmark.cells import mask_of
from forgebench.demo.run import LICENCE, PHOTOS
from leaderboard.entry import FILE, Entry, Kind

Mask = NDArray[np.bool_]
_NOTE = (
    "A stand-in, no method: it is told the truth at its level of annotation and spoils it. Its numbers are measured; "
    "they say how far such annotation could reach, not what a detector does."
)
_SPOILT = 0.2
"""The share of the images for which a stand-in is told the truth of nothing, and guesses."""
SLICES = ("manipulation", "region_size")
RECIPES = ("jpeg", "resize")


@dataclass(frozen=True)
class StandIn:
    """What a method could say that was told the truth at one level, and knows nothing of a fifth of the images."""

    name: str
    supervision: str
    truth: Mapping[str, Mask]
    says: Callable[[Mask, str], NDArray[np.floating]]

    def predict(self, samples: Sequence[Sample]) -> Iterable[Prediction]:
        """One prediction a sample."""
        for sample in samples:
            rng = np.random.default_rng(list(sample.sample_id.encode()))
            mask = self.truth[sample.sample_id]
            known = rng.random() >= _SPOILT
            heat = self.says(mask, sample.sample_id) if known else rng.random() * np.ones(mask.shape)
            score = np.clip(0.25 + 0.5 * mask.any() + rng.normal(0, 0.12), 0, 1) if known else rng.random()
            noisy = np.clip(heat + rng.normal(0, 0.03, mask.shape), 0, 1)
            yield Prediction(sample.sample_id, float(score), np.round(noisy * 255).astype(np.uint8))


def _blurred(sigma: float) -> Callable[[Mask, str], NDArray[np.floating]]:
    return lambda mask, _: ndimage.gaussian_filter(mask.astype(np.float64), sigma)


def _boxed(mask: Mask, _: str) -> NDArray[np.floating]:
    box = np.zeros(mask.shape)
    for part in ndimage.find_objects(ndimage.label(mask)[0]):
        box[part] = 0.9
    return box


def _scribbled(mask: Mask, sample_id: str) -> NDArray[np.floating]:
    stroke = scribble_from_mask(mask, sample_id) == TAMPERED if mask.any() else mask
    wide = ndimage.binary_dilation(stroke, iterations=14).astype(np.float64)
    blurred: NDArray[np.floating] = ndimage.gaussian_filter(wide, 3)
    return blurred


def _spread(mask: Mask, _: str) -> NDArray[np.floating]:
    return np.full(mask.shape, 0.9 * mask.any())


STAND_INS: dict[str, tuple[str, str, Callable[[Mask, str], NDArray[np.floating]]]] = {
    "truth-blurred-2": ("truth, blurred 2 px", "pixel", _blurred(2)),
    "truth-blurred-3": ("truth, blurred 3 px", "pixel", _blurred(3)),
    "truth-blurred-12": ("truth, blurred 12 px", "pixel", _blurred(12)),
    "scribble-grown": ("scribble, grown 14 px", "scribble", _scribbled),
    "boxes-filled": ("boxes, filled", "box", _boxed),
    "label-spread": ("image label, spread", "image", _spread),
}
_ROBUST = {"jpeg-ghost": controls.jpeg_ghost, "edges": controls.edges, "centre-box": controls.centre_box}


def truth_of(benchmark: Benchmark) -> dict[str, Mask]:
    """The mask of every test sample by its id."""
    rows = benchmark.rows("test", ["sample_id", "mask"])
    return {row["sample_id"]: mask for row in rows if (mask := mask_of(row["mask"])) is not None}


def demo_records(
    out: Path,
    *,
    samples: int = 60,
    robust: bool = True,
    workers: int | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Forge, predict and score; the entries' folder `out/records` comes back, the benchmark is `out/benchmarks/demo`.

    Args:
        out: A folder.
        samples: Forgeries and authentic images in all.
        robust: Whether three of the entries are scored over JPEG qualities and sizes, too.
        workers: Number of processes; None takes all cores.
        say: Told what is being done.
    """
    say(f"Forging {samples} samples from the bundled photographs")
    made = out / "benchmarks" / "demo"
    benchmark = synthesize(PHOTOS, made, n=samples, recipe="demo", seed=0, licence=LICENCE, workers=workers)
    truth = truth_of(benchmark)
    _score(benchmark, out, "jpeg-ghost", controls.jpeg_ghost(), "method", None, workers, say)
    for name, control in controls.NEGATIVE.items():
        _score(benchmark, out, name, control(), "control", "Knows nothing of forgery.", workers, say)
    for name, (title, supervision, says) in STAND_INS.items():
        _score(benchmark, out, name, StandIn(title, supervision, truth, says), "method", _NOTE, workers, say)
    box = controls.truth_box(truth)
    note = "The best that a method which draws one box can do."
    _score(benchmark, out, "truth-box", box, "ceiling", note, workers, say)
    if robust:
        _robustness(benchmark, out, workers, say)
    return out / "records"


def _score(
    benchmark: Benchmark, out: Path, name: str, method: Any, kind: Kind, note: str | None, workers: int | None,  # noqa: ANN401
    say: Callable[[str], None],
) -> None:  # fmt: skip
    submission = predict(method, benchmark, out / "submissions" / f"{name}.parquet")
    folder = out / "records" / name
    record = score(submission, benchmark, folder, definitions=("all",), slices=SLICES, workers=workers)
    Entry(kind=kind, account="ForgeBench", note=note).write(folder / FILE)
    say(f"  {name}: pixel F1 {record.value('pixel_f1'):.3f}, image AUC {record.value('image_auc'):.3f}")


def _robustness(benchmark: Benchmark, out: Path, workers: int | None, say: Callable[[str], None]) -> None:
    grid = out / "grid"
    degrade_grid(benchmark, grid, recipes=RECIPES, workers=workers)
    for name, method in _ROBUST.items():
        predict_grid(method(), grid, out / "degraded" / name)
        clean = out / "records" / name
        made = score_grid(out / "degraded" / name, grid, clean, clean=clean, workers=workers)
        say(f"  {name}: {len(made.curves)} robustness curves")
