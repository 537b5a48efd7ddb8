"""Gated fusion with memory: each step against a plain loop, the EMA by hand, and the modes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.boxpromptiml.config import PRESETS, FusionConfig
from baselines.boxpromptiml.mgfm import Fusion, Memory
from baselines.boxpromptiml.model import BoxPromptIML, pseudo_mask_loss
from baselines.common.data import Batch
from baselines.common.method import Progress

WIDTHS = (6, 5, 4, 3)
CONFIG = FusionConfig(width=4, prototypes=5, refine_width=3)
MIDWAY = Progress(1.0, 2, 4, 8)


def scales(batch=2, side=8):
    torch.manual_seed(1)
    return [torch.randn(batch, width, side >> i, side >> i) for i, width in enumerate(WIDTHS)]


def fusion(**changes):
    torch.manual_seed(2)
    made = Fusion(replace(CONFIG, **changes), WIDTHS).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def lateral(made, seen):
    size = seen[0].shape[-2:]
    found = [layer(one) for layer, one in zip(made.laterals, seen, strict=True)]
    return [torch.nn.functional.interpolate(one, size, mode="bilinear", align_corners=False) for one in found]


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def test_the_reported_size():
    widths, c, k, r = (64, 128, 160, 320), 64, 64, 16
    laterals = sum(w * c + 2 * c for w in widths)
    gates, join = 4 * (9 * c + 1), 9 * c * c + 2 * c
    memory, maps = c * c + 2 * k * c, 2 * (c + 1)
    refine, alpha = 9 * r + 2 * r + r + 1, 1
    counted = sum(one.numel() for one in Fusion(FusionConfig(), widths).parameters())
    assert counted == laterals + gates + join + memory + maps + refine + alpha == 95_431 + 1


@pytest.mark.parametrize("normalize", [True, False])
def test_gates_weigh_the_scales(normalize):
    made, seen = fusion(normalize_gates=normalize), scales()
    maps = lateral(made, seen)
    gates = [torch.sigmoid(gate(one)) for gate, one in zip(made.gates, maps, strict=True)]
    total = sum(gate * one for gate, one in zip(gates, maps, strict=True))
    expected = total / (sum(gates) + 1e-6) if normalize else total
    got = made._gates(maps)
    torch.testing.assert_close(got, torch.cat(gates, dim=1))
    torch.testing.assert_close(made._aggregated(maps, got), expected)
    torch.testing.assert_close(made(seen).gates, got)


def test_normalised_weights_keep_what_all_scales_agree_on():
    made = fusion()
    same = [torch.full((1, 4, 8, 8), 3.0)] * 4
    joined = made._aggregated(same, torch.rand(1, 4, 8, 8) + 0.1)
    torch.testing.assert_close(joined, same[0], rtol=1e-4, atol=1e-4)


def test_memory_is_read_by_cosine_and_softmax():
    torch.manual_seed(3)
    memory = Memory(CONFIG)
    features = torch.randn(1, 4, 2, 3)
    keys, values = memory.keys.detach().numpy().astype(float), memory.values.detach().numpy().astype(float)
    project = memory.query.weight[:, :, 0, 0].detach().numpy().astype(float)
    expected = np.zeros((4, 2, 3))
    for y in range(2):
        for x in range(3):
            q = project @ features[0, :, y, x].numpy()
            cosine = np.array([q @ key / np.linalg.norm(q) / np.linalg.norm(key) for key in keys])
            weights = np.exp(cosine / 0.1) / np.exp(cosine / 0.1).sum()
            expected[:, y, x] = weights @ values
    np.testing.assert_allclose(memory(features)[0].detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_ema_moves_the_nearest_key_alone():
    memory = Memory(replace(CONFIG, width=2, prototypes=2, memory="ema", decay=0.75))
    memory.keys.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    memory.follow(torch.tensor([[3.0, 1.0], [1.0, 0.0]]))
    # Both are nearest to the first key; their mean is (2, 0.5): 0.75 (1, 0) + 0.25 (2, 0.5) = (1.25, 0.125).
    expected = torch.tensor([1.25, 0.125]) / np.hypot(1.25, 0.125)
    torch.testing.assert_close(memory.keys, torch.stack([expected, torch.tensor([0.0, 1.0])]))


def test_ema_keys_are_no_parameters_and_are_kept():
    model = BoxPromptIML(replace(PRESETS["tiny"], fusion=replace(PRESETS["tiny"].fusion, memory="ema")))
    assert "fusion.memory.keys" not in dict(model.named_parameters())
    assert "fusion.memory.keys" in model.kept_state()


def batch(images=2, side=64):
    torch.manual_seed(4)
    targets = torch.zeros(images, 1, side, side)
    targets[0, :, 8:32, 16:48] = 1
    labels = torch.tensor([1.0] + [0.0] * (images - 1))
    valid = torch.ones(images, 1, side, side, dtype=torch.bool)
    return Batch([str(i) for i in range(images)], torch.rand(images, 3, side, side), labels, valid, targets=targets)


def test_ema_follows_the_mean_feature_of_the_tampered_region():
    config = replace(PRESETS["tiny"], fusion=replace(PRESETS["tiny"].fusion, memory="ema", decay=0.5))
    model, seen = BoxPromptIML(config).eval(), batch()
    features = model.fuse(seen.images).features.detach()
    mean = features[0, :, 2:8, 4:12].mean(dim=(1, 2))  # a quarter of the side
    before = model.fusion.memory.keys.clone()
    nearest = int((before @ (mean / mean.norm())).argmax())
    model.losses(seen, MIDWAY)
    model.after_step(seen, MIDWAY)
    moved = 0.5 * before[nearest] + 0.5 * mean
    torch.testing.assert_close(model.fusion.memory.keys[nearest], moved / moved.norm(), rtol=1e-4, atol=1e-5)
    others = [k for k in range(len(before)) if k != nearest]
    assert torch.equal(model.fusion.memory.keys[others], before[others])
    after = model.fusion.memory.keys.clone()
    model.after_step(seen, MIDWAY)
    assert torch.equal(model.fusion.memory.keys, after), "what was seen once moves a key once"


@pytest.mark.parametrize("mode", ["logit", "prob"])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.3, 1.0])
def test_dual_guidance_is_the_reported_equation(mode, alpha):
    made, seen = fusion(mode=mode, alpha_fixed=alpha), scales()
    fused = made(seen)
    phi = made.join(made._aggregated(lateral(made, seen), fused.gates))
    base, remembered = made.base(phi), made.recalled(made.memory(phi))
    if mode == "prob":
        base, remembered = torch.sigmoid(base), torch.sigmoid(remembered)
    weight = torch.sigmoid(made.mix) if alpha is None else alpha
    average = sum(fused.gates[:, i] for i in range(4))[:, None] / 4
    final = weight * (base * average) + (1 - weight) * remembered
    torch.testing.assert_close(made._guided(phi, fused.gates), final)
    expected = final + made.refine(final)
    torch.testing.assert_close(fused.map, expected.clamp(0, 1) if mode == "prob" else expected)


def test_alpha_begins_at_a_half_and_is_one_without_memory():
    assert Fusion(CONFIG, WIDTHS).alpha.item() == 0.5
    assert Fusion(replace(CONFIG, alpha_fixed=0.25), WIDTHS).alpha == 0.25
    assert Fusion(replace(CONFIG, memory="none"), WIDTHS).alpha == 1.0


def test_an_untrained_map_of_probabilities_stays_under_a_half():
    # The caution of the literal equation: with α = 1/2 and a silent memory nothing passes the threshold.
    for seed in range(5):
        torch.manual_seed(seed)
        made = Fusion(replace(CONFIG, mode="prob"), WIDTHS)
        assert float(made(scales()).map.detach().max()) < 0.5
    torch.manual_seed(0)
    logits = Fusion(CONFIG, WIDTHS)(scales()).map.detach()
    assert float(logits.max()) > 0, "a map of logits has no such bound"


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"gates": False}, ("gates",)),
        ({"memory": "none"}, ("memory", "recalled", "mix")),
        ({"dual_guidance": False}, ("recalled", "mix")),
        ({"alpha_fixed": 0.5}, ("mix",)),
    ],
)
def test_an_ablation_leaves_nothing_behind_that_gets_no_gradient(changes, gone):
    made, seen = fusion(**changes).train(), scales()
    made(seen).map.square().sum().backward()
    names = {name.partition(".")[0] for name, _ in made.named_parameters()}
    assert not names & set(gone)
    assert all(one.grad is not None for one in made.parameters())


def test_without_gates_scales_are_averaged_and_the_map_is_not_weighed():
    made, seen = fusion(gates=False, memory="none"), scales()
    maps = lateral(made, seen)
    phi = made.join(sum(maps) / 4)
    final = made.base(phi)
    torch.testing.assert_close(made(seen).map, final + made.refine(final))


def test_without_dual_guidance_memory_joins_the_features():
    made, seen = fusion(dual_guidance=False), scales()
    phi = made.join(made._aggregated(lateral(made, seen), made._gates(lateral(made, seen))))
    final = made.base(phi + made.memory(phi))
    torch.testing.assert_close(made(seen).map, final + made.refine(final))


@pytest.mark.parametrize("mode", ["logit", "prob"])
def test_the_loss_is_the_mean_cross_entropy_of_valid_pixels(mode):
    rng = np.random.default_rng(0)
    maps, targets = rng.normal(size=(2, 1, 4, 5)), rng.random((2, 1, 4, 5))
    valid = rng.random((2, 1, 4, 5)) > 0.3
    p = sigmoid(maps)
    each = -(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    given = torch.tensor(maps if mode == "logit" else p)
    got = pseudo_mask_loss(given, torch.tensor(targets), torch.tensor(valid), mode)
    assert float(got) == pytest.approx(each[valid].mean(), rel=1e-6)
    assert torch.isfinite(pseudo_mask_loss(given.round(), torch.tensor(targets), torch.tensor(valid), mode))


def test_authentic_images_are_left_out_where_the_configuration_says_so():
    config, seen = PRESETS["tiny"], batch(3)
    model = BoxPromptIML(replace(config, authentic=False)).eval()
    alone = Batch(["0"], seen.images[:1], seen.labels[:1], seen.valid[:1], targets=seen.targets[:1])
    torch.testing.assert_close(model.losses(seen, MIDWAY)["bce"], model.losses(alone, MIDWAY)["bce"])
    whole = BoxPromptIML(config).eval()
    whole.load_state_dict(model.state_dict())
    assert whole.losses(seen, MIDWAY)["bce"].item() != pytest.approx(model.losses(seen, MIDWAY)["bce"].item())
    seen.labels.zero_()
    nothing = model.losses(seen, MIDWAY)["bce"]
    nothing.backward()
    assert nothing.item() == 0
    assert all(not one.grad.any() for one in model.parameters() if one.grad is not None)


def test_the_score_is_the_maximum_or_the_mean_of_the_highest_pixels():
    heat = torch.rand(2, 400)
    top = BoxPromptIML(replace(PRESETS["tiny"], score="top", top_share=0.02))
    highest = heat.sort(dim=1).values[:, -8:]
    torch.testing.assert_close(top._score(heat), highest.mean(dim=1))
    most = BoxPromptIML(replace(PRESETS["tiny"], score="max"))
    assert torch.equal(most._score(heat), heat.max(dim=1).values)


def test_a_batch_without_a_teachers_maps_is_refused():
    seen = batch()
    seen.targets = None
    with pytest.raises(ValueError, match="teacher"):
        BoxPromptIML(PRESETS["tiny"]).losses(seen, MIDWAY)
