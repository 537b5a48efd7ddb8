"""Predecessors against what their papers define: residuals, constrained convolutions, adaptive pooling, zero-shot."""

from __future__ import annotations

import json
from math import exp

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel, ConvNextImageProcessor
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from baselines.common.config import EncoderConfig
from baselines.common.method import Progress
from baselines.common.mil import top_mean
from baselines.common.registry import get
from baselines.predecessors.coop import CoOp
from baselines.predecessors.mil_fcn import BayarConv, MilFcn, Srm, pooled, pseudo_map
from baselines.predecessors.zero_shot import ZeroShot, clip
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def test_residuals_of_flat_and_sloping_pictures_are_nothing():
    flat = torch.full((1, 3, 20, 20), 0.4)
    slope = torch.linspace(0, 1, 20).expand(1, 3, 20, 20)
    for image in (flat, slope):
        assert Srm()(image)[..., 2:-2, 2:-2].abs().max() < 1e-4


def test_residuals_are_clipped_at_five_grey_levels():
    dot = torch.zeros(1, 3, 11, 11)
    dot[..., 5, 5] = 1
    residual = Srm()(dot)
    assert residual.abs().max() == pytest.approx(1)
    faint = Srm()(dot / 255)
    assert faint[0, 0, 5, 5] == pytest.approx(-1 / 5)
    assert faint[0, 1, 5, 5] == pytest.approx(-1 / 5)
    assert faint[0, 2, 5, 5] == pytest.approx(-1 / 5)


def test_the_rgb_stream_sees_what_a_resnet_on_imagenet_expects():
    images = torch.rand(2, 3, 64, 64)
    processor = ConvNextImageProcessor(
        do_resize=False, do_rescale=False, image_mean=IMAGENET_DEFAULT_MEAN, image_std=IMAGENET_DEFAULT_STD
    )
    expected = processor(list(images), input_data_format="channels_first", return_tensors="pt")["pixel_values"]
    model, seen = MilFcn(get("mil-fcn").presets["tiny"]), []
    model.streams[0].backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        model.predict(images)
    assert torch.allclose(seen[0], expected, atol=1e-5)


def test_bayars_constraint_holds_before_and_after_a_step():
    conv = BayarConv()
    optimizer = torch.optim.SGD(conv.parameters(), 0.1)
    for _ in range(3):
        kernel = conv.kernel()
        assert torch.allclose(kernel[..., 2, 2], torch.tensor(-1.0))
        assert torch.allclose(kernel.sum(dim=(-1, -2)), torch.tensor(0.0), atol=1e-5)
        conv(torch.rand(2, 3, 16, 16)).pow(2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def otsu(values):
    """The division of sorted values whose parts vary least, tried one by one."""
    ordered = np.sort(values)[::-1]
    within = [k * ordered[:k].var() + (len(ordered) - k) * ordered[k:].var() for k in range(1, len(ordered) // 2 + 1)]
    return ordered[: np.argmin(within) + 1].mean()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
def test_adaptive_pooling_is_otsus_where_less_than_half_is_bright(share):
    rng = np.random.default_rng(0)
    values = rng.normal(0.2, 0.05, 400)
    values[: int(400 * share)] = rng.normal(0.8, 0.05, int(400 * share))
    values = values.clip(0.01, 0.99)
    score = pooled(torch.tensor(values, dtype=torch.float32).view(1, 1, 20, 20))
    assert float(score) == pytest.approx(otsu(values), abs=1e-5)


def test_adaptive_pooling_stays_in_the_upper_half():
    mostly = torch.cat([torch.full((90,), 0.9), torch.full((10,), 0.1)]).view(1, 1, 10, 10)
    assert float(pooled(mostly)) == pytest.approx(0.9)
    assert float(pooled(torch.full((1, 1, 4, 4), 0.3))) == pytest.approx(0.3)


def test_pooling_gives_gradients_to_the_bright_alone():
    maps = torch.tensor([0.9, 0.8, 0.1, 0.1, 0.1, 0.1]).view(1, 1, 2, 3).requires_grad_()
    pooled(maps).sum().backward()
    assert maps.grad.flatten().tolist() == pytest.approx([0.5, 0.5, 0, 0, 0, 0])


def test_the_pseudo_map_is_the_weighted_mean_and_never_silent():
    maps = [torch.zeros(3, 1, 2, 2) for _ in range(3)]
    maps[0][:, 0, 0, 0] = 1.0
    maps[1][:, 0, 0, 1], maps[2][:, 0, 0, 1] = 0.7, 0.6
    maps[1][1:], maps[2][1:] = 0.0, 0.0
    made = pseudo_map(maps, torch.tensor([1.0, 1.0, 0.0]))
    assert made[0].flatten().tolist() == [0, 1, 0, 0]
    assert made[1].flatten().tolist() == [1, 0, 0, 0]
    assert not made[2].any()


def test_consistency_rises_as_wscl_says():
    method = get("mil-fcn")
    torch.manual_seed(0)
    model = MilFcn(method.presets["tiny"])
    batch = type("B", (), {"images": torch.rand(2, 3, 64, 64), "labels": torch.tensor([0.0, 1.0])})()
    with torch.no_grad():
        early, late = (model.losses(batch, Progress(epoch, 10, 0, 1)) for epoch in (0.0, 10.0))
    assert torch.allclose(early["image"], late["image"])
    assert float(early["consistency"] / late["consistency"]) == pytest.approx(exp(-5), rel=1e-4)


def test_the_strongest_patches():
    values = torch.arange(32.0)[None]
    assert float(top_mean(values)) == pytest.approx((31 + 30 + 29) / 3)
    assert float(top_mean(torch.tensor([[2.0]]))) == 2.0


def test_coop_learns_context_alone_with_clip():
    config = get("coop").presets["tiny"]
    model = CoOp(type(config)(**(vars(config) | {"encoder": EncoderConfig()})))
    assert [name for name, one in model.named_parameters() if one.requires_grad] == ["context"]
    texts = model.texts()
    assert texts.shape == (2, 32)
    texts.sum().backward()
    assert model.context.grad.abs().sum() > 0


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """CLIP with random weights and a tokenizer of single letters, as a folder."""
    from transformers import CLIPTokenizer

    folder = tmp_path_factory.mktemp("clip")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.save_pretrained(folder)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**size, **ends, "vocab_size": len(tokenizer), "projection_dim": 8}, projection_dim=8,
        vision_config={**size, "patch_size": 16, "image_size": 224, "projection_dim": 8},
    )  # fmt: skip
    CLIPModel(config).eval().save_pretrained(folder)
    return folder, tokenizer


def test_zero_shot_compares_with_clips_own_texts(clip_folder):
    folder, tokenizer = clip_folder
    model = ZeroShot(EncoderConfig(name=str(folder))).eval()
    reference = CLIPModel.from_pretrained(folder).eval()
    inputs = tokenizer(["a real photo", "a fake photo"], return_tensors="pt", padding=True)
    with torch.no_grad():
        texts = reference.get_text_features(**inputs)
        texts = getattr(texts, "pooler_output", texts)
        mask, score = model.predict(torch.rand(2, 3, 224, 224))
    assert torch.allclose(model.texts, functional.normalize(texts, dim=-1), atol=1e-5)
    assert mask.shape == (2, 1, 14, 14)
    assert torch.allclose(score, top_mean(mask.flatten(1)))
    assert clip(folder, "cpu").supervision == "zero-shot"


def test_without_weights_there_is_no_zero_shot(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        clip(tmp_path / "nothing")
