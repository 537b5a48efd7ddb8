"""Encoders against transformers' own forward pass, at any size, with adapters, and through frozen texts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.common.config import EncoderConfig
from baselines.common.encoders import VisionEncoder, load_encoders
from forgebench.errors import InputError

TINY = {"clip": EncoderConfig(), "dinov2": EncoderConfig(kind="dinov2")}


@pytest.fixture(params=["clip", "dinov2"])
def config(request):
    torch.manual_seed(0)
    return TINY[request.param]


def test_tokens_are_those_of_transformers(config):
    encoder = VisionEncoder(config).eval()
    images = torch.rand(2, 3, 64, 64)
    features = encoder(images, layers=(1, 2))
    pixels = (images - encoder.mean) / encoder.std
    theirs = encoder.tower(pixel_values=pixels, output_hidden_states=True)
    assert torch.allclose(features.tokens[2], theirs.hidden_states[-1][:, 1:], atol=1e-5)
    assert torch.allclose(features.tokens[1], theirs.hidden_states[1][:, 1:], atol=1e-5)
    assert torch.allclose(features.pooled, encoder.projection(theirs.pooler_output), atol=1e-5)
    assert features.grid == (8, 8)


@pytest.mark.parametrize("size", [(32, 64), (96, 40), (70, 66)])
def test_any_size_that_holds_a_patch(config, size):
    features = VisionEncoder(config)(torch.rand(1, 3, *size))
    assert features.grid == (size[0] // 8, size[1] // 8)
    assert features.dense.shape == (1, features.grid[0] * features.grid[1], 32)


def test_attention_rows_sum_to_one(config):
    attention = VisionEncoder(config)(torch.rand(1, 3, 32, 32), attention_blocks=2).attention
    assert attention.shape == (1, 16, 16)
    assert torch.allclose(attention.sum(dim=-1), torch.ones(1, 16), atol=1e-5)


def test_value_attention_changes_the_dense_features_alone(config):
    torch.manual_seed(1)
    plain = VisionEncoder(config)
    torch.manual_seed(1)
    local = VisionEncoder(replace(config, vv_attention=True))
    images = torch.rand(1, 3, 32, 32)
    a, b = (one(images, layers=(1, 2)) for one in (plain, local))
    assert all(torch.equal(a.tokens[layer], b.tokens[layer]) for layer in (1, 2))
    assert torch.allclose(a.pooled, b.pooled, atol=1e-6)
    assert not torch.allclose(a.dense, b.dense, atol=1e-5)


def test_value_attention_by_hand(config):
    encoder = VisionEncoder(replace(config, vv_attention=True, heads=1, depth=1))
    hidden = torch.randn(1, 5, 32)
    block = encoder.blocks[0]
    attention = block.self_attn if config.kind == "clip" else block.attention
    norm = block.layer_norm1 if config.kind == "clip" else block.norm1
    values = attention.v_proj(norm(hidden))
    mixed = (values @ values.transpose(1, 2) / 32**0.5).softmax(dim=-1) @ values
    if config.kind == "clip":
        between = hidden + attention.out_proj(mixed)
        expected = between + block.mlp(block.layer_norm2(between))
    else:
        between = hidden + block.layer_scale1(attention.o_proj(mixed))
        expected = between + block.layer_scale2(block.mlp(block.norm2(between)))
    assert torch.allclose(encoder._value_block(block, hidden), expected, atol=1e-5)


def test_a_frozen_tower_has_no_gradients_and_lora_has_them_in_its_adapters_alone(config):
    frozen = VisionEncoder(config)
    assert frozen.frozen
    assert not any(p.requires_grad for p in frozen.tower.parameters())
    adapted = VisionEncoder(replace(config, lora_rank=2))
    trained = [n for n, p in adapted.tower.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert {name.split(".lora_")[0].rsplit(".", 1)[1] for name in trained} == {"q_proj", "v_proj"}
    adapted(torch.rand(1, 3, 32, 32)).dense.sum().backward()
    assert any(p.grad is not None for n, p in adapted.tower.named_parameters() if "lora_" in n)


def test_gradients_pass_the_frozen_text_tower_to_the_context(config):
    _, text = load_encoders(config)
    context = torch.randn(4, text.width, requires_grad=True)
    encoded = text(text.sentence(context[:2], "fake edge", context[2:])[None])
    (encoded * torch.linspace(-1, 1, encoded.shape[1])).sum().backward()  # the plain sum behind a norm is constant
    assert bool((context.grad.abs().amax(dim=1) > 1e-6).all())
    assert all((p.grad is None) == (config.kind == "clip") for p in text.parameters())


def test_clips_text_is_that_of_transformers():
    _, text = load_encoders(TINY["clip"])
    tokens = [510, 3, 7, 20, 511]
    ours = text(text.embed(tokens)[None])
    theirs = text.tower(input_ids=torch.tensor([tokens])).pooler_output
    assert torch.allclose(ours, text.projection(theirs), atol=1e-5)


def test_later_words_do_not_change_what_comes_before(config):
    """The text tower is causal; a planted change of the end token alone must show at the end alone."""
    _, text = load_encoders(config)
    sentence = text.sentence(torch.zeros(0, text.width), "a b c", torch.zeros(0, text.width))
    assert not torch.allclose(text(sentence[None]), text(sentence[None, :-1]))


def test_a_named_tower_is_loaded_from_a_folder(config, tmp_path):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config, Dinov2Model

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8, "image_size": 64}
    if config.kind == "clip":
        model = CLIPVisionModelWithProjection(CLIPVisionConfig(projection_dim=32, intermediate_size=64, **sizes))
    else:
        model = Dinov2Model(Dinov2Config(**sizes))
    model.save_pretrained(tmp_path)
    loaded = VisionEncoder(replace(config, name=str(tmp_path)))
    saved = model.state_dict()
    norm = "vision_model.post_layernorm.weight" if config.kind == "clip" else "layernorm.weight"
    assert torch.equal(loaded.tower.state_dict()[norm.removeprefix("vision_model.")], saved[norm])
    assert loaded.reloaded
    assert loaded.width == 32


def test_a_name_that_is_nothing_is_told(config, tmp_path):
    with pytest.raises(InputError, match="nothing-here cannot be loaded"):
        VisionEncoder(replace(config, name=str(tmp_path / "nothing-here")))


def test_kept_features_are_those_that_would_be_computed(config, tmp_path):
    torch.manual_seed(2)
    fresh = VisionEncoder(config)
    torch.manual_seed(2)
    cached = VisionEncoder(replace(config, cache=str(tmp_path)))
    images = torch.rand(3, 3, 32, 32)
    first, again, plain = cached(images, (1,)), cached(images, (1,)), fresh(images, (1,))
    assert len(list(tmp_path.glob("*/*.safetensors"))) == 3
    assert torch.equal(first.dense, again.dense)
    assert torch.equal(first.tokens[1], again.tokens[1])
    assert torch.allclose(first.dense, plain.dense, atol=5e-3)  # half precision
    cached(images.flip(-1), (1,))
    assert len(list(tmp_path.glob("*/*.safetensors"))) == 6
    file = next(tmp_path.glob("*/*.safetensors"))
    file.write_bytes(b"cut off")
    assert torch.equal(cached(images, (1,)).dense, first.dense)


def test_features_of_another_precision_are_not_taken(config, tmp_path):
    torch.manual_seed(2)
    cached = VisionEncoder(replace(config, cache=str(tmp_path))).requires_grad_(False)
    images = torch.rand(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = cached(images).dense.float()
    fine = cached(images).dense
    assert not torch.equal(coarse, fine)
    torch.manual_seed(2)
    assert torch.allclose(fine, VisionEncoder(config)(images).dense, atol=5e-3)
    assert len(list(tmp_path.iterdir())) == 2


def test_other_weights_have_features_of_their_own(config, tmp_path):
    for seed in (3, 4):
        torch.manual_seed(seed)
        VisionEncoder(replace(config, cache=str(tmp_path)))(torch.zeros(1, 3, 32, 32))
    assert len(list(tmp_path.iterdir())) == 2
