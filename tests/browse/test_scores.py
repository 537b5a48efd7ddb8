"""Submissions in FiftyOne: our numbers, their maps, the views' order, and what happens when they change."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, roc_auc_score

import forgebench
from forgebench import Prediction, controls
from forgebench.benchmark import Benchmark
from forgebench.browse import browse
from forgebench.browse.truth import ID
from forgebench.errors import InputError, NotFoundError

from .conftest import score, write_folder

CENTRE = ("mask", "map", "errors", "pixel_f1", "pixel_iou", "pixel_auc", "pixel_ap", "false_area", "score", "status")


def samples_of(dataset: Any) -> dict[str, Any]:
    return {sample[ID]: sample for sample in dataset}


def pixels(path: Path | str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def edited(record: Path, **changes: str) -> None:
    """Change what a submission says of itself."""
    file = record.parent / "submission" / "submission.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def noise(benchmark: Benchmark, tmp_path: Path) -> Path:
    """Scores of noise, with one mask missing, one cut short and one score that is no number."""
    folder = tmp_path / "noise"
    forgebench.predict(controls.random(), benchmark, folder / "submission")
    (folder / "submission" / "masks" / "tampered-off.png").unlink()
    broken = folder / "submission" / "masks" / "authentic-plain.png"
    broken.write_bytes(broken.read_bytes()[:500])
    table = folder / "submission" / "predictions.csv"
    lines = [line if "tampered-tiny" not in line else "tampered-tiny,nan" for line in table.read_text().splitlines()]
    table.write_text("\n".join(lines) + "\n")
    forgebench.score(folder / "submission", benchmark, folder / "scores")
    return folder / "scores"


INVALID = {"tampered-off": "missing_mask", "authentic-plain": "undecodable", "tampered-tiny": "not_finite"}


def test_numbers_are_those_of_the_pixels_shown(fo: ModuleType, benchmark: Benchmark, noise: Path):
    for sample_id, sample in samples_of(browse(benchmark, [noise]).dataset).items():
        if sample_id in INVALID:
            continue
        truth, map_ = pixels(sample.ground_truth.mask_path) > 0, pixels(sample.random_map.map_path)
        called = pixels(sample.random_mask.mask_path)
        assert np.array_equal(map_, pixels(noise.parent / "submission" / "masks" / f"{sample_id}.png"))
        assert np.array_equal(called, np.where(map_ >= 128, 255, 0))
        assert sample.random_status == "ok"
        truth, map_, called = truth.ravel(), map_.ravel(), called.ravel() > 0
        if sample.label == "tampered":
            assert sample.random_pixel_f1 == pytest.approx(f1_score(truth, called))
            assert sample.random_pixel_iou == pytest.approx(jaccard_score(truth, called))
            assert sample.random_pixel_auc == pytest.approx(roc_auc_score(truth, map_))
            assert sample.random_pixel_ap == pytest.approx(average_precision_score(truth, map_))
            assert sample.random_false_area is None
        else:
            assert sample.random_pixel_f1 is None
            assert sample.random_pixel_auc is None
            assert sample.random_false_area == pytest.approx(called.mean())


def test_invalid_predictions_are_shown_as_such(fo: ModuleType, benchmark: Benchmark, noise: Path):
    browsed = browse(benchmark, [noise])
    samples = samples_of(browsed.dataset)
    for sample_id, status in INVALID.items():
        assert samples[sample_id].random_status == status
        for name in set(CENTRE) - {"status"}:
            assert samples[sample_id][f"random_{name}"] is None
    assert browsed.views["random: invalid"] == 3
    assert set(browsed.dataset.load_saved_view("random: invalid").values(ID)) == set(INVALID)
    assert not set(INVALID) & set(browsed.dataset.load_saved_view("random: worst misses").values(ID))


def test_views_go_from_worst_to_best(fo: ModuleType, benchmark: Benchmark, noise: Path):
    browsed = browse(benchmark, [noise])
    table = pd.read_parquet(noise / "per_image.parquet").query("status == 'ok'")
    numbers = pd.DataFrame([
        forgebench.metrics.pixel_numbers(forgebench.metrics.PixelCounts(t, a))
        for t, a in zip(table.hist_tampered, table.hist_authentic, strict=True)
    ])  # fmt: skip
    table["f1"] = numbers.pixel_f1.to_numpy()
    table["false"] = [h[128:].sum() for h in table.hist_authentic] / table.authentic_px
    views = {
        "worst misses": table.query("label == 'tampered'").sort_values("f1"),
        "false alarms": table.query("label == 'authentic'").sort_values("false", ascending=False),
    }
    assert list(browsed.views) == [f"random: {name}" for name in (*views, "invalid")]
    for name, expected in views.items():
        assert len(expected) >= 3
        assert browsed.views[f"random: {name}"] == len(expected)
        shown = browsed.dataset.load_saved_view(f"random: {name}").values(ID)
        assert shown == list(expected.sample_id)


def test_small_regions_are_a_view(fo: ModuleType, benchmark: Benchmark, scores: Path):
    browsed = browse(benchmark, [scores])
    assert browsed.dataset.load_saved_view("centre box: small regions").values(ID) == ["tampered-tiny"]
    assert "centre box: invalid" not in browsed.views


def test_misses_alike_are_ordered_by_size_then_id(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    browsed = browse(benchmark, [score(controls.all_black(), benchmark, tmp_path)])
    shown = browsed.dataset.load_saved_view("all black: worst misses").values(ID)
    area = {sample[ID]: sample.tampered_area for sample in browsed.dataset}
    assert shown == sorted((i for i in area if area[i] > 0), key=lambda i: (-area[i], i))


def test_masks_of_truth_and_prediction_are_visible(fo: ModuleType, benchmark: Benchmark, scores: Path):
    config = browse(benchmark, [scores]).dataset.app_config
    assert {"ground_truth", "centre_box_mask", "centre_box_pixel_f1"} <= set(config.active_fields.paths)
    groups = {group.name: group.paths for group in config.sidebar_groups}
    assert set(groups["centre box"]) == {f"centre_box_{name}" for name in CENTRE}
    assert "ground_truth" in groups["truth"]
    colours = {field["path"]: field["fieldColor"] for field in config.color_scheme.fields}
    assert colours["ground_truth"] != colours["centre_box_mask"]


def test_a_second_submission_adds_fields(fo: ModuleType, benchmark: Benchmark, scores: Path, noise: Path):
    first = browse(benchmark, [scores]).dataset
    before = first.values([ID, "centre_box_pixel_f1"])
    second = browse(benchmark, [noise]).dataset
    assert second.name == first.name
    assert second.values([ID, "centre_box_pixel_f1"]) == before
    assert len(second) == 9
    assert {f"{slug}_{name}" for slug in ("centre_box", "random") for name in CENTRE} <= set(second.get_field_schema())
    assert {"centre box", "random"} <= {group.name for group in second.app_config.sidebar_groups}


def test_again_with_the_same_scores_changes_nothing(fo: ModuleType, benchmark: Benchmark, scores: Path):
    browsed = browse(benchmark, [scores])
    fields = [ID, *(f"centre_box_{name}" for name in CENTRE if name not in ("mask", "map", "errors"))]
    before = browsed.dataset.values(fields)
    maps = browsed.dataset.values("centre_box_map.map_path")
    times = [Path(path).stat().st_mtime_ns for path in maps]
    again = browse(benchmark, [scores, scores])
    assert again.views == browsed.views
    assert again.dataset.values(fields) == before
    assert again.dataset.values("centre_box_map.map_path") == maps
    assert [Path(path).stat().st_mtime_ns for path in maps] == times


class _ScoreOnly:
    """Says how likely, not where."""

    name = "Score only 3D"
    supervision = "image"

    def predict(self, samples: list[forgebench.Sample]) -> list[Prediction]:
        return [Prediction(s.sample_id, math.fmod(len(s.data) * 0.137, 1)) for s in samples]


def test_a_submission_without_masks(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    browsed = browse(benchmark, [score(_ScoreOnly(), benchmark, tmp_path)])
    fields = [name for name in browsed.dataset.get_field_schema() if name.startswith("score_only_3d")]
    assert sorted(fields) == ["score_only_3d_score", "score_only_3d_status"]
    assert browsed.without_map == {}
    by_label = {label: [] for label in ("tampered", "authentic")}
    for sample in browsed.dataset:
        by_label[sample.label].append((sample.score_only_3d_score, sample[ID]))
    for name, expected in (
        ("worst misses", sorted(by_label["tampered"])), ("false alarms", sorted(by_label["authentic"], reverse=True))
    ):  # fmt: skip
        view = browsed.dataset.load_saved_view(f"Score only 3D: {name}")
        assert view.values(ID) == [sample_id for _, sample_id in expected]
    assert browsed.dataset.app_config.active_fields.paths == ["label", "ground_truth", "score_only_3d_score"]


def test_other_predictions_of_a_name_replace_the_earlier(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    white = score(controls.all_white(), benchmark, tmp_path / "a")
    old = browse(benchmark, [white]).dataset
    folder = Path(old.first().all_white_map.map_path).parents[1]
    assert old.bounds("all_white_false_area") == (1, 1)
    black = score(controls.Control("all white", controls.all_black().one), benchmark, tmp_path / "b")
    new = browse(benchmark, [black])
    assert new.dataset.bounds("all_white_false_area") == (0, 0)
    assert pixels(new.dataset.first().all_white_map.map_path).max() == 0
    assert not folder.exists()


def test_predictions_that_lose_their_masks_lose_their_fields(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    white = score(controls.Control("Score only 3D", controls.all_white().one), benchmark, tmp_path / "a")
    assert browse(benchmark, [white]).dataset.count("score_only_3d_mask") == 9
    bare = browse(benchmark, [score(_ScoreOnly(), benchmark, tmp_path / "b")]).dataset
    fields = {name for name in bare.get_field_schema() if name.startswith("score_only_3d")}
    assert fields == {"score_only_3d_score", "score_only_3d_status"}
    assert bare.bounds("score_only_3d_score")[1] < 1


def test_two_of_one_name_are_told_apart(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    white = score(controls.all_white(), benchmark, tmp_path / "a")
    black = score(controls.Control("all white", controls.all_black().one), benchmark, tmp_path / "b")
    digest = forgebench.read_record(black)[0].predictions.sha256[:6]
    browsed = browse(benchmark, [white, black])
    assert browsed.dataset.bounds("all_white_false_area") == (1, 1)
    assert browsed.dataset.bounds(f"all_white_{digest}_false_area") == (0, 0)
    assert f"all white {digest}: worst misses" in browsed.views


def test_versions_are_told_apart(fo: ModuleType, benchmark: Benchmark, tmp_path: Path):
    folder = tmp_path / "v2"
    forgebench.predict(controls.all_white(), benchmark, folder / "submission")
    edited(folder / "scores", version="2.0")
    forgebench.score(folder / "submission", benchmark, folder / "scores")
    dataset = browse(benchmark, [folder / "scores"]).dataset
    assert dataset.bounds("all_white_2_0_false_area") == (1, 1)


def test_predictions_changed_after_scoring_are_refused(fo: ModuleType, benchmark: Benchmark, noise: Path):
    mask = noise.parent / "submission" / "masks" / "tampered-big.png"
    changed = pixels(mask).copy()
    changed[0, 0] ^= 1
    Image.fromarray(changed).save(mask)
    with pytest.raises(InputError, match=r"tampered-big: the prediction in .* is not the one that was scored"):
        browse(benchmark, [noise])


def test_predictions_that_are_gone_leave_their_numbers(fo: ModuleType, benchmark: Benchmark, noise: Path):
    expected = browse(benchmark, [noise]).dataset.values("random_pixel_f1")
    shutil.rmtree(noise.parent / "submission")
    cached = browse(benchmark, [noise])
    assert cached.without_map == {}
    shutil.rmtree(fo.config.default_dataset_dir)
    gone = browse(benchmark, [noise])
    assert gone.without_map == {"random": 6}
    assert gone.dataset.values("random_pixel_f1") == expected
    assert gone.dataset.values("random_map") == [None] * 9


def test_predictions_that_cannot_be_read_are_refused(fo: ModuleType, benchmark: Benchmark, noise: Path):
    (noise.parent / "submission" / "submission.json").write_text("{")
    with pytest.raises(InputError, match=r"submission cannot be read:\n.*\[manifest\]"):
        browse(benchmark, [noise])
    (noise / "inputs.json").write_text("[]")
    with pytest.raises(InputError, match=r"inputs\.json cannot be read"):
        browse(benchmark, [noise])


def test_scores_of_another_benchmark_are_refused(fo: ModuleType, scores: Path, tmp_path: Path):
    write_folder(tmp_path / "in")
    (tmp_path / "in" / "authentic" / "plain.png").unlink()
    other = forgebench.build("folder", tmp_path / "in", tmp_path / "bench")
    with pytest.raises(InputError, match="not a score of what is browsed: expected content hash"):
        browse(other, [scores])


def test_a_folder_without_scores_is_refused(fo: ModuleType, benchmark: Benchmark, scores: Path, tmp_path: Path):
    with pytest.raises(NotFoundError, match=r"found none\. Make one with: forgebench score"):
        browse(benchmark, [tmp_path])
    copy = shutil.copytree(scores, tmp_path / "copy")
    (copy / "per_image.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"per_image\.parquet cannot be read: .* Score the submission again"):
        browse(benchmark, [copy])
    (copy / "per_image.parquet").unlink()
    with pytest.raises(NotFoundError, match="Expected the per-image table"):
        browse(benchmark, [copy])
