"""SAPL's similarity map, its losses, and the processing into regions, on maps made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from baselines.sapl.config import Processing
from baselines.sapl.processing import PLAIN, propagated, regions, settled, upsampled
from baselines.sapl.similarity import label_losses, p_manipulated

WEIGHTS = {"pooled_weight": 0.5, "authentic_weight": 0.1}


def test_the_map_is_the_softmax_of_cosines():
    features, texts = torch.randn(2, 5, 8), torch.randn(2, 2, 8)
    for b in range(2):
        for i in range(5):
            cosines = torch.cosine_similarity(features[b, i].expand(2, -1), texts[b], dim=-1)
            expected = torch.softmax(cosines / 0.07, dim=0)[1]
            assert float(p_manipulated(features, texts, 0.07)[b, i]) == pytest.approx(float(expected), rel=1e-4)
    torch.testing.assert_close(p_manipulated(3 * features, texts, 0.07), p_manipulated(features, texts, 0.07))


def test_the_loss_by_hand():
    p = torch.tensor([[0.2] * 16, [0.9] * 2 + [0.1] * 14])
    terms = label_losses(p, torch.tensor([0.3, 0.6]), torch.tensor([0.0, 1.0]), **WEIGHTS)
    assert float(terms["patches"]) == pytest.approx(-(np.log(0.8) + np.log(0.9)) / 2, rel=1e-5)
    assert float(terms["pooled"]) == pytest.approx(-0.5 * (np.log(0.7) + np.log(0.6)) / 2, rel=1e-5)
    assert float(terms["authentic"]) == pytest.approx(0.1 * 0.2, rel=1e-5)


def test_without_authentic_images_their_term_is_zero():
    terms = label_losses(torch.rand(2, 16), torch.rand(2), torch.ones(2), **WEIGHTS)
    assert float(terms["authentic"]) == 0


def test_the_loss_is_in_full_precision_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = label_losses(torch.rand(2, 16), torch.rand(2), torch.tensor([0, 1]), **WEIGHTS)
    assert {term.dtype for term in terms.values()} == {torch.float32}


# Affinity and upsampling.


def test_propagation_equals_its_definition():
    p, attention = torch.rand(2, 12), torch.rand(2, 12, 12)
    normal = attention / attention.sum(dim=-1, keepdim=True)
    symmetric = normal + normal.transpose(1, 2)
    squared = torch.linalg.matrix_power(symmetric / symmetric.sum(dim=-1, keepdim=True), 2)
    expected = torch.stack([s @ s @ one for s, one in zip(squared, p, strict=True)])
    np.testing.assert_allclose(propagated(p, attention, 2), expected, rtol=1e-5)
    assert propagated(p, attention, 0) is p


def test_propagation_spreads_evidence_over_what_attends_to_each_other_alone():
    attention = torch.block_diag(torch.ones(4, 4), torch.ones(6, 6))[None]
    p = torch.zeros(1, 10)
    p[0, 0] = 1
    torch.testing.assert_close(propagated(p, attention, 2)[0], torch.tensor([0.25] * 4 + [0.0] * 6))
    torch.testing.assert_close(propagated(torch.full((1, 10), 0.3), attention, 2), torch.full((1, 10), 0.3))


def test_upsampling_is_bilinear_then_a_gaussian():
    p = torch.rand(2, 12)
    plain = torch.nn.functional.interpolate(p.view(2, 1, 3, 4), (24, 32), mode="bilinear")[:, 0]
    torch.testing.assert_close(upsampled(p, (3, 4), (24, 32), 0.0), plain)
    smooth = np.stack([ndimage.gaussian_filter(one, 4.0) for one in plain.numpy()])
    np.testing.assert_allclose(upsampled(p, (3, 4), (24, 32), 4.0), smooth, atol=1e-6)


# Regions.


def _ring(value=0.9, gap=0):
    rows, columns = np.mgrid[:200, :200]
    radius = np.hypot(rows - 100, columns - 100)
    p = np.where(abs(radius - 40) < 3, value, 0.1).astype(np.float32)
    p[100 : 100 + gap, 100:] = 0.1
    return p, radius


def test_a_ring_is_filled():
    p, radius = _ring()
    called = regions(p, Processing())
    assert called[radius < 40].all()
    assert not called[radius > 44].any()
    assert not regions(p, replace(Processing(), fill=False))[100, 100]


def test_a_ring_with_a_small_gap_is_closed_first():
    p, _ = _ring(gap=3)
    assert regions(p, Processing())[100, 100]
    assert not regions(p, replace(Processing(), close=0.0))[100, 100]


def test_closing_takes_nothing_away_at_the_border():
    p = np.zeros((200, 200), np.float32)
    p[:30, :30] = 0.8
    assert regions(p, Processing())[:29, :29].all()


def test_the_small_is_dropped():
    p = np.zeros((200, 200), np.float32)
    p[10:16, 10:16] = 0.9
    p[100:107, 100:107] = 0.9
    called = regions(p, Processing())
    assert not called[:50, :50].any()
    assert called[100:107, 100:107].all()
    assert regions(p, replace(Processing(), drop=0.0))[12, 12]


def _check_low_stays_empty(rule):
    p = np.random.default_rng(0).uniform(0, 0.45, (60, 60)).astype(np.float32)
    assert not rule(p, Processing()).any()


def test_a_low_map_stays_empty():
    _check_low_stays_empty(regions)


def test_a_map_rescaled_by_its_own_extremes_is_caught():
    with pytest.raises(AssertionError):
        _check_low_stays_empty(lambda p, steps: regions((p - p.min()) / (p.max() - p.min()), steps))


def test_plain_is_the_threshold():
    p = np.random.default_rng(0).random((50, 70), np.float32)
    np.testing.assert_array_equal(regions(p, PLAIN), p >= 0.5)
    np.testing.assert_array_equal(settled(p, p >= 0.5), np.where(p >= 0.5, p, np.minimum(p, np.float32(127 / 255))))


def test_the_settled_map_says_what_the_regions_say_and_keeps_the_order():
    noise = np.random.default_rng(0).normal(0.5, 1.2, (120, 90))
    p = np.clip(ndimage.gaussian_filter(noise, 3), 0, 1).astype(np.float32)
    called = regions(p, Processing())
    assert (called != (p >= 0.5)).any()
    out = settled(p, called)
    np.testing.assert_array_equal(np.round(out * 255) >= 128, called)
    kept = called & (p >= 0.5)
    np.testing.assert_array_equal(out[kept], p[kept])
    np.testing.assert_array_equal(out[p < 0.49][~called[p < 0.49]], p[p < 0.49][~called[p < 0.49]])


def test_what_was_filled_has_its_regions_own_evidence():
    p, radius = _ring(0.9)
    p[5:25, 5:25] = 0.6
    out = settled(p, regions(p, Processing()))
    assert out[100, 100] == pytest.approx(0.9)
    assert out[10, 10] == pytest.approx(0.6)
    assert out[radius > 60][:10] == pytest.approx(0.1)


def test_a_region_without_evidence_is_just_called():
    called = np.zeros((20, 20), bool)
    called[5:9, 5:9] = True
    out = settled(np.full((20, 20), 0.2, np.float32), called)
    np.testing.assert_array_equal(np.round(out * 255) >= 128, called)
