"""`mvss`, `wscl`, `scaf`, `cat-net` and `sida` are their formulas, and each of their traps is there."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from scipy.stats import hmean
from sklearn.metrics import roc_auc_score

from forgebench.metrics import Metric
from forgebench.metrics.definitions.cat_net import CAT_NET
from forgebench.metrics.definitions.mvss import MVSS
from forgebench.metrics.definitions.scaf import SCAF
from forgebench.metrics.definitions.sida import SIDA
from forgebench.metrics.definitions.wscl import WSCL
from forgebench.metrics.views import at_sida_size

from . import peers
from .peers import cases, heat_of, measured, value
from .tables import Shot
from .test_definitions_peers import near, random_shots

CASES = cases()


def of(definition, name: str) -> Metric:
    return definition.metric(name)


def blank(size=(6, 6)) -> np.ndarray:
    return np.zeros(size, np.uint8)


def two_of_four() -> list[Shot]:
    """Two tampered and two authentic images; each map has one hot pixel or none."""
    tampered, authentic = np.eye(6, dtype=bool), np.zeros((6, 6), bool)
    hot, cold = blank(), blank() + 10
    hot[0, 0] = 200
    return [Shot(tampered, hot, 0.2), Shot(tampered, cold, 0.9), Shot(authentic, hot, 0.1), Shot(authentic, cold, 0.4)]


@pytest.mark.parametrize("seed", range(8))
def test_the_f1_of_mvss_and_wscl(seed):
    shots = [shot for shot in random_shots(seed, n=9) if shot.tampered]
    called = [shot.heat > 127 for shot in shots]
    whole = measured(shots)
    expected = np.mean([peers.mvss_f1(shot.mask, one) for shot, one in zip(shots, called, strict=True)])
    assert value(of(MVSS, "pixel_f1"), whole) == near(expected, 1e-11)
    assert value(of(WSCL, "pixel_f1"), whole) == near(expected, 1e-11)
    pairs = [(np.count_nonzero(s.mask & one), s, one) for s, one in zip(shots, called, strict=True)]
    precision = np.mean([hits / (np.count_nonzero(one) + 1e-6) for hits, _, one in pairs])
    recall = np.mean([hits / (np.count_nonzero(s.mask) + 1e-6) for hits, s, _ in pairs])
    assert value(of(WSCL, "pixel_precision"), whole) == near(precision, 1e-11)
    assert value(of(WSCL, "pixel_recall"), whole) == near(recall, 1e-11)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("definition", [MVSS, WSCL])
def test_image_numbers_of_mvss_and_wscl(definition, seed):
    shots = random_shots(seed, n=12)
    whole = measured(shots)
    score = np.array([s.heat.max() / 255 if definition is MVSS else np.float32(s.score) for s in shots])
    true, called = np.array([s.tampered for s in shots]), score > 0.5
    sensitivity, specificity = np.mean(called[true]), np.mean(~called[~true])
    expected = {
        "image_accuracy": np.mean(true == called), "image_sensitivity": sensitivity,
        "image_specificity": specificity, "image_auc": roc_auc_score(true, score),
    }  # fmt: skip
    if sensitivity + specificity:
        expected["image_if1"] = hmean([sensitivity, specificity])
        expected["combined_f1"] = hmean([expected["image_if1"], value(of(definition, "pixel_f1"), whole)])
    for name, wanted in expected.items():
        assert value(of(definition, name), whole) == near(wanted, 2e-6), name


def test_one_hot_pixel_is_an_images_score_to_mvss_but_not_to_wscl():
    whole = measured(two_of_four())
    assert value(of(MVSS, "image_if1"), whole) == near(0.5)
    assert value(of(MVSS, "image_auc"), whole) == 0.5
    assert value(of(WSCL, "image_auc"), whole) == 0.75
    assert value(of(WSCL, "image_specificity"), whole) == near(1.0)
    hotter = replace(two_of_four()[3], heat=blank() + 255)
    assert value(of(MVSS, "image_specificity"), measured([*two_of_four()[:3], hotter])) == 0


def test_mvss_where_a_class_is_missing():
    tampered = measured(two_of_four()[:2])
    assert value(of(MVSS, "image_auc"), tampered) == 0
    assert value(of(MVSS, "image_specificity"), tampered) == 0
    assert value(of(MVSS, "image_if1"), tampered) == 0
    assert np.isnan(value(of(WSCL, "image_auc"), tampered))


@pytest.mark.parametrize("definition", [MVSS, WSCL])
def test_the_if1_of_a_method_that_is_never_right_is_undefined(definition):
    tampered, authentic, _, _ = cases_of_both()
    wrong = [replace(tampered, heat=blank(), score=0.0), replace(authentic, heat=blank() + 255, score=1.0)]
    assert np.isnan(value(of(definition, "image_if1"), measured(wrong)))
    assert np.isnan(value(of(definition, "combined_f1"), measured(wrong)))


def cases_of_both() -> list[Shot]:
    return [two_of_four()[0], two_of_four()[3], two_of_four()[1], two_of_four()[2]]


def test_mvss_without_masks_says_nothing_but_wscl_calls_images():
    without = replace(measured(two_of_four()), localizes=False)
    assert all(np.isnan(value(metric, without)) for metric in MVSS.metrics)
    assert value(of(WSCL, "image_accuracy"), without) == near(0.75, 2e-6)


def test_an_empty_map_of_an_empty_truth_is_perfect_to_mvss():
    shot = Shot(None, blank(), 0.9)
    black = np.bincount([0] * 36, minlength=256)[None]
    whole = replace(measured([shot]), authentic_px=np.array([36]), hist_authentic=black)
    assert value(of(MVSS, "pixel_f1"), whole) == 1


@pytest.mark.parametrize("seed", range(8))
def test_scaf_is_its_formula(seed):
    for shot in (shot for shot in random_shots(seed, n=9) if shot.tampered):
        dim = replace(shot, heat=shot.heat // 3 + 20)
        stretched = peers.scaf_map(heat_of(dim))
        called, union = stretched > 127, np.count_nonzero(shot.mask | (stretched > 127))
        iou = 3 * np.count_nonzero(shot.mask & called) / (3 * union + 1e-6)
        auc = nan if shot.mask.all() else roc_auc_score(shot.mask.ravel(), stretched.ravel())
        whole = measured([dim])
        found = [value(of(SCAF, f"pixel_{name}"), whole) for name in ("f1", "iou", "auc")]
        assert found == near([peers.mvss_f1(shot.mask, called, 3), iou, auc], 1e-11)


def test_stretching_marks_something_in_every_map_that_is_not_constant():
    """A map that stays below 0.02 everywhere finds the whole region."""
    mask = peers.disc(32, 9)
    whisper = Shot(mask, np.where(mask, 5, 4).astype(np.uint8), 0.9)
    assert value(of(SCAF, "pixel_f1"), measured([whisper])) == near(1.0)
    assert value(of(MVSS, "pixel_f1"), measured([whisper])) == 0
    constant = Shot(mask, np.full((32, 32), 255, np.uint8), 0.9)
    assert value(of(SCAF, "pixel_f1"), measured([constant])) == 0


@pytest.mark.parametrize("seed", range(8))
def test_cat_net_is_its_formula(seed):
    shots = random_shots(seed, n=9)
    called = [shot.heat > 127 for shot in shots]
    plain = [peers.cat_net_miou(s.mask, one) for s, one in zip(shots, called, strict=True)]
    turned = [peers.cat_net_miou(s.mask, ~one) for s, one in zip(shots, called, strict=True)]
    truth, marked = (np.concatenate([one.ravel() for one in many]) for many in ([s.mask for s in shots], called))
    recalls = [np.mean(marked[truth]), np.mean(~marked[~truth])]
    expected = {
        "pixel_miou": np.mean(plain), "pixel_miou_permuted": np.mean(np.maximum(plain, turned)),
        "pixel_miou_pooled": peers.cat_net_miou(truth, marked),
        "pixel_iou_pooled": np.sum(truth & marked) / np.sum(truth | marked),
        "pixel_iou_authentic_pooled": np.sum(~truth & ~marked) / np.sum(~(truth & marked)),
        "pixel_accuracy_pooled": np.mean(truth == marked), "pixel_mean_accuracy_pooled": np.mean(recalls),
    }  # fmt: skip
    whole = measured(shots)
    found = {metric.id: value(metric, whole) for metric in CAT_NET.metrics}
    assert found == near(expected, 1e-11)


def test_to_cat_net_a_right_empty_map_is_half_right():
    assert value(of(CAT_NET, "pixel_miou"), measured([CASES["authentic, empty"]])) == 0.5
    assert value(of(CAT_NET, "pixel_miou"), measured([CASES["all of it, found"]])) == 0.5
    assert value(of(CAT_NET, "pixel_miou"), measured([CASES["tampered, empty"]])) == near(0.8279266 / 2)
    assert value(of(CAT_NET, "pixel_miou_permuted"), measured([CASES["tampered, worst"]])) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_areas_of_sida(seed):
    shots = [shot for shot in random_shots(seed, n=5) if shot.tampered]
    ious = [peers.sida_iou(shot.mask, shot.heat) for shot in shots]
    pairs = [peers.sida_pair(shot.mask, shot.heat) for shot in shots]
    both, either = (sum(np.count_nonzero(f(a, b)) for a, b in pairs) for f in (np.logical_and, np.logical_or))
    whole = measured(shots)
    assert value(of(SIDA, "pixel_giou"), whole) == near(np.mean(ious), 1e-11)
    assert value(of(SIDA, "pixel_ciou"), whole) == near(both / either, 1e-11)
    assert value(of(SIDA, "pixel_accuracy"), whole) == near(both / either, 1e-11)


def test_sida_cuts_soft_edges_off():
    """A perfect map of a 512-pixel image is not perfect at 1024; a line of one pixel is gone, and nothing is right."""
    mask = peers.disc(512, 100)
    perfect = Shot(mask, np.where(mask, 255, 0).astype(np.uint8), 1.0)
    assert 0.9 < value(of(SIDA, "pixel_giou"), measured([perfect])) < 0.99
    line = np.zeros((2048, 64), bool)
    line[1000] = True
    _, truth = at_sida_size(blank((2048, 64)), line)
    assert not truth.any()
    assert value(of(SIDA, "pixel_giou"), measured([Shot(line, blank((2048, 64)), 0.0)])) == 1
    at_size = np.zeros((1024, 8), bool)
    at_size[5] = True
    assert (at_sida_size(blank((1024, 8)), at_size)[1] == at_size).all()


def three_classes() -> list[Shot]:
    """Two real ones, two tampered ones, a synthetic one; called real, tampered, tampered, synthetic, synthetic."""
    tampered, authentic = np.eye(6, dtype=bool), np.zeros((6, 6), bool)
    perfect = np.where(tampered, 255, 0).astype(np.uint8)
    return [
        Shot(authentic, blank(), 0.1), Shot(authentic, blank(), 0.8, synthetic=0.1),
        Shot(tampered, blank(), 0.9, synthetic=0.1), Shot(tampered, perfect, 0.9, synthetic=0.85),
        Shot(None, blank(), 0.9, synthetic=0.8, made="full_synthetic"),
    ]  # fmt: skip


def test_the_classes_of_sida():
    whole = measured(three_classes())
    precision, recall = (1 + 1 / 2 + 1 / 2) / 3, (1 / 2 + 1 / 2 + 1) / 3
    expected = {
        "class_accuracy": 3 / 5, "class_accuracy_real": 1 / 2, "class_precision_real": 1, "class_f1_real": 2 / 3,
        "class_accuracy_full_synthetic": 1, "class_precision_full_synthetic": 1 / 2, "class_f1_full_synthetic": 2 / 3,
        "class_accuracy_tampered": 1 / 2, "class_precision_tampered": 1 / 2, "class_f1_tampered": 1 / 2,
        "auc_approx": precision * recall,
    }  # fmt: skip
    assert {name: value(of(SIDA, name), whole) for name in expected} == near(expected)
    iou = value(of(SIDA, "pixel_ciou"), whole)
    assert 0 < iou < 1
    assert value(of(SIDA, "f1_score"), whole) == near(hmean([iou, 3 / 5]))


def test_a_lost_image_counts_against_every_other_class_of_sida():
    whole = measured(three_classes())
    lost = replace(whole, valid=np.array([False, True, True, True, True]))
    expected = {
        "class_accuracy": 2 / 5, "class_accuracy_real": 0, "class_precision_real": 0,
        "class_precision_full_synthetic": 1 / 3, "class_precision_tampered": 1 / 3,
    }  # fmt: skip
    assert {name: value(of(SIDA, name), lost) for name in expected} == near(expected)


def test_a_class_that_is_never_called_has_precision_0_and_of_equal_ones_the_first_is_called():
    never = measured([replace(shot, synthetic=0.0) for shot in three_classes()])
    assert value(of(SIDA, "class_precision_full_synthetic"), never) == 0
    level = measured([replace(shot, score=0.5, synthetic=0.0) for shot in three_classes()])
    assert value(of(SIDA, "class_accuracy_real"), level) == 1


def test_without_a_probability_of_synthetic_the_classes_are_undefined():
    whole = measured(three_classes(), tells_synthetic=False)
    named = [metric for metric in SIDA.metrics if metric.family == "classes"]
    assert len(named) == 12
    assert all(np.isnan(value(metric, whole)) for metric in named)
