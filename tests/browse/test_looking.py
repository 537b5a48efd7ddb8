"""Error maps, thresholds, definitions, disagreements and audits in FiftyOne, against the pixels themselves."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import f1_score

import forgebench
from forgebench import controls
from forgebench.audits import audit, write_audit
from forgebench.benchmark import Benchmark
from forgebench.browse import browse, numbers
from forgebench.browse.counts import counts_at, counts_in_words
from forgebench.browse.names import object_id
from forgebench.browse.truth import ID, INFO
from forgebench.errors import InputError, NotFoundError
from forgebench.scoring.scored import read_scored

from .conftest import score


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def noise(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return score(controls.random(), benchmark, tmp_path_factory.mktemp("noise"))


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_masks_errors_and_numbers_are_those_of_the_threshold(
    fo: ModuleType, benchmark: Benchmark, noise: Path, threshold: float
):
    dataset = browse(benchmark, [noise], threshold=threshold).dataset
    for sample in dataset:
        truth, map_ = pixels(sample.ground_truth.mask_path) > 0, pixels(sample.random_map.map_path)
        called = map_ / 255 >= threshold
        assert np.array_equal(pixels(sample.random_mask.mask_path) > 0, called)
        expected = np.select([called & truth, truth, called], [1, 2, 3], 0)
        assert np.array_equal(pixels(sample.random_errors.mask_path), expected)
        if sample.label == "tampered":
            assert sample.random_pixel_f1 == pytest.approx(f1_score(truth.ravel(), called.ravel()))
        else:
            assert sample.random_false_area == pytest.approx(called.mean())
    assert dataset.mask_targets["random_errors"] == {1: "hit", 2: "miss", 3: "false alarm"}
    titles = [group.name for group in dataset.app_config.sidebar_groups]
    assert titles[1] == ("random" if threshold == 0.5 else "random, threshold 0.902")


def test_another_threshold_needs_no_predictions(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    scores = score(controls.centre_box(), benchmark, tmp_path)
    browse(benchmark, [scores])
    (tmp_path / "submission").rename(tmp_path / "gone")
    low = browse(benchmark, [scores], threshold=0.001)
    assert low.without_map == {}
    assert pixels(low.dataset.first().centre_box_mask.mask_path).min() in (0, 255)
    folder = Path(low.dataset.first().centre_box_mask.mask_path).parents[1]
    assert sorted(path.name for path in folder.iterdir()) == ["errors-1", "map", "mask-1"]


def test_bad_thresholds_and_definitions_are_refused(benchmark: Benchmark):
    with pytest.raises(InputError, match=r"above 0 and at most 1, got 1\.5"):
        browse(benchmark, threshold=1.5)
    with pytest.raises(InputError, match=r"No definition mvps\. There are: forgebench, mvss"):
        browse(benchmark, definition="mvps")


def test_a_definitions_numbers_average_to_the_records(fo: ModuleType, benchmark: Benchmark, noise: Path):
    folder = noise.parent / "by mvss"
    forgebench.score(noise.parent / "submission", benchmark, folder, definitions=["forgebench", "mvss"], workers=1)
    dataset = browse(benchmark, [folder], definition="mvss").dataset
    record, _ = forgebench.read_record(folder)
    fields = [name for name in dataset.get_field_schema() if name.startswith("random_mvss_")]
    assert "random_mvss_pixel_f1" in fields
    for field in fields:
        assert dataset.mean(field) == pytest.approx(record.value(field.removeprefix("random_mvss_"), "mvss")), field
    assert set(fields) <= set(dataset.app_config.active_fields.paths)
    again = browse(benchmark, [folder]).dataset
    assert not [name for name in again.get_field_schema() if name.startswith("random_mvss_")]
    with pytest.raises(InputError, match="was not scored by definition mvss, but by forgebench"):
        browse(benchmark, [noise], definition="mvss")


def test_two_methods_that_disagree_most_come_first(fo: ModuleType, benchmark: Benchmark, scores: Path, noise: Path):
    browse(benchmark, [scores])
    browsed = browse(benchmark, [noise])
    name = "centre box and random: disagreements"
    apart = {}
    for sample in browsed.dataset:
        field = "pixel_f1" if sample.label == "tampered" else "false_area"
        apart[sample[ID]] = abs(sample[f"centre_box_{field}"] - sample[f"random_{field}"])
    shown = browsed.dataset.load_saved_view(name).values(ID)
    assert shown == sorted(apart, key=lambda one: (-apart[one], one))
    assert browsed.views[name] == 9


def test_what_an_audit_found_becomes_views(fo: ModuleType, tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("tampered", "masks", "authentic"):
        (tmp_path / "in" / name).mkdir(parents=True)
    for index in range(4):
        small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        picture = small.resize((96, 96), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "in" / "authentic" / f"a{index}.png")
        if index == 2:
            picture.save(tmp_path / "in" / "authentic" / "copy.jpg", quality=90)
    mask = np.full((96, 96), 255, np.uint8)
    Image.fromarray(mask).save(tmp_path / "in" / "masks" / "whole.png")
    picture.rotate(90).save(tmp_path / "in" / "tampered" / "whole.png")
    built = forgebench.build("folder", tmp_path / "in", tmp_path / "bench", workers=1)
    with pytest.raises(NotFoundError, match="Make one with: forgebench audit"):
        browse(built, audit=tmp_path)
    write_audit(audit(built, resamples=20, workers=1), tmp_path / "audit")
    browsed = browse(built, audit=tmp_path / "audit")
    assert browsed.dataset.load_saved_view("near duplicates").values(ID) == ["authentic-a2", "authentic-copy"]
    copy = browsed.dataset.match({ID: "authentic-copy"}).first()
    assert copy.duplicates[0].startswith(f"{built.name}/test/authentic-a2 (near, ")
    odd = browsed.dataset.load_saved_view("audit findings")
    assert odd.values(ID) == ["tampered-whole"]
    assert browsed.views["audit findings"] == 1
    assert "audit" in {group.name for group in browsed.dataset.app_config.sidebar_groups}


def test_an_audit_of_another_benchmark_is_refused(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    (tmp_path / "audit.json").write_text("{}")
    with pytest.raises(InputError, match=r"audit\.json is not an audit"):
        browse(benchmark, audit=tmp_path)


def test_manipulations_are_views(fo: ModuleType, benchmark: Benchmark):
    dataset = browse(benchmark).dataset
    dataset.match({ID: {"$in": ["tampered-big", "tampered-tiny"]}}).set_values("manipulation", ["copy_move"] * 2)
    browsed = browse(benchmark)
    assert browsed.views == {"manipulation: copy move": 2}
    assert browsed.dataset.load_saved_view("manipulation: copy move").values(ID) == ["tampered-tiny", "tampered-big"]


def test_ids_follow_from_the_samples(fo: ModuleType, benchmark: Benchmark):
    assert all(sample.id == object_id(sample[ID]) for sample in browse(benchmark).dataset)


def test_the_panel_counts_what_the_pixels_say(fo: ModuleType, benchmark: Benchmark, scores: Path):
    dataset = browse(benchmark, [scores]).dataset
    table = read_scored(scores).table
    everything = np.ones(len(table), bool)
    found = {"hits": 0, "missed": 0, "clean": 0, "alarmed": 0}
    for sample in dataset:
        seen = set(np.unique(pixels(sample.centre_box_errors.mask_path)))
        kind = ("missed", "hits")[1 in seen] if sample.label == "tampered" else ("clean", "alarmed")[3 in seen]
        found[kind] += 1
    assert counts_at(table, everything, 128)[:4] == tuple(found.values())
    assert counts_at(table, everything, 128)[4] == pytest.approx(dataset.mean("centre_box_pixel_f1"))
    methods: dict[str, Any] = dataset.info[INFO]["methods"]
    text = counts_in_words(methods, {"tampered-big"}, 0.5)
    assert text.splitlines()[0] == "At 0.50, byte 128 and above, of 1 samples in view:"
    assert text.splitlines()[-1].startswith("centre box|1|0|0|0|")
    assert "Add one" in counts_in_words({}, set(), 0.5)


def test_every_threshold_has_its_byte():
    for byte in range(1, 256):
        assert numbers.byte_of(byte / 255) == byte
