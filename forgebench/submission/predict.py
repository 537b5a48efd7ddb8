"""Run a method over a benchmark and write its submission."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps

from forgebench import engine
from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.errors import InputError
from forgebench.schema import Prediction, Sample
from forgebench.submission.opened import Submission
from forgebench.submission.write import write_submission

BATCH = 8


class Method(Protocol):
    """Anything that predicts. Attributes `name` and `supervision` are used where there are any."""

    def predict(self, samples: Sequence[Sample]) -> Iterable[Prediction]:
        """One prediction a sample, in any order."""


def predict(
    method: str | Method,
    benchmark: Benchmark | str | Path,
    out: str | Path,
    *,
    split: str = "test",
    device: str | None = None,
) -> Submission:
    """Predict every sample of a split. The method sees images, never the truth.

    Args:
        method: An object with `predict(samples)`, or `package.module:factory` that makes one.
        benchmark: What to predict, or its folder.
        out: A folder, `name.zip` or `name.parquet`; nothing may lie there.
        split: Which split.
        device: Handed to the factory as `device=` where given.

    Raises:
        InputError: If there is no such method, or its predictions cannot be used.
    """
    benchmark = open_benchmark(benchmark)
    name = method if isinstance(method, str) else type(method).__name__
    runner = load_method(method, device) if isinstance(method, str) else method
    clock = _Clock()
    groups = benchmark.row_groups(split)
    total = sum(group.rows for group in groups)
    predictions = _predictions(runner, read_samples(benchmark, split), clock)
    return write_submission(
        out,
        engine.with_progress(predictions, total, f"predicting with {name}"),
        benchmark=benchmark,
        split=split,
        method=getattr(runner, "name", name.rpartition(":")[2]),
        supervision=getattr(runner, "supervision", "zero-shot"),
        seconds_per_image=lambda: round(clock.seconds / max(1, total), 6),
    )


def load_method(name: str, device: str | None = None) -> Method:
    """The method that `package.module:factory` makes.

    Raises:
        InputError: If there is no such factory, or what it makes cannot predict.
    """
    module_name, _, factory_name = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name or "_none")
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"No method {name!r}: {error}. Name it as package.module:factory.") from error
    method: Method = factory() if device is None else factory(device=device)
    if not hasattr(method, "predict"):
        raise InputError(f"{name} makes a {type(method).__name__} without predict(samples).")
    return method


def read_samples(benchmark: Benchmark, split: str) -> Iterator[Sample]:
    """What a method may see of each sample, streamed; the truth is not even read from disk."""
    for row in benchmark.rows(split, ["sample_id", "image", "width", "height"]):
        data = row["image"]["bytes"]
        with Image.open(BytesIO(data)) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        yield Sample(row["sample_id"], data, pixels, row["width"], row["height"])


class _Clock:
    seconds = 0.0


def _predictions(method: Method, samples: Iterator[Sample], clock: _Clock) -> Iterator[Prediction]:
    batch: list[Sample] = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == BATCH:
            yield from _batch(method, batch, clock)
            batch = []
    if batch:
        yield from _batch(method, batch, clock)


def _batch(method: Method, batch: list[Sample], clock: _Clock) -> list[Prediction]:
    start = time.perf_counter()
    predictions = list(method.predict(batch))
    clock.seconds += time.perf_counter() - start
    asked, given = {s.sample_id for s in batch}, {p.sample_id for p in predictions}
    if asked != given or len(predictions) != len(batch):
        wrong = ", ".join(sorted(asked ^ given)) or "one of them twice"
        raise InputError(f"Expected one prediction for each of {len(batch)} samples; wrong: {wrong}")
    return predictions
