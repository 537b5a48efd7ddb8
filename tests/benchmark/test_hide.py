"""The two halves: what the public one does not tell, and that the private one scores what the public one was given."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from small import Scene, make

import forgebench
from forgebench import Halves, InputError, controls


@pytest.fixture(scope="module", name="whole")
def whole_fixture(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module", name="halves")
def halves_fixture(whole: Scene, tmp_path_factory: pytest.TempPathFactory) -> Halves:
    folder = tmp_path_factory.mktemp("halves")
    return forgebench.hide(whole.benchmark, public=folder / "p", private=folder / "q", workers=1)


def test_both_halves_verify_and_say_one_content_hash(halves: Halves) -> None:
    assert halves.public.content_hash == halves.private.content_hash
    for half in halves:
        assert forgebench.verify(half.path, workers=1) == []


def test_nothing_of_the_truth_is_in_the_public_half(whole: Scene, halves: Halves) -> None:
    for row in halves.public.rows("test"):
        assert re.fullmatch("[0-9a-f]{20}", row["sample_id"])
        assert row["group"] == row["sample_id"]
        told = {name: row[name] for name in ("label", "manipulation", "scribble", "mask", "source_mask", "explanation")}
        assert set(told.values()) == {None}
        assert row["boxes"] == []
        assert Path(row["image"]["path"]).stem == row["sample_id"]
    text = b"".join(file.read_bytes() for file in halves.public.path.rglob("*") if file.suffix in (".md", ".json"))
    assert not any(sample_id.encode() in text for sample_id in whole.truth)
    counts = halves.public.manifest.splits["test"]
    assert (counts.samples, counts.authentic, counts.tampered) == (len(whole.truth), 0, 0)


def test_images_and_truth_are_those_of_the_whole(whole: Scene, halves: Halves) -> None:
    names = json.loads((halves.private.path / "hidden.json").read_text())["names"]
    before = {row["sample_id"]: row for row in whole.benchmark.rows("test")}
    public = {row["sample_id"]: row for row in halves.public.rows("test")}
    for row in halves.private.rows("test"):
        old = before[names[row["sample_id"]]]
        assert row["image"]["bytes"] == old["image"]["bytes"] == public[row["sample_id"]]["image"]["bytes"]
        assert (row["label"], row["boxes"], row["mask"]["bytes"]) == (old["label"], old["boxes"], old["mask"]["bytes"])
    order = [row["sample_id"] for row in halves.public.rows("test")]
    assert order == sorted(order)


def test_predicted_in_public_scored_in_private(whole: Scene, halves: Halves, tmp_path: Path) -> None:
    forgebench.predict(controls.centre_box(), halves.public, tmp_path / "sub")
    forgebench.predict(controls.centre_box(), whole.benchmark, tmp_path / "open")
    assert forgebench.validate(tmp_path / "sub", halves.public, workers=1) == []
    hidden = forgebench.score(tmp_path / "sub", halves.private, workers=1)
    told = forgebench.score(tmp_path / "open", whole.benchmark, workers=1)
    assert {(m.metric, m.value) for m in hidden.metrics} == {(m.metric, m.value) for m in told.metrics}
    with pytest.raises(InputError, match="is hidden"):
        forgebench.score(tmp_path / "sub", halves.public, workers=1)
    with pytest.raises(InputError, match="is hidden"):
        forgebench.degrade(halves.public, tmp_path / "d", recipe="jpeg-70")
    with pytest.raises(InputError, match="is hidden"):
        forgebench.hide(halves.public, public=tmp_path / "pp", private=tmp_path / "qq")


def test_the_hash_depends_on_a_secret(whole: Scene, halves: Halves, tmp_path: Path) -> None:
    again = forgebench.hide(whole.benchmark, public=tmp_path / "p", private=tmp_path / "q", workers=1)
    assert again.public.content_hash != halves.public.content_hash
    assert halves.private.content_hash != whole.benchmark.content_hash


def test_a_place_that_is_taken_and_a_split_that_is_not(whole: Scene, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("taken")
    with pytest.raises(InputError, match="exists already"):
        forgebench.hide(whole.benchmark, public=tmp_path / "p", private=tmp_path / "q")
    with pytest.raises(InputError, match="no split 'train'"):
        forgebench.hide(whole.benchmark, public=tmp_path / "pp", private=tmp_path / "q", splits=["train"])
