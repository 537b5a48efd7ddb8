"""`imdl-benco`, `photoholmes` and `trufor` give what those projects' own code gave for the same maps.

The numbers here were printed by imdlbenco 0.1.45 (torch 2.13, its sort made stable), by torchmetrics 1.9.0 as
PhotoHolmes f57f487 calls it with PhotoHolmes' own metrics, and by TruFor's test_docker/metrics.py at 35b982a.
"""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from forgebench.metrics.definitions.imdl_benco import IMDL_BENCO
from forgebench.metrics.definitions.photoholmes import PHOTOHOLMES
from forgebench.metrics.definitions.trufor import TRUFOR
from forgebench.metrics.definitions.trufor import numbers as trufor_numbers
from forgebench.metrics.views import at_benco_size, without_band

from . import peers
from .peers import cases, heat_of, measured, value
from .tables import Shot

CASES = cases()
TAMPERED = [shot for shot in CASES.values() if shot.tampered]
every_case = pytest.mark.parametrize("name", CASES)

# F1, IoU and accuracy, each of the map, its inverse and the better; then AUC likewise.
BENCO = {
    "authentic, empty": (0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0),
    "authentic, one pixel": (0, 0, 0, 0, 0, 0, 0.9999847, 1.53e-05, 0.9999847, 0, 0, 0),
    "authentic, full": (0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0),
    "authentic, grey": (0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0),
    "tampered, empty": (
        0, 0.2936222, 0.2936222, 0, 0.1720734, 0.1720734, 0.8279266, 0.1720734, 0.8279266, 0.4976317, 0.4976317,
        0.4976317,
    ),
    "tampered, constant": (
        0, 0.2936222, 0.2936222, 0, 0.1720734, 0.1720734, 0.8279266, 0.1720734, 0.8279266, 0.4976317, 0.4976317,
        0.4976317,
    ),
    "tampered, full": (
        0.2936222, 0, 0.2936222, 0.1720734, 0, 0.1720734, 0.1720734, 0.8279266, 0.8279266, 0.4976317, 0.4976317,
        0.4976317,
    ),
    "tampered, good": (
        0.9670239, 0.0217339, 0.9670239, 0.9361532, 0.0109863, 0.9361532, 0.9890137, 0.0109863, 0.9890137, 0.9999996,
        4e-07, 0.9999996,
    ),
    "tampered, inverted": (
        0.0217339, 0.9670239, 0.9670239, 0.0109863, 0.9361532, 0.9361532, 0.0109863, 0.9890137, 0.9890137, 4e-07,
        0.9999996, 0.9999996,
    ),
    "tampered, noisy": (
        0.6641017, 0.0572933, 0.6641017, 0.49712, 0.0294915, 0.49712, 0.8521271, 0.1478729, 0.8521271, 0.8508647,
        0.1486784, 0.8508647,
    ),
    "tampered, perfect": (1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1),
    "tampered, worst": (0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1),
    "tampered, grey": (
        0.2548046, 0.2572554, 0.2572554, 0.1460035, 0.1476151, 0.1476151, 0.5006409, 0.4993591, 0.5006409, 0.4978439,
        0.5021374, 0.5021374,
    ),
    "all of it tampered": (
        0.6649147, 0.6684141, 0.6684141, 0.4980316, 0.5019684, 0.5019684, 0.4980316, 0.5019684, 0.5019684, nan, nan,
        nan,
    ),
    "all of it, found": (1, 0, 1, 1, 0, 1, 1, 0, 1, nan, nan, nan),
    "small, no ties": (
        0.3, 0.2727273, 0.3, 0.1764706, 0.1578947, 0.1764706, 0.5333334, 0.4666667, 0.5333334, 0.5156249, 0.484375,
        0.5156249,
    ),
}  # fmt: skip
# F1, IoU, MCC, precision, recall, AUROC at 100 thresholds; then F1, IoU and MCC weighted.
TORCHMETRICS = {
    "authentic, empty": (0, 0, 1, 0, 0, 0, 0, 0, 1),
    "authentic, one pixel": (0, 0, 0.9999771, 0, 0, 0, 0, 0, 0),
    "authentic, full": (0, 0, -1, 0, 0, 0, 0, 0, -1),
    "authentic, grey": (0, 0, 1, 0, 0, 0, 0, 0, 0),
    "tampered, empty": (0, 0, 0.0067876, 0, 0, 0.5, 0, 0, 0),
    "tampered, constant": (0, 0, 0.0067876, 0, 0, 0.5, 0.2557758, 0.1466416, 0),
    "tampered, full": (0.2936222, 0.1720734, -0.0067876, 0.1720734, 1, 0, 0.2936222, 0.1720734, 0),
    "tampered, good": (0.9670239, 0.9361532, 0.961194, 1, 0.9361532, 0.9999987, 0.825091, 0.7022595, 0.7892654),
    "tampered, inverted": (
        0.0217339, 0.0109863, -0.961194, 0.0130959, 0.0638468, 1.4e-06, 0.0629366, 0.0324907, -0.7892653,
    ),
    "tampered, noisy": (0.6641018, 0.49712, 0.5982755, 0.5451235, 0.8495167, 0.7885133, 0.6641018, 0.49712, 0.5982753),
    "tampered, perfect": (1, 1, 1, 1, 1, 1, 1, 1, 2),
    "tampered, worst": (0, 0, -1, 0, 0, 0, 0, 0, -2),
    "tampered, grey": (
        0.2548046, 0.1460035, -0.0017224, 0.1714207, 0.4961426, 0.4978582, 0.254862, 0.1460412, -0.0016206,
    ),
    "all of it tampered": (0.6649147, 0.4980316, -3.08e-05, 1, 0.4980316, 0, 0.6649147, 0.4980316, 0),
    "all of it, found": (1, 1, 1, 1, 1, 0, 1, 1, 1),
    "small, no ties": (0.3, 0.1764706, 0.0334077, 0.2142857, 0.5, 0.5160048, 0.28739, 0.1678082, 0.0117879),
}  # fmt: skip
# Best and fixed.
TRUFORS = {
    "authentic, empty": (0, nan), "authentic, one pixel": (0, 0), "authentic, full": (0, 0),
    "authentic, grey": (0, nan), "tampered, empty": (0.2392266, 0.2392266),
    "tampered, constant": (0.2392266, 0.2392266), "tampered, full": (0.2392266, 0.2392266), "tampered, good": (1, 1),
    "tampered, inverted": (1, 1), "tampered, noisy": (0.6093591, 0.6093591), "tampered, perfect": (1, 1),
    "tampered, worst": (1, 1), "tampered, grey": (0.2411078, 0.2154329), "all of it tampered": (1, 0.668414),
    "all of it, found": (1, nan), "small, no ties": (0, 0),
}  # fmt: skip
BENCO_IDS = [
    f"pixel_{name}{mode}" for name in ("f1", "iou", "accuracy", "auc") for mode in ("", "_reverse", "_double")
]
TORCHMETRICS_IDS = [f"pixel_{name}_pooled" for name in ("f1", "iou", "mcc", "precision", "recall", "auroc")]
WEIGHTED_IDS = [f"pixel_{name}_weighted_v1" for name in ("f1", "iou", "mcc")]


def near(expected, tolerance=1e-6):
    return pytest.approx(expected, abs=tolerance, nan_ok=True)


@every_case
def test_benco_of_one_image(name):
    of = measured([CASES[name]])
    found = [value(IMDL_BENCO.metric(metric), of) for metric in BENCO_IDS]
    assert found == near(BENCO[name])


@every_case
def test_photoholmes_of_one_image(name):
    of = measured([CASES[name]])
    found = [value(PHOTOHOLMES.metric(metric), of) for metric in (*TORCHMETRICS_IDS, *WEIGHTED_IDS)]
    assert found == near(TORCHMETRICS[name])


@every_case
def test_trufor_of_one_image(name):
    pair = without_band(CASES[name].heat, CASES[name].mask)
    found = trufor_numbers(*(histogram[None] for histogram in pair))
    assert [float(found["best"][0]), float(found["fixed"][0])] == near(TRUFORS[name])


BENCO_SET = {"image_f1": 0.6, "image_auc": 0.6145833, "image_accuracy": 0.5, "pixel_auc": nan}
PHOTOHOLMES_SET = {
    "pixel_f1_pooled": 0.4576857, "pixel_iou_pooled": 0.2967526, "pixel_mcc_pooled": 0.2429123,
    "pixel_precision_pooled": 0.3584726, "pixel_recall_pooled": 0.6328322, "pixel_auroc_pooled": 0.5940878,
    "pixel_fpr_pooled": 0.3035913, "pixel_auroc": 0.3001485, "pixel_f1_weighted_v1": 0.3317934,
    "pixel_iou_weighted_v1": 0.2726541, "pixel_mcc_weighted_v1": 0.1005277, "pixel_f1_weighted_v2": 0.4437666,
    "pixel_iou_weighted_v2": 0.2851543, "pixel_mcc_weighted_v2": 0.2155321, "image_f1": 0.6, "image_iou": 0.4285714,
    "image_mcc": 0.0, "image_precision": 0.75, "image_recall": 0.5, "image_auroc": 0.6145834,
}  # fmt: skip
TRUFOR_SET = {
    "pixel_f1_best": 0.6306789, "pixel_f1_fixed": 0.5646260, "image_auc": 0.6145833, "image_balanced_accuracy": 0.5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "expected"), [(IMDL_BENCO, BENCO_SET), (PHOTOHOLMES, PHOTOHOLMES_SET), (TRUFOR, TRUFOR_SET)]
)
def test_the_whole_set(definition, expected):
    whole = measured(list(CASES.values()))
    found = {name: value(definition.metric(name), whole) for name in expected}
    assert found == near(expected)


def test_no_number_of_a_whole_set_is_left_untested():
    assert set(PHOTOHOLMES_SET) == {metric.id for metric in PHOTOHOLMES.metrics}
    assert set(TRUFOR_SET) == {metric.id for metric in TRUFOR.metrics}
    resized = {"pixel_f1_512", "pixel_iou_512"}
    assert {*BENCO_SET, *BENCO_IDS, *resized} == {metric.id for metric in IMDL_BENCO.metrics}


def random_shots(seed: int, n: int = 6) -> list[Shot]:
    rng = np.random.default_rng(seed)
    found = []
    for index in range(n):
        size = tuple(rng.integers(1, 60, 2))
        mask = np.zeros(size, bool)
        mask[: rng.integers(0, size[0] + 1), : rng.integers(0, size[1] + 1)] = index % 3 > 0
        levels = int(rng.choice([2, 3, 256]))
        heat = (rng.integers(0, levels, size) * (255 // (levels - 1))).astype(np.uint8)
        found.append(Shot(mask, heat, float(rng.integers(0, 101)) / 100))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_benco_is_its_formula(seed):
    for shot in random_shots(seed):
        heat, mask, of = heat_of(shot), shot.mask, measured([shot])
        origin, reverse = ((peers.benco_f1(mask, called), peers.benco_iou(mask, called)) for called in
                           (heat > 0.5, 1 - heat > 0.5))  # fmt: skip
        areas = peers.benco_auc(mask, heat), peers.benco_auc(mask, 1 - heat)
        right = np.mean((heat > 0.5) == mask)
        expected = [
            origin[0], reverse[0], max(origin[0], reverse[0]), origin[1], reverse[1], max(origin[1], reverse[1]),
            right, 1 - right, max(right, 1 - right), *areas, max(areas),
        ]  # fmt: skip
        assert [value(IMDL_BENCO.metric(name), of) for name in BENCO_IDS] == near(expected)
        smaller, truth = at_benco_size(shot.heat, mask)
        assert value(IMDL_BENCO.metric("pixel_f1_512"), of) == near(peers.benco_f1(truth, smaller / 255 > 0.5))
        assert value(IMDL_BENCO.metric("pixel_iou_512"), of) == near(peers.benco_iou(truth, smaller / 255 > 0.5))


def grown(shot: Shot) -> Shot:
    """Four times as large: the band leaves something of its regions."""
    mask, heat = (one.repeat(4, 0).repeat(4, 1) for one in (shot.mask, shot.heat))
    return replace(shot, mask=mask, heat=heat)


@pytest.mark.parametrize("seed", range(12))
def test_trufor_is_its_formula(seed):
    for shot in [*random_shots(seed), *map(grown, random_shots(seed + 50))]:
        found = trufor_numbers(*(histogram[None] for histogram in without_band(shot.heat, shot.mask)))
        expected = peers.trufor_f1(shot.mask, heat_of(shot))
        assert [float(found["best"][0]), float(found["fixed"][0])] == near(list(expected))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(6))
def test_photoholmes_is_torchmetrics(seed):
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.classification")
    given = random_shots(seed)
    thresholds = list(np.linspace(0, 1, 100))
    metrics = {
        "f1": classification.BinaryF1Score(), "iou": classification.BinaryJaccardIndex(),
        "mcc": classification.BinaryMatthewsCorrCoef(), "precision": classification.BinaryPrecision(),
        "recall": classification.BinaryRecall(), "auroc": classification.BinaryAUROC(thresholds=thresholds),
    }  # fmt: skip
    for chosen in ([shot] for shot in given), [given]:
        for shots in chosen:
            of = measured(shots)
            for name, metric in metrics.items():
                metric.reset()
                for shot in shots:
                    metric.update(torch.tensor(heat_of(shot)), torch.tensor(shot.mask).int())
                assert value(PHOTOHOLMES.metric(f"pixel_{name}_pooled"), of) == near(float(metric.compute())), name
                metric.reset()
                for shot in shots:
                    score = torch.tensor([shot.score], dtype=torch.float32)
                    metric.update(score, torch.tensor([int(shot.tampered)]))
                assert value(PHOTOHOLMES.metric(f"image_{name}"), of) == near(float(metric.compute())), name


def test_benco_gives_a_perfect_method_half_on_a_mixed_set():
    perfect, authentic = CASES["tampered, perfect"], CASES["authentic, empty"]
    of = measured([perfect, authentic])
    assert [value(IMDL_BENCO.metric(f"pixel_{name}"), of) for name in ("f1", "iou", "auc")] == near([0.5, 0.5, 0.5])


def test_one_wholly_tampered_image_spoils_bencos_auc_only_where_it_is_drawn():
    of = measured([CASES["tampered, good"], CASES["all of it, found"]])
    metric = IMDL_BENCO.metric("pixel_auc")
    assert np.isnan(value(metric, of))
    assert value(metric, of, np.array([3, 0])) == near(0.9999996)


def test_bencos_auc_of_a_constant_map_goes_by_where_the_region_lies():
    """First, last, alternating: 1, 0 and a half; exactly a half in each case by the book."""
    truths = [np.arange(64) < 32, np.arange(64) >= 32, np.arange(64) % 2 == 0]
    found = []
    for truth in truths:
        shot = Shot(truth.reshape(8, 8), np.full((8, 8), 127, np.uint8), 0.5)
        found.append(value(IMDL_BENCO.metric("pixel_auc"), measured([shot])))
    assert found == near([1.0, 0.0, 0.515625])


def test_a_score_of_one_half_is_authentic_also_where_single_precision_makes_it_one():
    shots = [Shot(CASES["tampered, good"].mask, CASES["tampered, good"].heat, 0.5 + 1e-9)]
    assert value(IMDL_BENCO.metric("image_accuracy"), measured(shots)) == 0
    assert value(TRUFOR.metric("image_balanced_accuracy"), measured(shots)) == 0
    assert value(PHOTOHOLMES.metric("image_recall"), measured(shots)) == 0


def test_single_precision_ties_scores():
    shots = [
        Shot(CASES["tampered, good"].mask, CASES["tampered, good"].heat, 0.3),
        Shot(CASES["authentic, empty"].mask, CASES["authentic, empty"].heat, 0.3 + 1e-10),
    ]
    assert value(TRUFOR.metric("image_auc"), measured(shots)) == 0.5


def test_the_band_removes_a_narrow_region():
    mask = np.zeros((64, 64), bool)
    mask[20:34, 5:60] = True
    perfect = np.where(mask, 255, 0).astype(np.uint8)
    assert value(TRUFOR.metric("pixel_f1_best"), measured([Shot(mask, perfect, 1.0)])) == 0
    assert np.isnan(value(TRUFOR.metric("pixel_f1_fixed"), measured([Shot(mask, perfect, 1.0)])))
    mask[20:35, 5:60] = True
    assert value(TRUFOR.metric("pixel_f1_best"), measured([Shot(mask, perfect, 1.0)])) == 1


def test_fpr_counts_only_what_is_exactly_one():
    authentic = np.zeros((2, 2), bool)
    for highest, expected in ((254, 0.0), (255, 0.5)):
        shot = Shot(authentic, np.array([[highest, highest], [0, 0]], np.uint8), 0.9)
        assert value(PHOTOHOLMES.metric("pixel_fpr_pooled"), measured([shot])) == expected
