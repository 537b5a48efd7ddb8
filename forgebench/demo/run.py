"""Photographs → synthetic benchmark → predictions → verified scores → report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from forgebench import controls
from forgebench.benchmark import Benchmark, synthesize
from forgebench.errors import ForgeBenchError, InputError
from forgebench.report import write_report
from forgebench.schema import LEVELS
from forgebench.scoring import compare, score, verify
from forgebench.scoring.record import Record
from forgebench.submission import predict, validate

PHOTOS = Path(__file__).parent / "photos"
"""Fifteen free photographs; `ATTRIBUTION.md` there names their authors and licences."""
LICENCE = (
    "CC BY 4.0 (Aitzol Berasategi, Trevor “Freespace”, Jakub Mede), CC BY 2.0 (danielbuechele, vultilion), CC0 1.0 "
    "(Clemens Engelhardt, Rachel Michetti, Stefan van der Walt), public domain (NASA, James S. Davis of the US Navy); "
    "the forgeries are changed from them."
)
SAMPLES = 60
METHODS = {"jpeg-ghost": controls.jpeg_ghost, "centre-box": controls.centre_box, "random": controls.random}

_MARK = "demo.json"


@dataclass(frozen=True)
class Demo:
    """What the demo made, and where."""

    benchmark: str
    content_hash: str
    predictions: dict[str, str]
    """SHA-256 of each method's predictions."""
    metrics: dict[str, dict[str, float | None]]
    """The numbers of each method."""
    report: str


def run_demo(out: str | Path, *, seed: int = 0, workers: int | None = None, say: Callable[[str], None] = print) -> Demo:
    """Make, load, predict, validate, score, verify and report; an earlier demo at `out` is replaced.

    Args:
        out: A folder.
        seed: Of the forgeries and of the bootstrap: same seed, same content hash, predictions and metrics.
        workers: Number of processes; None takes all cores.
        say: Told what is being done.

    Raises:
        InputError: If `out` holds something else.
    """
    out = Path(out)
    _make_room(out)
    say(f"1  Forging {SAMPLES} samples from {len(list(PHOTOS.glob('*.jpg')))} photographs")
    made = out / "benchmark"
    benchmark = synthesize(PHOTOS, made, n=SAMPLES, recipe="demo", seed=seed, licence=LICENCE, workers=workers)
    say("2  Loading it with datasets.load_dataset, at four levels of annotation")
    for level in LEVELS:
        first = next(iter(benchmark.load(level, streaming=True)))
        say(f"     {level:9} {', '.join(first)}")
    records = {name: _score(benchmark, name, out, seed, workers, say) for name in METHODS}
    folders = [out / "scores" / name for name in METHODS]
    say("4  Verifying the records: every number computed again")
    for folder in folders:
        if problems := verify(folder):
            raise ForgeBenchError(f"{folder} does not verify: {problems[0]}")
    tiers = compare(folders, metric="pixel_f1", seed=seed).tiers
    say("     pixel F1 in tiers: " + ", ".join(f"{tier} {name}" for name, tier in tiers.items()))
    say("5  Writing the report")
    page = write_report(folders, out / "report.html", benchmark=benchmark)
    demo = Demo(
        str(benchmark.path),
        benchmark.content_hash,
        {name: record.predictions.sha256 for name, record in records.items()},
        {name: {one.metric: one.value for one in record.metrics} for name, record in records.items()},
        str(page),
    )
    (out / _MARK).write_text(json.dumps(asdict(demo), indent=1) + "\n", encoding="utf-8")
    return demo


def _make_room(out: Path) -> None:
    """Remove an earlier demo, whole or cut off; nothing else."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file. Choose another --out.")
    names = {path.name for path in out.iterdir()} if out.is_dir() else set[str]()
    if names and _MARK not in names:
        raise InputError(f"{out} holds something that is no demo. Choose another --out, or remove it first.")
    if names:
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).write_text("{}\n", encoding="utf-8")


def _score(
    benchmark: Benchmark, name: str, out: Path, seed: int, workers: int | None, say: Callable[[str], None]
) -> Record:
    say(f"3  {name}: predict, validate, score")
    submission = predict(METHODS[name](), benchmark, out / "submissions" / name)
    if problems := validate(submission, benchmark, workers=workers):
        raise ForgeBenchError(f"{submission.path} is not valid: {problems[0]}")
    record = score(submission, benchmark, out / "scores" / name, seed=seed, workers=workers)
    numbers = ", ".join(f"{metric} {record.value(metric):.3f}" for metric in ("pixel_f1", "pixel_auc", "image_auc"))
    say(f"     {numbers}")
    return record
