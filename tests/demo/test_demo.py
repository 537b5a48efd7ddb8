"""The whole story, twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import forgebench
from forgebench.demo import PHOTOS, run_demo
from forgebench.errors import InputError


def test_one_seed_gives_the_same_hashes_and_numbers(tmp_path: Path) -> None:
    said: list[str] = []
    first = run_demo(tmp_path / "a", say=said.append)
    again = run_demo(tmp_path / "a", say=said.append, workers=1)
    assert (first.content_hash, first.predictions, first.metrics) == (
        again.content_hash,
        again.predictions,
        again.metrics,
    )
    assert json.loads((tmp_path / "a/demo.json").read_text())["content_hash"] == first.content_hash
    assert Path(first.report).stat().st_size > 100_000
    for name in first.predictions:
        assert forgebench.verify(tmp_path / "a/scores" / name) == []
    ghost, box = first.metrics["jpeg-ghost"], first.metrics["centre-box"]
    assert (ghost["pixel_auc"] or 0) > (box["pixel_auc"] or 1), "the detector must see what the control cannot"


def test_nothing_but_an_earlier_demo_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match="no demo"):
        run_demo(tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").read_text() == "all of it"


def test_every_photograph_is_attributed_and_small() -> None:
    text = (PHOTOS / "ATTRIBUTION.md").read_text()
    photos = sorted(PHOTOS.glob("*.jpg"))
    assert len(photos) == 15
    for path in photos:
        assert f"| {path.name} |" in text
        with Image.open(path) as image:
            assert max(image.size) <= 1024
    assert sum(path.stat().st_size for path in photos) < 3.2e6
