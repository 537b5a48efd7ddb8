"""The plugin as FiftyOne itself finds, loads and runs it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import forgebench
from forgebench.benchmark import Benchmark
from forgebench.browse import browse
from forgebench.browse.app import add_plugin
from forgebench.browse.truth import ID
from forgebench.scoring.subsets import read_subsets

OURS = "@forgebench/forgebench"


@pytest.fixture
def dataset(fo: ModuleType, benchmark: Benchmark, scores: Path) -> Any:
    add_plugin()
    return browse(benchmark, [scores]).dataset


def done(name: str, dataset: Any, **context: Any) -> Any:
    import fiftyone.operators as foo

    result = foo.execute_operator(f"{OURS}/{name}", {"dataset": dataset, **context})
    finished = asyncio.run(result) if asyncio.iscoroutine(result) else result
    assert finished.error is None, finished.error
    return finished


def run(name: str, dataset: Any, **context: Any) -> dict[str, Any]:
    return dict(done(name, dataset, **context).result)


def panel(method: str, dataset: Any, **params: Any) -> str:
    """All that the panel tells the App to do after an event."""
    about = {"__method__": method, "panel_id": "p", **params}
    return str(done("threshold", dataset, params=about).executor.to_json())


def test_it_is_found_with_all_its_parts(dataset: Any):
    import fiftyone.operators as foo
    import fiftyone.plugins as fop

    (plugin,) = [one for one in fop.list_plugins(builtin=False) if one.name == OURS]
    names = {f"{OURS}/{name}" for name in plugin.operators}
    found = {one.uri for one in foo.list_operators() if one.uri.startswith(OURS)}
    assert found == names
    assert f"{OURS}/threshold" in names


def test_tagged_samples_become_a_subset(dataset: Any, benchmark: Benchmark, scores: Path, tmp_path: Path):
    dataset.match({ID: {"$in": ["tampered-big", "tampered-off"]}}).tag_samples("hard")
    file = tmp_path / "hard.txt"
    said = run("export_list", dataset, params={"which": "tag: hard", "file": str(file)})["said"]
    assert said.startswith("2 samples in ")
    submission = scores.parent / "submission"
    record = forgebench.score(submission, benchmark, subsets=read_subsets([file]), workers=1)
    assert record.subsets == {"hard": ["tampered-big", "tampered-off"]}
    again = run("export_list", dataset, params={"which": "samples in view", "file": str(file)})["said"]
    assert "exists" in again
    assert file.read_text() == "tampered-big\ntampered-off\n"


def test_a_view_is_exported(dataset: Any, tmp_path: Path):
    view = dataset.load_saved_view("centre box: small regions")
    params = {"format": "folder", "out": str(tmp_path / "out")}
    assert run("export_view", dataset, view=view, params=params)["said"].startswith("1 samples in ")
    assert (tmp_path / "out" / "masks" / "tampered-tiny.png").is_file()
    assert "exists. Choose another" in run("export_view", dataset, view=view, params=params)["said"]


def test_the_panel_counts_and_shows_at_another_threshold(dataset: Any):
    assert "At 0.50, byte 128 and above, of 9 samples in view" in panel("on_load", dataset)
    told = panel("moved", dataset, value=0.25)
    assert "At 0.25, byte 64 and above" in told
    assert "centre box|" in told
    assert "reload_dataset" in panel("show", dataset, panel_state={"threshold": 0.25})
    dataset.reload()
    assert dataset.info["forgebench"]["methods"]["centre_box"]["byte"] == 64
    assert Path(dataset.first().centre_box_mask.mask_path).parent.name == "mask-64"
