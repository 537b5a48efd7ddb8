"""SAPL's contrast: the two selections, the queues and InfoNCE, by hand and against brute force."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from baselines.sapl.contrast import EdgeContrast, LayerContrast, Queue, Selection, at_most, info_nce, ramp, select

SHARES = {"edge_share": 0.5, "manipulated_share": 0.25, "genuine_share": 0.5}


def _where(selected):
    return [row.nonzero().flatten().tolist() for row in selected]


def _check_by_hand(rule):
    """Eight tokens; the four strongest edges are 1, 3, 5, 7, the most suspect of them 5, the least 1 and 3."""
    edges = torch.tensor([0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.1, 0.6])
    p = torch.tensor([1.0, 0.1, 1.0, 0.2, 1.0, 0.9, 1.0, 0.4])
    found = rule(edges.expand(2, -1), p.expand(2, -1), torch.tensor([1.0, 0.0]), **SHARES)
    assert _where(found.manipulated) == [[5], []]
    assert _where(found.genuine) == [[1, 3], [1, 3, 5, 7]]


def test_levels_by_hand():
    _check_by_hand(select)


def _ignoring_labels(edges, p, labels, **shares):
    return select(edges, p, torch.ones_like(labels), **shares)


def _ignoring_edges(edges, p, labels, **shares):
    return select(p, p, labels, **shares)


def _trusting_the_suspect(edges, p, labels, **shares):
    found = select(edges, p, labels, **shares)
    return Selection(found.genuine | found.manipulated, found.manipulated)


@pytest.mark.parametrize("planted", [_ignoring_labels, _ignoring_edges, _trusting_the_suspect])
def test_planted_selections_are_caught(planted):
    with pytest.raises(AssertionError):
        _check_by_hand(planted)


def test_an_authentic_images_edges_are_always_genuine():
    edges, p = torch.rand(6, 100), torch.rand(6, 100)
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    found = select(edges, p, labels, edge_share=0.2, manipulated_share=0.1, genuine_share=0.3)
    assert found.genuine.sum(dim=1).tolist() == [20, 6, 20, 6, 20, 6]
    assert found.manipulated.sum(dim=1).tolist() == [0, 2, 0, 2, 0, 2]
    assert not (found.genuine & found.manipulated).any()
    assert edges[found.genuine].min() >= edges.topk(20, dim=1).values.min()


def test_at_most_so_many_are_kept_and_all_of_fewer():
    chosen = torch.zeros(3, 50, dtype=torch.bool)
    chosen[0, :40], chosen[1, 5:8] = True, True
    kept = at_most(chosen, 10)
    assert kept.sum(dim=1).tolist() == [10, 3, 0]
    assert not (kept & ~chosen).any()
    assert len({tuple(_where(at_most(chosen, 10))[0]) for _ in range(20)}) > 1


# The queues.


def _rows(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None].expand(-1, 4)


def _check_first_in_first_out(queue):
    assert len(queue.held()) == 0
    queue.push(_rows(1, 2, 3))
    assert sorted(queue.held()[:, 0].tolist()) == [1, 2, 3]
    queue.push(_rows(4, 5, 6))
    assert sorted(queue.held()[:, 0].tolist()) == [2, 3, 4, 5, 6]
    queue.push(_rows(*range(10, 23)))
    assert sorted(queue.held()[:, 0].tolist()) == [18, 19, 20, 21, 22]
    queue.push(_rows(30))
    assert sorted(queue.held()[:, 0].tolist()) == [19, 20, 21, 22, 30]
    queue.push(_rows()[:0])
    assert len(queue.held()) == 5


def test_the_first_in_is_the_first_out():
    _check_first_in_first_out(Queue(5, 4))


def test_a_queue_that_forgets_the_last_is_caught():
    class Stack(Queue):
        def push(self, features):
            super().push(features[: len(self.features)].flip(0))

    with pytest.raises(AssertionError):
        _check_first_in_first_out(Stack(5, 4))


def test_queues_survive_a_checkpoint():
    first, second = Queue(5, 4), Queue(5, 4)
    first.push(_rows(1, 2, 3, 4, 5, 6, 7))
    second.load_state_dict(first.state_dict())
    for queue in (first, second):
        queue.push(_rows(8))
    assert torch.equal(first.held(), second.held())
    assert sorted(second.held()[:, 0].tolist()) == [4, 5, 6, 7, 8]


def _contrast(layers=(2, 4), **changed):
    of_each = {"width": 6, "hidden": 8, "projected": 4, "queue": 16, "positives": 64, "temperature": 0.1}
    return EdgeContrast(layers, tokens=32, **{**of_each, **changed})


def test_each_type_goes_into_its_own_queue_after_the_step():
    contrast = _contrast(layers=(3,))
    tokens = torch.randn(2, 10, 6)
    genuine, manipulated = torch.zeros(2, 2, 10, dtype=torch.bool)
    genuine[0, :4], genuine[1, :2], manipulated[1, 7:] = True, True, True
    contrast({3: tokens}, Selection(genuine, manipulated)).backward()
    layer = contrast.layers["3"]
    assert len(layer.genuine.held()) == len(layer.manipulated.held()) == 0
    contrast.update()
    expected = functional.normalize(layer.head(tokens[genuine]), dim=-1)
    torch.testing.assert_close(layer.genuine.held(), expected)
    torch.testing.assert_close(layer.manipulated.held(), functional.normalize(layer.head(tokens[1, 7:]), dim=-1))
    contrast.update()
    assert int(layer.genuine.pushed) == 6


# InfoNCE.


def _brute_force(anchors, positives, negatives, temperature):
    def agreement(z, other):
        return math.exp(sum(map(math.prod, zip(z, other, strict=True))) / temperature)

    terms = []
    for anchor, own in zip(anchors.tolist(), positives.tolist(), strict=True):
        against = sum(agreement(anchor, negative) for negative in negatives.tolist())
        for positive in own:
            terms.append(-math.log(agreement(anchor, positive) / (agreement(anchor, positive) + against)))
    return sum(terms) / len(terms)


def test_info_nce_equals_brute_force():
    shapes = (7, 5), (9, 5), (11, 5)
    anchors, same, other = (functional.normalize(torch.randn(s, dtype=torch.float64), dim=-1) for s in shapes)
    places = torch.randint(0, 9, (7, 3))
    found = info_nce(anchors, same, places, other, 0.1)
    assert found.item() == pytest.approx(_brute_force(anchors, same[places], other, 0.1), rel=1e-9)


@pytest.mark.parametrize(("anchors", "positives", "negatives"), [(0, 0, 3), (2, 0, 3), (2, 2, 0)])
def test_info_nce_of_nothing_is_zero_and_has_a_graph(anchors, positives, negatives):
    z = torch.randn(anchors, 5, requires_grad=True)
    places = torch.zeros(anchors, positives, dtype=torch.long)
    loss = info_nce(z, torch.randn(3, 5), places, torch.randn(negatives, 5), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


def test_a_layers_loss_equals_brute_force_over_batch_and_queues():
    layer = LayerContrast(6, hidden=8, projected=4, queue=16, positives=64, temperature=0.5)
    layer.genuine.push(functional.normalize(torch.randn(3, 4), dim=-1))
    layer.manipulated.push(functional.normalize(torch.randn(2, 4), dim=-1))
    tokens = torch.randn(1, 9, 6)
    chosen = torch.zeros(2, 1, 9, dtype=torch.bool)
    chosen[0, 0, :4], chosen[1, 0, 6:] = True, True
    found = layer(tokens, Selection(*chosen))
    batch = functional.normalize(layer.head(tokens[0]), dim=-1).detach()
    expected = 0.0
    sides = (batch[:4], layer.genuine), (batch[6:], layer.manipulated)
    for (own, queue), (other, its_queue) in (sides, sides[::-1]):
        same, opposite = torch.cat([own, queue.held()]), torch.cat([other, its_queue.held()])
        others = torch.stack([same[torch.arange(len(same)) != i] for i in range(len(own))])
        expected += _brute_force(own, others, opposite, 0.5) / 2
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_few_positives_are_drawn_without_the_anchor():
    layer = LayerContrast(6, hidden=8, projected=4, queue=16, positives=2, temperature=0.1)
    anchors = functional.normalize(torch.randn(5, 4), dim=-1)
    same = torch.cat([anchors, functional.normalize(torch.randn(4, 4), dim=-1)])
    far = -anchors[:1]
    values = {round(layer._of_type(anchors, same, far).item(), 6) for _ in range(10)}
    assert len(values) > 1


def test_the_loss_separates_the_types():
    torch.manual_seed(0)
    contrast = _contrast(layers=(2,))
    optimizer = torch.optim.Adam(contrast.parameters(), lr=1e-2)
    genuine = torch.zeros(4, 20, dtype=torch.bool)
    genuine[:, :10] = True
    losses = []
    for _ in range(60):
        tokens = torch.randn(4, 20, 6)
        tokens[:, 10:, 0] += 4
        loss = contrast({2: tokens}, Selection(genuine, ~genuine))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        contrast.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4


@pytest.mark.parametrize(("epoch", "share"), [(0, 0), (1.99, 0), (2.5, 0.25), (3, 0.5), (4, 1), (19, 1)])
def test_the_weight_waits_then_rises(epoch, share):
    assert ramp(epoch, wait=2, rise=2) == pytest.approx(share)
