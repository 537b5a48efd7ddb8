"""Run a method over a benchmark and write its submission."""

from __future__ import annotations

import importlib
import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageOps

from forgebench import engine
from forgebench.benchmark import Benchmark, open_benchmark, open_grid
from forgebench.errors import InputError
from forgebench.schema import Prediction, Sample
from forgebench.submission.opened import Submission, open_submission
from forgebench.submission.write import write_submission

ABOUT = "method.json"
"""In a method's folder: the factory that is called with the folder."""
BATCH = 8
"""Samples to one call of `predict`, unless the method has a `batch_size`."""
_AHEAD = 32
"""Samples that are decoded while the method works."""


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
        method: An object with `predict(samples)`, `package.module:factory` that makes one, or a folder whose
            `method.json` names the factory that is called with it.
        benchmark: What to predict, or its folder.
        out: A folder, `name.zip` or `name.parquet`; nothing may lie there.
        split: Which split.
        device: Handed to the factory as `device=` where given.

    Raises:
        InputError: If there is no such method, or its predictions cannot be used.
    """
    benchmark = open_benchmark(benchmark)
    return _predict(*_loaded(method, device), benchmark, out, split)


def predict_grid(
    method: str | Method, grid: str | Path, out: str | Path, *, split: str = "test", device: str | None = None
) -> list[Submission]:
    """Predict a split of every benchmark of a grid, each into `out/RECIPE.parquet`.

    What an earlier run has finished is taken as it is: a killed one is continued by the same call.

    Args:
        method: As `predict` takes it; it is loaded once.
        grid: The grid's folder.
        out: A folder.
        split: Which split.
        device: Handed to the factory as `device=` where given.

    Raises:
        NotFoundError: If there is no such grid.
        InputError: If there is no such method, its predictions cannot be used, or what lies at `out` is not its own.
    """
    cells, (runner, name) = open_grid(grid).cells, _loaded(method, device)
    targets = {cell: Path(out) / f"{cell.recipe}.parquet" for cell in cells}
    done = {
        cell: _finished(target, _name(runner, name), cell.content_hash, split)
        for cell, target in targets.items()
        if target.exists()
    }
    Path(out).mkdir(parents=True, exist_ok=True)
    return [
        done.get(cell) or _predict(runner, name, open_benchmark(Path(grid) / cell.path), target, split)
        for cell, target in targets.items()
    ]


def _finished(path: Path, method: str, content_hash: str, split: str) -> Submission:
    """What an earlier run has predicted."""
    found, _ = open_submission(path)
    about = None if found is None else (found.manifest.method, found.manifest.content_hash, found.manifest.split)
    if found is None or about != (method, content_hash, split):
        raise InputError(
            f"{path} exists already, and does not hold predictions of {method} for {split} of the grid's benchmark. "
            "Choose another --out, or remove it first."
        )
    return found


def _loaded(method: str | Method, device: str | None) -> tuple[Method, str]:
    """The method, and what it is called where it has no name of its own."""
    return (load_method(method, device), method) if isinstance(method, str) else (method, type(method).__name__)


def _name(runner: Method, name: str) -> str:
    return str(getattr(runner, "name", name.rpartition(":")[2]))


def _predict(runner: Method, name: str, benchmark: Benchmark, out: str | Path, split: str) -> Submission:
    clock = _Clock()
    groups = benchmark.row_groups(split)
    total = sum(group.rows for group in groups)
    predictions = _predictions(runner, read_samples(benchmark, split), clock)
    return write_submission(
        out,
        engine.with_progress(predictions, total, f"predicting {benchmark.name} with {name}"),
        benchmark=benchmark,
        split=split,
        method=_name(runner, name),
        supervision=getattr(runner, "supervision", "zero-shot"),
        seconds_per_image=lambda: round(clock.seconds / max(1, total), 6),
    )


def load_method(name: str, device: str | None = None) -> Method:
    """The method that `package.module:factory` makes, or that of a folder with `method.json`.

    Raises:
        InputError: If there is no such factory, or what it makes cannot predict.
    """
    folder: tuple[Path, ...] = ()
    if (Path(name) / ABOUT).is_file():
        folder, name = (Path(name),), _factory(Path(name) / ABOUT)
    module_name, _, factory_name = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name or "_none")
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"No method {name!r}: {error}. Name it as package.module:factory.") from error
    method: Method = factory(*folder) if device is None else factory(*folder, device=device)
    if not hasattr(method, "predict"):
        raise InputError(f"{name} makes a {type(method).__name__} without predict(samples).")
    return method


def _factory(file: Path) -> str:
    """The factory that a method's folder names."""
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["factory"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f'{file} does not name a factory: expected {{"factory": "package.module:name"}}.') from error


def read_samples(benchmark: Benchmark, split: str) -> Iterator[Sample]:
    """What a method may see of each sample, streamed; the truth is not even read from disk.

    Images are decoded ahead on all cores, while the method works.
    """
    rows = benchmark.rows(split, ["sample_id", "image", "width", "height"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = deque(pool.submit(_decoded, row) for row in islice(rows, _AHEAD))
        while waiting:
            sample = waiting.popleft().result()
            waiting.extend(pool.submit(_decoded, row) for row in islice(rows, 1))
            yield sample


def _decoded(row: dict[str, Any]) -> Sample:
    data = row["image"]["bytes"]
    with Image.open(BytesIO(data)) as image:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    return Sample(row["sample_id"], data, pixels, row["width"], row["height"])


class _Clock:
    seconds = 0.0


def _predictions(method: Method, samples: Iterator[Sample], clock: _Clock) -> Iterator[Prediction]:
    size = getattr(method, "batch_size", BATCH)
    for batch in iter(lambda: list(islice(samples, size)), []):
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
