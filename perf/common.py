"""What the benchmarks share: pictures to work on, a stopwatch, a table."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """The best of several runs, seconds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def in_turn(first: Callable[[], object], second: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """The medians of two functions run in turn, seconds: a machine whose speed drifts slows both alike."""
    times = [(seconds(first, 1), seconds(second, 1)) for _ in range(repeats)]
    return float(np.median([a for a, _ in times])), float(np.median([b for _, b in times]))


def peak_mb() -> float:
    """The most memory that this process has held, MB; `ru_maxrss` would take over that of the process it came from."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def smooth(rng: np.random.Generator, height: int, width: int, sigma: float = 8) -> NDArray[np.uint8]:
    """A random field as a heat map has it, all 256 bytes used."""
    field = ndimage.gaussian_filter(rng.random((height, width)), sigma)
    return ((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


def blob(rng: np.random.Generator, height: int, width: int, share: float = 0.08) -> NDArray[np.bool_]:
    """A random mask of one object."""
    field = ndimage.gaussian_filter(rng.random((height, width)), min(height, width) / 10)
    labels, _ = ndimage.label(field > np.quantile(field, 1 - share))
    return np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)


def photographs(folder: Path) -> list[NDArray[np.uint8]]:
    """The bundled photographs' pixels."""
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.jpg"))]


def table(title: str, rows: list[tuple[str, str]]) -> None:
    """Print figures as Markdown."""
    print(f"\n### {title}\n\n| | |\n|---|---:|")
    for name, figure in rows:
        print(f"| {name} | {figure} |")


def machine() -> str:
    """The machine and the interpreter."""
    return f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
