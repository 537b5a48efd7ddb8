"""Scoring 512×512 predictions: each part against other people's code in the same run, and the whole from stored files.

Parts: arrays (counts and numbers), families (further counts), files (end to end), resampling, memory, imports.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import forgebench
from forgebench.metrics import DEFINITIONS, Definition, Table, pixel_counts
from forgebench.metrics.counting import Shown
from forgebench.metrics.families import FAMILIES, families
from forgebench.metrics.pixel import numbers_of
from forgebench.metrics.table import BLOCK
from forgebench.schema import Explanation
from forgebench.scoring.columns import TableAbout, wanted
from forgebench.scoring.count import count
from forgebench.scoring.numbers import compute
from forgebench.submission import open_submission
from perf.common import blob, in_turn, machine, peak_mb, seconds, smooth, table

SIDE, PATTERNS = 512, 50
FEW = 10
"""Images for what takes tens of milliseconds each."""
RESAMPLED = 10_000
AP = ("mask_ap", "mask_ap50", "box_ap", "box_ap50")
FORGEBENCH = DEFINITIONS["forgebench"]
SAID = Explanation(type="splice", area="left", content="a black cat on a mat", evidence="two lights and a sharp seam")
WITHOUT_BOUNDARY = tuple(name for name in FORGEBENCH.counts if name != "boundary")

Rows = list[tuple[str, str]]
Pair = tuple[NDArray[np.uint8], NDArray[np.bool_]]


def pictures() -> list[Pair]:
    """Heat maps, and masks of one object each; they know nothing of each other."""
    rng = np.random.default_rng(0)
    return [(smooth(rng, SIDE, SIDE), blob(rng, SIDE, SIDE)) for _ in range(PATTERNS)]


def each(function: Callable[..., object], pairs: list[Pair], *, repeats: int = 3) -> float:
    """The best of several runs, ms an image."""
    return seconds(lambda: [function(*pair) for pair in pairs], repeats) / len(pairs) * 1e3


def arrays(_: int) -> None:
    """Histograms against OpenCV's; all pixel numbers against scikit-learn's, torchmetrics' and IMDL-BenCo's."""
    import cv2

    cv2.setNumThreads(1)
    pairs = pictures()

    sides = [(heat, pixels.view(np.uint8)) for heat, mask in pairs for pixels in (mask, ~mask)]
    ours, theirs = in_turn(
        lambda: [pixel_counts(*pair) for pair in pairs],
        lambda: [cv2.calcHist([heat], [0], pixels, [256], [0, 256]) for heat, pixels in sides],
    )
    counts = [pixel_counts(*pairs[i % PATTERNS]) for i in range(BLOCK)]
    stack = [np.stack([getattr(one, side) for one in counts]) for side in ("tampered", "authentic")]
    numbers = seconds(lambda: numbers_of(*stack)) / BLOCK * 1e3
    whole = each(pixel_counts, pairs) + numbers
    table(
        f"Arrays of {SIDE}×{SIDE}, one core",
        [
            ("`pixel_counts`: both histograms", f"{ours / PATTERNS * 1e3:.3f} ms an image"),
            ("two calls of `cv2.calcHist`", f"{theirs / PATTERNS * 1e3:.3f} ms an image"),
            (f"`numbers_of`, in a stack of {BLOCK}", f"{numbers:.3f} ms an image"),
            ("both: AUC, AP, F1, IoU, precision, recall, MCC, oracle", f"{whole:.3f} ms an image"),
            *(row for measured in (_sklearn, _torchmetrics, _benco) for row in measured(pairs[:FEW], whole)),
        ],
    )


def _against(name: str, function: Callable[..., object], pairs: list[Any], whole: float) -> Rows:
    theirs = each(function, pairs, repeats=2)
    return [(name, f"{theirs:.1f} ms an image"), ("ratio", f"{theirs / whole:.0f} times")]


def _sklearn(pairs: list[Pair], whole: float) -> Rows:
    from sklearn.metrics import average_precision_score, roc_auc_score

    def both(heat: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
        roc_auc_score(mask, heat)
        average_precision_score(mask, heat)

    flat = [(heat.ravel(), mask.ravel()) for heat, mask in pairs]
    return _against("scikit-learn: `roc_auc_score` and `average_precision_score`", both, flat, whole)


def _tensors(pairs: list[Pair]) -> list[tuple[Any, Any]]:
    """As networks give them, shape (1, 1, H, W)."""
    import torch

    torch.set_num_threads(1)
    return [
        (torch.from_numpy(heat)[None, None] / 255, torch.from_numpy(mask.astype(np.int64))[None, None])
        for heat, mask in pairs
    ]


def _torchmetrics(pairs: list[Pair], whole: float) -> Rows:
    from torchmetrics.functional import classification as tm

    names = ("auroc", "average_precision", "f1_score", "jaccard_index", "matthews_corrcoef")
    functions = [getattr(tm, f"binary_{name}") for name in names]

    def every(heat: Any, mask: Any) -> None:  # noqa: ANN401
        for function in functions:
            function(heat, mask)

    return _against("torchmetrics: AUROC, AP, F1, IoU and MCC, exact", every, _tensors(pairs), whole)


def _benco(pairs: list[Pair], whole: float) -> Rows:
    name = "IMDL-BenCo: `PixelF1`, `PixelIOU` and `PixelAUC`"
    try:
        from IMDLBenCo.evaluation import PixelAUC, PixelF1, PixelIOU
    except ImportError as error:
        return [(name, f"skipped: {error}")]
    evaluators = PixelF1(), PixelIOU(), PixelAUC()

    def every(heat: Any, mask: Any) -> None:  # noqa: ANN401
        for evaluator in evaluators:
            evaluator.batch_update(heat, mask)

    return _against(name, every, [(heat, mask.float()) for heat, mask in _tensors(pairs)], whole)


def _shown(heat: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Shown:
    return Shown(heat, mask, explanation=SAID, true_explanation=SAID)


def further(_: int) -> None:
    """What each family of counts takes beside the histograms, and what that makes for each definition."""
    pairs = pictures()[:FEW]
    takes = {
        name: each(lambda heat, mask, count=family.count: count(_shown(heat, mask)), pairs)
        for name, family in FAMILIES.items()
    }
    plain = each(pixel_counts, pairs)

    def total(definition: Definition) -> str:
        return f"{plain + sum(takes[name] for name in definition.counts):.2f} ms an image"

    parts = np.mean([len(FAMILIES["regions"].count(_shown(*pair))["mask_score"]) for pair in pairs])
    few = [(np.roll(mask, SIDE // 32, axis=1) * np.uint8(255), mask) for _, mask in pairs]
    one = each(lambda heat, mask: FAMILIES["regions"].count(_shown(heat, mask)), few)
    table(
        f"Counts of {SIDE}×{SIDE}, one core; {parts:.0f} predicted regions an image",
        [
            ("the plain histograms", f"{plain:.2f} ms an image"),
            *((f"family `{name}`", f"{ms:.2f} ms an image") for name, ms in takes.items()),
            ("family `regions`, of maps with one region", f"{one:.2f} ms an image"),
            *((f"all that definition `{name}` counts", total(definition)) for name, definition in DEFINITIONS.items()),
        ],
    )


def make(folder: Path, n: int) -> None:
    """A benchmark of n tampered images and a submission for it; 50 different pictures are used again and again."""
    pairs = pictures()
    for name in ("tampered", "masks"):
        (folder / "source" / name).mkdir(parents=True)
    for i in range(n):
        heat, mask = pairs[i % PATTERNS]
        Image.fromarray(heat).save(folder / f"source/tampered/{i:06d}.jpg", quality=30)
        Image.fromarray(mask).save(folder / f"source/masks/{i:06d}.png")
    benchmark = forgebench.build("folder", folder / "source", folder / "benchmark")
    ids = benchmark.to_frame()["sample_id"]
    predictions = (forgebench.Prediction(s, 0.5, pairs[i % PATTERNS][0]) for i, s in enumerate(ids))
    forgebench.write_submission(
        folder / "submission", predictions, benchmark=benchmark, method="smooth", supervision="zero-shot"
    )


def files(n: int) -> None:
    """The pass over stored PNG masks against decoding them, part by part, and two workers against one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, n)
        benchmark = forgebench.open_benchmark(folder / "benchmark")
        submission, _ = open_submission(folder / "submission")
        assert submission is not None
        stored = [path.read_bytes() for path in sorted((folder / "submission/masks").iterdir())]
        stored += [row["mask"]["bytes"] for row in benchmark.rows("test", ["mask"])]

        def counted(about: TableAbout, workers: int = 1) -> float:
            return seconds(lambda: count(submission, benchmark, folder / "table.parquet", about, workers=workers), 2)

        def scored(*leave_out: str, workers: int = 1) -> float:
            return seconds(lambda: forgebench.score(submission, benchmark, workers=workers, without=leave_out), 2)

        outputs = submission.manifest.outputs
        floor = seconds(lambda: [np.asarray(Image.open(BytesIO(data))) for data in stored])
        plain, without = (counted(wanted(names, outputs)) for names in ((), WITHOUT_BOUNDARY))
        light, score, full = scored("boundary", "regions"), scored("boundary"), scored()
        parallel = counted(wanted((), outputs), 2), scored("boundary", "regions", workers=2)

    def ms(found: float) -> str:
        return f"{found / n * 1e3:.2f} ms an image"

    table(
        f"Scoring {n} stored images of {SIDE}×{SIDE}",
        [
            ("decoding the PNG files of predictions and truth, one core", ms(floor)),
            ("the pass with the plain histograms alone, one core", ms(plain)),
            ("the share of it that is decoding", f"{floor / plain:.0%}"),
            ("the pass with all counts but boundaries, one core", ms(without)),
            ("`forgebench.score` without boundaries and regions, one core, 2000 resamples", ms(light)),
            ("the share of it that is decoding", f"{floor / light:.0%}"),
            ("`forgebench.score` without boundaries, one core", ms(score)),
            ("`forgebench.score`, one core", ms(full)),
            ("without both, two workers against one: the pass", f"{plain / parallel[0]:.2f} times"),
            ("without both, two workers against one: the score", f"{light / parallel[1]:.2f} times"),
        ],
    )


def _lists(values: list[Any]) -> NDArray[Any]:
    """A column: numbers as they are, lists as objects."""
    if np.ndim(values[0]) == 0:
        return np.array(values)
    column = np.empty(len(values), object)
    column[:] = values
    return column


def many() -> Table:
    """A table of 10 000 images, half of them authentic, each a group of its own: 50 pictures again and again."""
    rng = np.random.default_rng(1)
    pairs = [(heat, mask & (i % 2 > 0)) for i, (heat, mask) in enumerate(pictures())]
    counts, again = [pixel_counts(*pair) for pair in pairs], np.arange(RESAMPLED) % PATTERNS
    wanted_here = families(WITHOUT_BOUNDARY)
    counted = [{name: c for family in wanted_here for name, c in family.count(_shown(*pair)).items()} for pair in pairs]
    tampered_px = np.array([np.count_nonzero(mask) for _, mask in pairs])
    names = np.array([f"{i:06d}" for i in range(RESAMPLED)])
    return Table(
        sample_id=names, group=names, tampered=(tampered_px > 0)[again], score=rng.random(RESAMPLED),
        valid=np.ones(RESAMPLED, bool), hist_tampered=np.stack([one.tampered for one in counts])[again],
        hist_authentic=np.stack([one.authentic for one in counts])[again], tampered_px=tampered_px[again],
        authentic_px=SIDE * SIDE - tampered_px[again], supervision="pixel", outputs=("score", "mask", "explanation"),
        extra={column: _lists([one[column] for one in counted])[again] for column in counted[0]},
    )  # fmt: skip


def resampling(_: int) -> None:
    """All numbers and their intervals from 10 000 images' counts, region AP apart."""
    start = many()
    plain = replace(FORGEBENCH, metrics=tuple(metric for metric in FORGEBENCH.metrics if metric.id not in AP))
    regions = replace(FORGEBENCH, metrics=tuple(metric for metric in FORGEBENCH.metrics if metric.id in AP))

    def takes(definition: Definition, resamples: int) -> str:
        # A fresh table: what metrics share of it is part of the work.
        return f"{seconds(lambda: compute(replace(start), [definition], 0, resamples=resamples), 1):.2f} s"

    table(
        f"Numbers of {RESAMPLED} images from their counts, one core",
        [
            (f"{len(plain.metrics)} metrics and 2000 resamples, without boundaries and region AP", takes(plain, 2000)),
            ("the same with one resample", takes(plain, 1)),
            ("mask AP and box AP, matching included, and one resample", takes(regions, 1)),
            ("mask AP and box AP and 2000 resamples", takes(regions, 2000)),
        ],
    )


def memory(n: int) -> None:
    """The most memory that scoring holds, a process for each number of images; the data are made in another."""
    rows = []
    for images in (n // 4, n // 2, n):
        with tempfile.TemporaryDirectory() as name:
            _python(f"from pathlib import Path; from perf.scoring import make; make(Path({name!r}), {images})")
            peak = float(_python(f"from perf.scoring import score_alone; score_alone({name!r})"))
        rows.append((f"peak memory, {images} images, one worker", f"{peak:.0f} MB"))
    table(f"Memory of `forgebench.score`, {SIDE}×{SIDE}", rows)


def score_alone(folder: str) -> None:
    """Score, print the peak memory in MB, and make sure that nothing asked for torch."""
    forgebench.score(f"{folder}/submission", f"{folder}/benchmark", workers=1)
    assert "torch" not in sys.modules
    print(peak_mb())


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


def imports(_: int) -> None:
    """What `import forgebench` takes, in processes of their own, and whether scoring takes torch with it."""
    code = "import time; start = time.perf_counter(); import forgebench; print(time.perf_counter() - start)"
    lazy = "import sys; import forgebench.scoring.score; print('torch' in sys.modules)"
    table(
        "Imports",
        [
            ("`import forgebench`", f"{min(float(_python(code)) for _ in range(5)):.3f} s"),
            ("torch is imported by what scores", _python(lazy).strip().replace("False", "no").replace("True", "yes")),
        ],
    )


PARTS = {
    "arrays": arrays, "families": further, "files": files, "resampling": resampling, "memory": memory,
    "imports": imports,
}  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them unless named")
    parser.add_argument("-n", type=int, default=1000, help="stored images")
    arguments = parser.parse_args()
    print(machine())
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.n)
