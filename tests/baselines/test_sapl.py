"""SAPL as a whole at `tiny`: what it starts as, what learns and what does not, and what survives a checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from baselines.common.data import Batch
from baselines.common.method import Progress
from baselines.sapl import METHOD, Sapl
from baselines.sapl.config import PRESETS
from baselines.sapl.processing import PLAIN

TINY = PRESETS["tiny"]
LATE = Progress(epoch=1.5, epochs=2, step=30, steps=40)


def _model(config=TINY):
    torch.manual_seed(0)
    return Sapl(config)


def _batch(count=6):
    torch.manual_seed(1)
    labels = torch.arange(count) % 2
    images = torch.rand(count, 3, 64, 64)
    return Batch([f"s{i}" for i in range(count)], images, labels.float(), torch.ones(count, 1, 64, 64) > 0)


def _plain_coop(model, images):
    """CoOp written out: one text a class for all images, its similarity with every patch."""
    seen = model.vision(images)
    texts = []
    for context, words in zip(model.contexts.contexts, model.config.prompts.words, strict=True):
        start, end = model.text.ends()
        named = model.text.embed(model.text.tokenize(f"{words} ."))
        texts.append(model.text(torch.cat([start, context, named, end])[None])[0])
    cosines = torch.stack([functional.cosine_similarity(seen.dense, one[None, None], dim=-1) for one in texts], dim=-1)
    return (cosines / 0.07).softmax(dim=-1)[..., 1]


@pytest.mark.parametrize("aware", [True, False])
def test_with_alpha_and_beta_at_zero_it_is_coop(aware):
    config = replace(TINY, prompts=replace(TINY.prompts, aware=aware), contrast=replace(TINY.contrast, beta=0.0))
    model, batch = _model(config), _batch()
    torch.testing.assert_close(model.maps(batch.images).p, _plain_coop(model, batch.images))
    assert set(model.losses(batch, LATE)) == {"patches", "pooled", "authentic"}


def test_with_alpha_it_is_coop_no_more():
    model, batch = _model(), _batch()
    torch.nn.init.constant_(model.contexts.alpha, 1.0)
    assert (model.maps(batch.images).p - _plain_coop(model, batch.images)).abs().max() > 1e-4


def test_shapes():
    maps = _model().maps(_batch(2).images, attention_blocks=2)
    assert maps.grid == (8, 8)
    assert maps.p.shape == maps.edges.shape == (2, 64)
    assert maps.pooled.shape == (2,)
    assert {layer: tuple(one.shape) for layer, one in maps.tokens.items()} == {1: (2, 64, 32), 2: (2, 64, 32)}
    assert maps.attention.shape == (2, 64, 64)


@pytest.mark.parametrize("aware", [True, False])
@pytest.mark.parametrize("lora", [0, 2])
def test_gradients_reach_all_that_is_trained_and_nothing_frozen(aware, lora):
    encoder, prompts = replace(TINY.encoder, lora_rank=lora), replace(TINY.prompts, aware=aware)
    config = replace(TINY, encoder=encoder, prompts=prompts)
    model, batch = _model(config), _batch()
    torch.nn.init.constant_(model.contexts.alpha, 0.5)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    torch.stack(list(model.losses(batch, LATE).values())).sum().backward()
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert reached == {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert all(model.get_parameter(name).grad.abs().sum() > 0 for name in reached if not name.endswith("in_proj_bias"))
    adapters = {name for name, _ in model.named_parameters() if "lora_" in name}
    assert bool(adapters) is bool(lora)
    assert {name for name in reached if name.startswith("vision.")} <= adapters


def test_before_its_time_the_contrast_has_no_weight_and_its_queues_fill():
    config = replace(TINY, contrast=replace(TINY.contrast, wait_epochs=1.0, rise_epochs=1.0))
    model, batch = _model(config), _batch()
    for epoch, weighs in ((0.5, False), (1.5, True)):
        progress = LATE._replace(epoch=epoch)
        assert (model.losses(batch, progress)["contrast"].item() > 0) is weighs
        model.after_step(batch, progress)
        assert all(len(layer.genuine.held()) > 0 for layer in model.contrast.layers.values())


def test_queues_survive_export_of_the_state():
    first, second = _model(), _model(replace(TINY, training=replace(TINY.training, seed=1)))
    first.losses(_batch(), LATE)
    first.after_step(_batch(), LATE)
    second.load_kept_state(first.kept_state())
    for name, layer in first.contrast.layers.items():
        assert int(layer.manipulated.pushed) > 0
        assert torch.equal(layer.genuine.held(), second.contrast.layers[name].genuine.held())


def test_lora_has_its_own_rate_and_vectors_no_decay():
    groups = _model().parameter_groups(TINY.training)
    assert {(group["lr"], group["weight_decay"]) for group in groups} == {(1e-3, 1e-4), (1e-3, 0.0), (5e-4, 1e-4)}
    model = _model()
    rates = {id(one): group["lr"] for group in model.parameter_groups(TINY.training) for one in group["params"]}
    trained = {name: one for name, one in model.named_parameters() if one.requires_grad}
    assert len(rates) == len(trained)
    assert {name for name, one in trained.items() if rates[id(one)] == 5e-4} == {n for n in trained if "lora_" in n}


def test_the_loss_falls_and_eight_images_are_learned():
    config = replace(TINY, contrast=replace(TINY.contrast, wait_epochs=0.0))
    model, batch = _model(config), _batch(8)
    batch.images[1::2, :, 20:36, 20:36] = 0.9
    optimizer = torch.optim.AdamW(model.parameter_groups(replace(TINY.training, learning_rate=1e-2)), lr=1e-2)
    losses = []
    for step in range(80):
        terms = model.losses(batch, Progress(step / 40, 2, step, 80))
        total = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        model.after_step(batch, Progress(step / 40, 2, step, 80))
        losses.append(terms["patches"].item())
    assert losses[-1] < losses[0] / 4
    with torch.no_grad():
        score = model.eval().predict(batch.images).score
    assert score[1::2].min() > score[::2].max()


def test_predictions_are_maps_of_the_inputs_size_and_processing_can_be_left_out():
    batch = _batch(3)
    for steps in (TINY.processing, PLAIN):
        output = _model(replace(TINY, processing=steps)).eval().predict(batch.images)
        assert output.mask.shape == (3, 1, 64, 64)
        assert output.score.shape == (3,)
        assert 0 <= output.mask.min() <= output.mask.max() <= 1
    plain = _model().maps(batch.images).p.unflatten(1, (8, 8))[:, None]
    expected = functional.interpolate(plain, (64, 64), mode="bilinear")
    torch.testing.assert_close(output.mask, expected, atol=0.003, rtol=0)


def test_every_setting_of_the_reconstruction_says_why():
    from baselines.sapl import config

    source = config.__file__
    with open(source, encoding="utf-8") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    for name in ("Prompts", "Contrast", "Processing"):
        for field in getattr(config, name).__dataclass_fields__:
            place = next(i for i, line in enumerate(lines) if line.startswith(f"    {field}: "))
            assert lines[place + 1].strip().startswith('"""'), field


def test_the_method_learns_from_image_labels_alone():
    assert (METHOD.name, METHOD.level) == ("sapl", "image")
    assert set(METHOD.presets) == {"tiny", "small", "paper"}
    assert METHOD.presets["paper"].contrast.beta == 0.2
