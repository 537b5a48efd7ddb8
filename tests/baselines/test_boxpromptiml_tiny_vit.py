"""TinyViT: its size, its parameters' published names, its windows, and its checkpoints."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from baselines.boxpromptiml.config import BackboneConfig
from baselines.boxpromptiml.tiny_vit import Attention, Block, TinyViT
from baselines.boxpromptiml.weights import load_tiny_vit
from forgebench.errors import InputError, NotFoundError

SMALL = BackboneConfig(widths=(8, 16, 16, 24), depths=(1, 1, 2, 1), heads=(1, 2, 2, 3), windows=(4, 4, 4, 2))


def published(widths=(64, 128, 160, 320), depths=(2, 2, 6, 2), heads=(2, 4, 5, 10), windows=(7, 7, 14, 7)):
    """Names and shapes of timm's tiny_vit_5m_224 without head, written down by its rules."""
    shapes = {}

    def conv_norm(name, inside, out, kernel, groups=1):
        shapes[f"{name}.conv.weight"] = (out, inside // groups, kernel, kernel)
        shapes.update({f"{name}.bn.{one}": (out,) for one in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{name}.bn.num_batches_tracked"] = ()

    def linear(name, inside, out):
        shapes.update({f"{name}.weight": (out, inside), f"{name}.bias": (out,)})

    def norm(name, width):
        shapes.update({f"{name}.weight": (width,), f"{name}.bias": (width,)})

    conv_norm("patch_embed.conv1", 3, widths[0] // 2, 3)
    conv_norm("patch_embed.conv2", widths[0] // 2, widths[0], 3)
    for block in range(depths[0]):
        name, hidden = f"stages.0.blocks.{block}", 4 * widths[0]
        conv_norm(f"{name}.conv1", widths[0], hidden, 1)
        conv_norm(f"{name}.conv2", hidden, hidden, 3, hidden)
        conv_norm(f"{name}.conv3", hidden, widths[0], 1)
    for stage in (1, 2, 3):
        width, name = widths[stage], f"stages.{stage}"
        conv_norm(f"{name}.downsample.conv1", widths[stage - 1], width, 1)
        conv_norm(f"{name}.downsample.conv2", width, width, 3, width)
        conv_norm(f"{name}.downsample.conv3", width, width, 1)
        for block in range(depths[stage]):
            here = f"{name}.blocks.{block}"
            norm(f"{here}.attn.norm", width)
            linear(f"{here}.attn.qkv", width, 3 * width)
            linear(f"{here}.attn.proj", width, width)
            shapes[f"{here}.attn.attention_biases"] = (heads[stage], windows[stage] ** 2)
            conv_norm(f"{here}.local_conv", width, width, 3, width)
            norm(f"{here}.mlp.norm", width)
            linear(f"{here}.mlp.fc1", width, 4 * width)
            linear(f"{here}.mlp.fc2", 4 * width, width)
    return shapes


def head(width, classes=1000):
    """The published head, which is left out."""
    shapes = {"head.norm.weight": (width,), "head.norm.bias": (width,)}
    return shapes | {"head.fc.weight": (classes, width), "head.fc.bias": (classes,)}


def checkpoint(config, seed=5, windows=None):
    """A checkpoint as timm writes it, random, with its head."""
    rng = torch.Generator().manual_seed(seed)
    sizes = (config.widths, config.depths, config.heads, windows or config.windows)
    shapes = published(*sizes) | head(config.widths[-1])
    return {
        name: torch.tensor(3) if name.endswith("tracked") else torch.rand(shape, generator=rng)
        for name, shape in shapes.items()
    }


def test_tinyvit_5m_has_as_many_parameters_as_published_and_named_alike():
    model = TinyViT(BackboneConfig())
    assert sum(one.numel() for one in model.parameters()) == 5_071_124
    assert {name: tuple(one.shape) for name, one in model.state_dict().items()} == published()


def test_the_published_total_is_reached_with_the_head():
    trained = {n: s for n, s in (published() | head(320)).items() if not re.search("running|tracked", n)}
    assert sum(int(np.prod(shape)) for shape in trained.values()) == 5_392_764


def test_four_scales():
    with torch.no_grad():
        found = TinyViT(BackboneConfig()).eval()(torch.rand(1, 3, 224, 224))
    assert [tuple(one.shape[1:]) for one in found] == [(64, 56, 56), (128, 28, 28), (160, 14, 14), (320, 7, 7)]


def test_attention_is_what_the_definition_says():
    torch.manual_seed(0)
    width, heads, side = 12, 3, 3
    attention = Attention(width, heads, side)
    torch.nn.init.normal_(attention.attention_biases)
    tokens = torch.randn(2, side * side, width)
    places = list(product(range(side), repeat=2))
    normed = torch.nn.functional.layer_norm(tokens, (width,), attention.norm.weight, attention.norm.bias)
    flat = normed @ attention.qkv.weight.T + attention.qkv.bias
    each, expected = width // heads, torch.zeros(2, side * side, width)
    for image, one in product(range(2), range(heads)):
        q, k, v = (flat[image, :, one * 3 * each + part * each :][:, :each] for part in range(3))
        logits = q @ k.T / each**0.5
        for i, j in product(range(9), repeat=2):
            apart = abs(places[i][0] - places[j][0]) * side + abs(places[i][1] - places[j][1])
            logits[i, j] += attention.attention_biases[one, apart]
        expected[image, :, one * each : (one + 1) * each] = logits.softmax(dim=-1) @ v
    expected = expected @ attention.proj.weight.T + attention.proj.bias
    torch.testing.assert_close(attention(tokens), expected)


def test_windows_do_not_see_each_other():
    block = Block(8, 2, 4, 2).eval()
    maps = torch.randn(1, 8, 8, 8)
    moved = maps.clone()
    moved[..., :4, 4:] += torch.randn(8, 4, 4)
    first, second = (block._attended(one.permute(0, 2, 3, 1)) for one in (maps, moved))
    assert torch.equal(first[:, :, :4], second[:, :, :4])
    assert not torch.allclose(first[:, :4, 4:], second[:, :4, 4:])


def test_an_image_of_no_whole_windows_is_padded_and_cut():
    block = Block(8, 2, 4, 2).eval()
    maps = torch.randn(2, 8, 6, 5)
    padded = torch.nn.functional.pad(maps, (0, 3, 0, 2))
    expected = block._attended(padded.permute(0, 2, 3, 1))[:, :6, :5]
    torch.testing.assert_close(block._attended(maps.permute(0, 2, 3, 1)), expected)


@pytest.mark.parametrize("kind", ["safetensors", "bin", "pth", "pth in a model key"])
def test_a_checkpoint_in_timms_format_is_loaded_and_its_head_left_out(tmp_path, kind):
    state = checkpoint(SMALL)
    if kind == "safetensors":
        save_file(state, str(tmp_path / "model.safetensors"))
    else:
        name = "pytorch_model.bin" if kind == "bin" else "tiny_vit.pth"
        torch.save({"model": state} if "key" in kind else state, tmp_path / name)
    model = TinyViT(SMALL)
    load_tiny_vit(model, str(tmp_path))
    loaded = model.state_dict()
    assert all(torch.equal(loaded[name], state[name]) for name in loaded)


def test_tables_of_larger_windows_are_cut_to_the_same_distances(tmp_path):
    smaller = replace(SMALL, windows=(4, 2, 3, 2))
    state = checkpoint(SMALL)
    save_file(state, str(tmp_path / "model.safetensors"))
    model = TinyViT(smaller)
    load_tiny_vit(model, str(tmp_path))
    name = "stages.2.blocks.0.attn.attention_biases"
    table = model.state_dict()[name]
    for dy, dx in product(range(3), repeat=2):
        assert torch.equal(table[:, dy * 3 + dx], state[name][:, dy * 4 + dx])


def test_what_does_not_fit_is_told_all_at_once(tmp_path):
    state = checkpoint(SMALL, windows=(4, 4, 3, 2))
    del state["patch_embed.conv1.conv.weight"]
    state["stages.3.blocks.0.mlp.fc1.bias"] = torch.zeros(5)
    state["layers.0.odd"] = torch.zeros(1)
    save_file(state, str(tmp_path / "model.safetensors"))
    with pytest.raises(InputError) as caught:
        load_tiny_vit(TinyViT(SMALL), str(tmp_path))
    told = str(caught.value)
    for part in ("conv1.conv.weight: missing", "fc1.bias: expected shape (96,), found (5,)", "layers.0.odd: unknown"):
        assert part in told
    assert "stages.2.blocks.0.attn.attention_biases: expected shape (2, 16), found (2, 9)" in told


def test_no_checkpoint_or_a_damaged_one_is_told(tmp_path):
    model = TinyViT(SMALL)
    with pytest.raises(NotFoundError, match="found none"):
        load_tiny_vit(model, str(tmp_path))
    with pytest.raises(NotFoundError, match="no folder"):
        load_tiny_vit(model, "nobody/has-this-model")
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="damaged"):
        load_tiny_vit(model, str(tmp_path))
