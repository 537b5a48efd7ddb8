"""SAPL's soft edge map and prompts: against scipy's Sobel, and on pictures with known edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from baselines.sapl.edges import feature_gradient, image_gradient, sobel, soft_edges, standardised
from baselines.sapl.prompts import EdgeAwareContexts


def _scipy_sobel(plane):
    return np.sqrt(sum(ndimage.sobel(plane, axis=axis, mode="nearest") ** 2 for axis in (0, 1)) + 1e-6)


def test_sobel_equals_scipy():
    planes = torch.randn(2, 3, 7, 11, dtype=torch.float64)
    expected = np.array([[_scipy_sobel(plane) for plane in image] for image in planes.numpy()])
    np.testing.assert_allclose(sobel(planes), expected, rtol=1e-10)


def test_the_feature_gradient_is_the_mean_over_channels_of_normalised_tokens():
    tokens = torch.randn(2, 20, 5, dtype=torch.float64)
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    planes = unit.numpy().transpose(0, 2, 1).reshape(2, 5, 4, 5)
    expected = np.array([np.mean([_scipy_sobel(plane) for plane in image], axis=0) for image in planes])
    np.testing.assert_allclose(feature_gradient(tokens, (4, 5)), expected, rtol=1e-5)
    torch.testing.assert_close(feature_gradient(3 * tokens, (4, 5)), feature_gradient(tokens, (4, 5)))


def test_the_image_gradient_is_the_mean_over_a_tokens_pixels():
    images = torch.rand(2, 3, 16, 24)
    luma = np.tensordot(images.numpy().astype(np.float64), (0.299, 0.587, 0.114), axes=(1, 0))
    expected = [_scipy_sobel(plane).reshape(2, 8, 3, 8).mean(axis=(1, 3)) for plane in luma]
    np.testing.assert_allclose(image_gradient(images, (2, 3)), np.array(expected), rtol=1e-4)


def test_a_z_score_has_no_mean_and_unit_spread_and_a_flat_row_is_zero():
    values = torch.stack([torch.rand(50) * 7 + 3, torch.full((50,), 4.0)])
    scores = standardised(values)
    assert scores[0].mean() == pytest.approx(0, abs=1e-5)
    assert scores[0].std(correction=0) == pytest.approx(1, abs=1e-5)
    assert scores[1].tolist() == [0.0] * 50


@pytest.mark.parametrize("sources", [("image",), ("features",), ("features", "image")])
def test_a_square_has_its_edges_where_it_ends(sources):
    images = torch.zeros(1, 3, 64, 64)
    images[..., 16:48, 16:48] = 1
    tokens = torch.zeros(1, 64, 2)
    tokens[..., 0] = 1
    tokens.unflatten(1, (8, 8))[:, 2:6, 2:6] = torch.tensor([0.0, 1.0])
    edges = soft_edges(tokens.requires_grad_(), images, (8, 8), sources).unflatten(1, (8, 8))[0]
    assert not edges.requires_grad
    assert edges[2, 3] > 0.6
    assert edges[0, 0] < 0.4
    assert edges[3:5, 3:5].max() < edges[2, 2:6].min()


def test_sources_are_averaged():
    tokens, images = torch.randn(2, 16, 3), torch.rand(2, 3, 32, 32)
    alone = [soft_edges(tokens, images, (4, 4), (source,)) for source in ("features", "image")]
    torch.testing.assert_close(soft_edges(tokens, images, (4, 4), ("features", "image")), (alone[0] + alone[1]) / 2)


# Prompts.


def _contexts(alpha=0.5):
    contexts = EdgeAwareContexts(16, 24, length=3, heads=2, spread=0.02)
    torch.nn.init.constant_(contexts.alpha, alpha)
    return contexts


def test_contexts_start_as_coops_and_alpha_learns_first():
    contexts = EdgeAwareContexts(16, 24, length=3, heads=2, spread=0.02)
    found = contexts(torch.randn(5, 10, 24), torch.rand(5, 10))
    assert torch.equal(found, contexts.contexts.expand(5, -1, -1, -1))
    found.square().sum().backward()
    assert contexts.alpha.grad != 0
    assert contexts.contexts.grad.abs().sum() > 0


def _check_sees_edges(contexts):
    dense = torch.randn(1, 10, 24)
    first, second = (contexts(dense, edges) for edges in (torch.zeros(1, 10), torch.linspace(0, 1, 10)[None]))
    assert (first - second).abs().max() > 1e-4


def test_contexts_see_the_edges():
    _check_sees_edges(_contexts())


def test_an_enhancement_before_the_norm_is_seen_to_be_blind():
    """The reconstruction's letter: LN(F (1 + E)) equals LN(F)."""

    class Literal(EdgeAwareContexts):
        def forward(self, dense, edges):
            return super().forward(dense * (1 + edges[..., None]), torch.zeros_like(edges))

    literal = Literal(16, 24, length=3, heads=2, spread=0.02)
    torch.nn.init.constant_(literal.alpha, 0.5)
    with pytest.raises(AssertionError):
        _check_sees_edges(literal)


def test_contexts_do_not_see_the_order_of_tokens():
    contexts, dense, edges = _contexts(), torch.randn(2, 10, 24), torch.rand(2, 10)
    order = torch.randperm(10)
    torch.testing.assert_close(contexts(dense, edges), contexts(dense[:, order], edges[:, order]))
