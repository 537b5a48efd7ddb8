"""The site builds strictly: no dead link, no missing page; each data set, metric and command has its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forgebench.metrics import DEFINITIONS
from forgebench.sources import SOURCES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_data_set_metric_and_command_has_its_place(site):
    assert all((site / "datasets" / f"{name}.html").is_file() for name in SOURCES)
    metrics = [metric.id for metric in DEFINITIONS["forgebench"].metrics]
    assert all((site / "metrics" / f"{name}.html").is_file() for name in metrics)
    commands = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    for command in ("forgebench demo", "forgebench doctor", "python -m baselines train"):
        assert f"<code>{command}</code>" in commands


def test_a_metrics_page_shows_what_it_rewards(site):
    page = (site / "metrics" / "pixel_f1.html").read_text(encoding="utf-8")
    assert page.count("<image ") == 9
    assert "1.000</text>" in page


def test_it_opens_from_disk_and_fetches_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "fonts.googleapis" not in text, page
        assert 'src="http' not in text, page


def test_it_can_be_searched(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert any("casia" in entry["location"] for entry in index["docs"])
