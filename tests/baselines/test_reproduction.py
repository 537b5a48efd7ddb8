"""The way to a paper's table that a README gives is walked, on look-alikes of the data and at preset `tiny`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lookalikes.casia import casia_v1, casia_v2
from lookalikes.classic import columbia, imd2020, nist16
from lookalikes.coverage import coverage

import forgebench

BASELINES = Path(__file__).parents[2] / "baselines"
DOWNLOADS = {
    "sapl": {"CASIA2": casia_v2, "CASIA1": casia_v1, "COVERAGE": coverage},
    "vilaco": {
        "CASIA2": casia_v2, "data/casia-v1": casia_v1, "data/columbia": columbia, "data/coverage": coverage,
        "data/imd2020": imd2020, "data/nist16": nist16,
    },
}  # fmt: skip
SHIMS = {
    "forgebench": '-m forgebench "$@"',
    "python": '"${@/#paper/tiny}"',
    "accelerate": '"${@:2}"',
}


def commands(name: str) -> str:
    """The README's block that begins with the building of CASIA v2."""
    text = (BASELINES / name / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(forgebench build casia-v2 .*?)```", text, re.DOTALL)
    return block


@pytest.mark.soak
@pytest.mark.parametrize("name", DOWNLOADS if os.environ.get("FORGEBENCH_SOAK") else ["sapl"])
def test_from_the_downloads_to_the_table(name, tmp_path):
    for folder, make in DOWNLOADS[name].items():
        make(tmp_path / folder)
    (tmp_path / "bin").mkdir()
    for shim, arguments in SHIMS.items():
        python = "python" if shim == "accelerate" else sys.executable
        (tmp_path / "bin" / shim).write_text(f"#!/bin/bash\nexec {python} {arguments}\n")
        (tmp_path / "bin" / shim).chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(BASELINES.parent), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(name)], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, _, *rows = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(DOWNLOADS[name]) - 1
    for folder, row in zip(sorted((tmp_path / "scores").iterdir()), rows, strict=True):
        record, _ = forgebench.read_record(folder)
        assert row.startswith(f"| {name} | {record.benchmark.name} | {record.benchmark.n} |")
        shown = dict(zip(head.split(" | "), row.split(" | "), strict=True))
        assert float(shown["pixel_f1"].split()[0]) == pytest.approx(record.value("pixel_f1"), abs=5e-4)
