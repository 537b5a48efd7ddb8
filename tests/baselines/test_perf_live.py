"""What a step holds in memory, counted on tensors without data, against what is told by hand."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from perf.live import most_alive

SIDE, EACH = 256, 4 * 256 * 256
"""A matrix of float32, and its bytes."""


def chain(count: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(SIDE, SIDE, bias=False) for _ in range(count)))


def test_a_forward_pass_without_gradients_holds_two_matrices_beside_the_weights():
    @torch.no_grad()
    def step(model):
        held = torch.rand(SIDE, SIDE)
        for layer in model:
            held = layer(held)

    assert most_alive(lambda: chain(5), step) == (5 * EACH, 7 * EACH)


def test_what_the_backward_pass_needs_is_counted():
    def step(model):
        seen = torch.rand(SIDE, SIDE)
        model(seen).sum()

    before, most = most_alive(lambda: chain(5), step)
    assert before == 5 * EACH
    assert most == before + 6 * EACH + 4  # the input, five outputs, the sum


def test_activations_computed_again_are_not_held():
    def kept(model):
        model(torch.rand(8 * SIDE, SIDE)).sum().backward()

    def again(model):
        held = torch.rand(8 * SIDE, SIDE)
        for two in (model[:4], model[4:8], model[8:]):
            held = checkpoint(two, held, use_reentrant=False)
        held.sum().backward()

    (_, all_of_them), (_, fewer) = most_alive(lambda: chain(12), kept), most_alive(lambda: chain(12), again)
    # Weights and the inputs of all layers, or those of three parts and of the layers of one.
    assert all_of_them >= (12 + 8 * 12) * EACH
    assert (12 + 8 * 6) * EACH <= fewer < 0.8 * all_of_them


def test_a_weight_in_two_places_is_one():
    def twice() -> nn.Module:
        model = chain(2)
        model[1].weight = model[0].weight
        return model

    assert most_alive(twice, lambda model: None) == (EACH, EACH)
