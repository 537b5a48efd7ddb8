"""The example notebooks run from top to bottom, and hold no path of the machine that they were run on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

_RUN = """
import sys, nbclient, nbformat
book = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
print(sum(cell.cell_type == "code" for cell in book.cells))
"""


def test_there_are_some():
    assert len(NOTEBOOKS) == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path):
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(path)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=400,
        env=os.environ | {"PYTHONPATH": root, "MPLBACKEND": "agg", "IPYTHONDIR": str(tmp_path / "ipython")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_outputs_are_kept_and_tell_nothing_of_a_machine(path):
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert any(cell["outputs"] for cell in cells)
    streams = [output.get("name") for cell in cells for output in cell["outputs"]]
    assert "stderr" not in streams
    assert "site-packages" not in path.read_text(encoding="utf-8")
