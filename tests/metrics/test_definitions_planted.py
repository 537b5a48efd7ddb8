"""Definitions that are almost right are caught by the projects' own numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forgebench.metrics import image, pixel
from forgebench.metrics.definitions import imdl_benco, mvss, photoholmes, scaf, sida, trufor
from forgebench.metrics.definitions.parts import cells, divided
from forgebench.metrics.table import Table

from .peers import cases, measured, value
from .test_definitions_invariances import TABLES, changed
from .test_definitions_papers import two_of_four
from .test_definitions_peers import BENCO, BENCO_IDS, TORCHMETRICS, TORCHMETRICS_IDS, TRUFORS, WEIGHTED_IDS, near

CASES = cases()
PHOTOHOLMES_IDS = [*TORCHMETRICS_IDS, *WEIGHTED_IDS]


TABLES_OF_ONE = {name: measured([shot]) for name, shot in CASES.items()}


def numbers(definition, names) -> dict[str, list[float]]:
    return {name: [value(definition.metric(metric), of) for metric in names] for name, of in TABLES_OF_ONE.items()}


def caught(found: dict[str, list[float]], expected: dict[str, tuple[float, ...]]) -> bool:
    return any(values != near(list(expected[name])) for name, values in found.items())


def _half_for_ties(table: Table) -> dict[str, np.ndarray]:
    area = table.pixel_numbers["pixel_auc"]
    area = np.where(table.tampered_px == 0, 0.0, area)
    return {"origin": area, "reverse": 1 - area, "double": np.maximum(area, 1 - area)}


def _one_where_undefined(c):
    return np.where(c.tp + c.fp + c.fn > 0, c.tp / (c.tp + c.fp + c.fn + 1e-8), 1.0)


def _swapped_f1(c):
    return divided(2 * c.tp, 2 * c.tp + c.fp + c.tn)


@pytest.mark.parametrize(
    ("name", "wrong"), [("areas", _half_for_ties), ("_iou", _one_where_undefined), ("_f1", _swapped_f1)]
)
def test_almost_benco(monkeypatch, name, wrong):
    assert not caught(numbers(imdl_benco.IMDL_BENCO, BENCO_IDS), BENCO)
    monkeypatch.setattr(imdl_benco, name, wrong)
    assert caught(numbers(imdl_benco.IMDL_BENCO, BENCO_IDS), BENCO)


def _with_the_end_point(tp, fp):
    more = (np.concatenate([one, 0 * one[:, :1]], axis=1) for one in (tp, fp))
    return _auroc(*more)


_auroc = photoholmes.auroc


def _plain_mcc(c):
    below = np.sqrt((c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn))
    return divided(c.tp * c.tn - c.fp * c.fn, below)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("auroc", _with_the_end_point), ("_soft_correlation", lambda c: 0 * c.tp), ("_FIRST", np.arange(100))],
)
def test_almost_photoholmes(monkeypatch, name, wrong):
    monkeypatch.setattr(photoholmes, name, wrong)
    assert caught(numbers(photoholmes.PHOTOHOLMES, PHOTOHOLMES_IDS), TORCHMETRICS)


def test_the_textbooks_mcc_is_not_that_of_photoholmes():
    shot = CASES["tampered, empty"]
    textbook = _plain_mcc(cells(*(h[None] for h in _pair(shot))))
    assert float(textbook[0]) == 0
    assert value(photoholmes.PHOTOHOLMES.metric("pixel_mcc_pooled"), measured([shot])) == near(0.0067876)


def _pair(shot):
    counts = pixel.pixel_counts(shot.heat, shot.mask)
    return counts.tampered, counts.authentic


def test_almost_trufor(monkeypatch):
    def found() -> dict[str, list[float]]:
        of = {name: trufor.numbers(*one.pair("band")) for name, one in TABLES_OF_ONE.items()}
        return {name: [float(one["best"][0]), float(one["fixed"][0])] for name, one in of.items()}

    assert not caught(found(), TRUFORS)
    monkeypatch.setattr(trufor, "_either", lambda c: divided(2 * c.tp, 2 * c.tp + c.fn + c.fp))
    assert caught(found(), TRUFORS)


def test_trufor_without_its_band():
    shots = [CASES["tampered, noisy"], CASES["small, no ties"]]
    whole = measured(shots)
    plain = {"hist_tampered_band": whole.hist_tampered, "hist_authentic_band": whole.hist_authentic}
    metric = trufor.TRUFOR.metric("pixel_f1_fixed")
    assert value(metric, whole) != near(value(metric, replace(whole, extra={**whole.extra, **plain})), 0.01)


def test_the_ordinary_f1_of_images_is_not_that_of_mvss():
    """A method that fires on everything: 0, where the ordinary F1 is 6 / 7."""
    tampered, _, authentic, _ = two_of_four()
    whole = measured([tampered, tampered, tampered, authentic])
    ordinary = image.f1(image.confusion_counts(mvss.peaks(whole), whole.whole))
    assert float(ordinary[0]) == near(6 / 7)
    assert value(mvss.MVSS.metric("image_if1"), whole) == 0


def test_scaf_without_stretching_and_sida_without_cutting_off():
    shot = replace(CASES["tampered, good"], heat=CASES["tampered, good"].heat // 3)
    assert value(scaf.SCAF.metric("pixel_f1"), measured([shot])) > 0.9
    assert value(mvss.MVSS.metric("pixel_f1"), measured([shot])) == 0
    perfect = measured([CASES["tampered, perfect"]])
    assert value(sida.SIDA.metric("pixel_giou"), perfect) < 0.98


def test_a_missing_prediction_that_takes_the_inverse_of_nothing_is_caught():
    """Histograms of zeros would give an inverted accuracy of 1, and the best of a mean that leaves it out."""
    metric = imdl_benco.IMDL_BENCO.metric("pixel_accuracy_double")
    kept = replace(changed(1, "lost", 4), valid=np.ones(9, bool))
    assert value(metric, kept) != near(value(metric, changed(1, "lost", 4)))
    assert value(metric, changed(1, "lost", 4)) < value(metric, TABLES[1])
