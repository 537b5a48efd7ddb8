"""ViLaCo's parts against the figures of its paper, brute force and hand-made cases."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.common.data import Batch
from baselines.common.method import Progress
from baselines.common.mil import top_mean
from baselines.vilaco import METHOD
from baselines.vilaco.adapter import LocalGlobalAdapter, distances, window_mask
from baselines.vilaco.config import TINY, Adapter, Pseudo
from baselines.vilaco.heads import MaskDecoder, SimilarityMap, SoftGatedPooling
from baselines.vilaco.losses import patch_consistency, pseudo_labels, rising_weight
from baselines.vilaco.model import ViLaCo
from baselines.vilaco.reasoning import ForgeryAwareAggregator, TextGuidedAttention


def test_the_weight_of_the_consistency_rises_as_printed():
    assert [rising_weight(t / 100, 0.1) for t in (0, 9)] == [0, 0]
    assert rising_weight(0.55, 0.1) == pytest.approx(0.393, abs=1e-3)
    assert rising_weight(1.0, 0.1) == pytest.approx(1 - 1 / np.e)


@pytest.mark.parametrize(("n", "k"), [(64, 5), (256, 17), (1024, 65)])
def test_how_many_patches_make_the_score(n, k):
    values = torch.zeros(1, n)
    values[0, :k] = 1
    assert float(top_mean(values)) == 1
    values[0, k - 1] = 0
    assert float(top_mean(values)) == pytest.approx((k - 1) / k)


@pytest.mark.parametrize(("temperature", "score"), [(0.1, 0.45), (0.05, 0.89)])
def test_a_region_of_one_percent_needs_a_sharp_gate(temperature, score):
    mask = torch.full((1, 1, 100, 100), 0.05)
    mask[0, 0, :10, :10] = 0.9
    assert float(SoftGatedPooling(0.5, temperature)(mask).detach()) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize("shift", [0, 2])
def test_windows_are_those_of_brute_force(shift):
    mask = window_mask((6, 10), 4, shift)
    for a in range(60):
        for b in range(60):
            (ay, ax), (by, bx) = divmod(a, 10), divmod(b, 10)
            together = (ay + shift) // 4 == (by + shift) // 4 and (ax + shift) // 4 == (bx + shift) // 4
            assert (float(mask[a, b]) == 0) == together


def test_tokens_are_as_far_apart_as_one_walks():
    assert distances((2, 3), "plane")[0].tolist() == [0, 1, 2, 1, 2, 3]
    assert distances((2, 3), "sequence")[1].tolist() == [1, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("over", ["plane", "sequence"])
def test_the_literal_graph_of_distances_is_that_of_its_formula(over):
    adapter = LocalGlobalAdapter(4, (2, 3), Adapter(heads=1, adjacency_temperature=1.0, distance=over))
    for i in range(6):
        apart = [abs(i - j) if over == "sequence" else abs(i // 3 - j // 3) + abs(i % 3 - j % 3) for j in range(6)]
        near = np.exp(np.exp(-np.array(apart) / np.e))
        assert adapter.near[i].tolist() == pytest.approx((near / near.sum()).tolist(), rel=1e-5)


def test_tokens_see_no_other_window_before_the_graph():
    adapter = LocalGlobalAdapter(8, (4, 8), Adapter(heads=2, layers=1, window=4))
    block, mask, tokens = adapter.blocks[0], adapter.mask_0, torch.randn(1, 32, 8)
    changed = tokens.clone()
    changed[0, 0] = torch.randn(8)
    moved = (block(tokens, src_mask=mask) - block(changed, src_mask=mask)).abs().amax(dim=-1)[0].unflatten(0, (4, 8))
    assert float(moved[:, :4].detach().min()) > 0
    assert float(moved[:, 4:].detach().max()) == 0


def test_the_literal_adjacency_is_nearly_an_average_and_ours_is_not():
    spread = {}
    for temperature in (1.0, 0.1):
        adapter = LocalGlobalAdapter(16, (8, 8), Adapter(heads=2, adjacency_temperature=temperature))
        spread[temperature] = float((adapter.near.amax(dim=1) / adapter.near.amin(dim=1)).max())
    assert spread[1.0] <= np.e
    assert spread[0.1] > 1000


def test_dissimilar_tokens_are_cut_off():
    adapter = LocalGlobalAdapter(4, (1, 3), Adapter(heads=1, adjacency_temperature=0.01))
    tokens = torch.tensor([[[1.0, 0, 0, 0], [0.9, 0.1, 0, 0], [0, 1, 0, 0]]])
    weights = adapter._similar(tokens)[0]
    assert float(weights[0, 2]) < 1e-6
    assert float(weights[2, 2]) > 0.999


def test_an_untrained_decoder_is_the_upsampled_similarity():
    similarity = torch.randn(2, 2, 8, 8)
    logits = MaskDecoder()(similarity, (50, 70)).detach()
    expected = functional.interpolate(similarity[:, 1:] - similarity[:, :1], (50, 70), mode="bilinear")
    assert torch.allclose(logits, expected, atol=1e-6)


def test_similarities_are_scaled_cosines():
    patches, texts = torch.randn(1, 6, 5), torch.randn(1, 2, 5)
    found = SimilarityMap(1 / 0.07)(patches, texts, (2, 3)).detach()
    cosine = functional.cosine_similarity(patches[0, 4], texts[0, 1], dim=0)
    assert float(found[0, 1, 1, 1]) == pytest.approx(float(cosine) / 0.07, rel=1e-4)


def test_attention_over_two_texts_by_hand():
    attend = TextGuidedAttention(2)
    for part in (attend.query, attend.key, attend.value, attend.out):
        torch.nn.init.eye_(part.weight)
        torch.nn.init.zeros_(part.bias)
    patch, texts = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    first = exp(1 / 2**0.5) / (exp(1 / 2**0.5) + 1)
    assert attend(patch, texts)[0, 0].tolist() == pytest.approx([1 + first, 1 - first])


def test_the_aggregator_takes_either_weights():
    aggregate = ForgeryAwareAggregator(6)
    patches, texts = torch.randn(2, 5, 6), torch.randn(2, 6)
    own, coarse = aggregate(patches, texts), aggregate(patches, texts, torch.rand(2, 5))
    assert own.shape == coarse.shape == (2, 2, 6)
    assert not torch.allclose(own, coarse)


def test_an_authentic_image_never_lends_tampered_patches():
    labels = pseudo_labels(torch.tensor([[0.95, 0.1, 0.5]] * 2), torch.tensor([0.0, 1.0]), Pseudo(fallback=1))
    assert labels.tolist() == [[0, 0, 0], [1, 0, -1]]


def test_a_tampered_image_without_a_strong_patch_lends_its_strongest():
    labels = pseudo_labels(torch.tensor([[0.4, 0.2, 0.6, 0.5]]), torch.tensor([1.0]), Pseudo(fallback=2))
    assert labels.tolist() == [[-1, 0, 1, 1]]


@pytest.mark.parametrize("across", [True, False])
def test_consistency_is_that_of_a_double_loop(across):
    torch.manual_seed(0)
    patches, labels = torch.randn(2, 5, 4), torch.tensor([[1, 1, 0, 0, -1], [0, 0, 0, -1, 1]])
    config = Pseudo(across_images=across)
    unit = functional.normalize(patches, dim=-1)
    losses = [[], []]
    for image in range(2):
        for of in (0, 1):
            mine = [unit[image, p] for p in range(5) if labels[image, p] == of]
            theirs = [
                unit[i, p] for i in range(2) for p in range(5) if labels[i, p] == 1 - of and (across or i == image)
            ]
            for i, anchor in enumerate(mine):
                for j, positive in enumerate(mine):
                    if i != j:
                        above = exp(float(anchor @ positive) / 0.1)
                        losses[of].append(-log(above / (above + sum(exp(float(anchor @ n) / 0.1) for n in theirs))))
    assert float(patch_consistency(patches, labels, config)) == pytest.approx(sum(map(np.mean, losses)), rel=1e-4)


def test_patches_beyond_the_most_are_drawn_from_the_whole_image():
    """A planted fault: taking the first ones would leave all but the top rows out."""
    torch.manual_seed(0)
    patches, labels = torch.randn(1, 64, 4, requires_grad=True), torch.arange(64)[None] % 2
    reached = torch.zeros(64)
    for _ in range(30):
        (gradient,) = torch.autograd.grad(patch_consistency(patches, labels, Pseudo(most=8)), patches)
        moved = (gradient[0].abs().sum(dim=-1) > 0).float()
        assert int(moved.sum()) == 16
        reached += moved
    assert float(reached.min()) > 0


def test_the_same_patches_alike_cost_less_than_mixed_ones():
    labels = torch.tensor([[1, 1, 1, 0, 0, 0]])
    apart = torch.tensor([[[1.0, 0]] * 3 + [[0, 1.0]] * 3]).view(1, 6, 2)
    mixed = apart[:, [0, 3, 1, 4, 2, 5]]
    assert float(patch_consistency(apart, labels, Pseudo())) < 0.01 < float(patch_consistency(mixed, labels, Pseudo()))


def test_pseudo_labels_take_no_gradient():
    mask = torch.rand(1, 4, requires_grad=True)
    assert not pseudo_labels(mask, torch.tensor([1.0]), Pseudo()).requires_grad


def test_one_type_alone_gives_nothing_to_contrast():
    assert float(patch_consistency(torch.randn(2, 4, 3), torch.zeros(2, 4, dtype=torch.long), Pseudo())) == 0


def _batch(size: int = 32) -> Batch:
    torch.manual_seed(1)
    images = torch.rand(4, 3, size, size)
    return Batch(list("abcd"), images, torch.tensor([1.0, 0, 1, 0]), torch.ones(4, 1, size, size, dtype=torch.bool))


@pytest.mark.parametrize(("reading", "grid"), [("grid", 4), ("patches", 4), ("blocks", 8)])
def test_all_readings_of_eight_by_eight(reading, grid):
    model = ViLaCo(replace(TINY, reading=reading))
    maps = model.maps(_batch().images)
    assert maps.grid == (grid, grid)
    assert maps.coarse.shape == (4, grid * grid)
    assert maps.mask.shape == (4, 1, 32, 32)


@pytest.mark.parametrize("change", [{"pool": "coarse"}, {"decoder_input": "sim+feat"}, {"layers": (1, 2)}])
def test_choices_change_what_comes_out(change):
    outputs = []
    for config in (TINY, replace(TINY, **change)):
        torch.manual_seed(3)
        model = ViLaCo(config)
        torch.nn.init.ones_(model.decode.end.weight)
        outputs.append(model.maps(_batch().images).mask)
    assert outputs[0].shape == outputs[1].shape
    assert not torch.allclose(*outputs)


def test_the_score_is_of_the_head_that_is_asked_for():
    scores = {}
    for head in ("coarse", "fine", "mean"):
        torch.manual_seed(3)
        scores[head] = ViLaCo(replace(TINY, score=head)).predict(_batch().images).score
    assert torch.allclose(scores["mean"], (scores["coarse"] + scores["fine"]) / 2)


def test_each_ablation_leaves_its_term_out():
    from baselines.common.config import override

    late, gone = Progress(1.9, 2, 9, 10), {}
    for name, changes in {"full": {}, **METHOD.ablations}.items():
        torch.manual_seed(0)
        gone[name] = set(ViLaCo(override(TINY, changes)).losses(_batch(), late))
    assert gone["full"] == {"coarse", "fine", "consistency"}
    assert gone["no coarse loss"] == {"fine", "consistency"}
    assert gone["no fine loss"] == {"coarse", "consistency"}
    assert gone["no consistency"] == {"coarse", "fine"}


def test_the_class_word_stands_in_the_middle_of_the_context():
    prompts, seen = ViLaCo(TINY).prompts, []
    prompts.text.register_forward_pre_hook(lambda _, given: seen.append(given[0][0]))
    prompts()
    for word, sentence in zip(TINY.words, seen, strict=True):
        half = TINY.context // 2
        (token,) = prompts.text.embed(prompts.text.tokenize(word))
        assert len(sentence) == 2 + TINY.context + 1
        assert torch.equal(sentence[1 : 1 + half], prompts.context[:half])
        assert torch.equal(sentence[1 + half], token)
        assert torch.equal(sentence[2 + half : -1], prompts.context[half:])


def test_layers_of_any_norm_count_alike():
    model = ViLaCo(replace(TINY, layers=(1, 2))).eval()
    run, images = model.vision._run, _batch().images

    def louder(*args):
        last, tokens, attention = run(*args)
        return last, {layer: one * 10.0**layer for layer, one in tokens.items()}, attention

    with torch.no_grad():
        plain = model._tokens(images)
        model.vision._run = louder
        assert torch.allclose(model._tokens(images), plain, atol=1e-3)


@pytest.mark.parametrize("change", [{}, {"layers": (1, 2)}])
def test_all_that_is_trained_beside_a_tower_without_texts_gets_gradients(change):
    dinov2 = replace(TINY, encoder=replace(TINY.encoder, kind="dinov2"), **change)
    model = ViLaCo(dinov2)
    torch.nn.init.ones_(model.decode.end.weight)
    sum(model.losses(_batch(), Progress(1.9, 2, 9, 10)).values()).backward()
    lacking = {name for name, one in model.named_parameters() if one.requires_grad and one.grad is None}
    assert not lacking


def test_prompts_get_gradients_through_the_frozen_text_tower():
    model = ViLaCo(TINY)
    sum(model.losses(_batch(), Progress(1.9, 2, 9, 10)).values()).backward()
    assert float(model.prompts.context.grad.abs().sum()) > 0
    assert all(p.grad is None for p in model.prompts.text.parameters())


def test_with_its_labels_turned_round_it_learns_the_opposite():
    """A planted fault: what learns from labels must not reach the same scores from wrong ones."""
    batch = _batch()
    scores = []
    for labels in (batch.labels, 1 - batch.labels):
        torch.manual_seed(0)
        model, optimizer = (made := ViLaCo(TINY)), torch.optim.AdamW(made.parameters(), lr=3e-3)
        for _ in range(40):
            optimizer.zero_grad()
            sum(model.losses(replace(batch, labels=labels), Progress(1.0, 2, 1, 2)).values()).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append(model.eval().predict(batch.images).score)
    assert bool(((scores[0] > 0.5) == (batch.labels > 0)).all())
    assert bool(((scores[1] > 0.5) == (batch.labels == 0)).all())


def test_prompts_and_positions_have_no_weight_decay():
    model = METHOD.build(TINY)
    decayed, free = ({id(one) for one in group["params"]} for group in model.parameter_groups(TINY.training))
    trained = {name: id(one) for name, one in model.named_parameters() if one.requires_grad}
    assert trained.keys() >= {"prompts.context", "adapter.positions"}
    assert {trained["prompts.context"], trained["adapter.positions"]} <= free
    assert decayed | free == set(trained.values())
