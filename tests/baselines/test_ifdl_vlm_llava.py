"""IFDL-VLM, stage 2, on a LLaVA checkpoint by name; and activations that are computed again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from baselines.common.config import EncoderConfig
from baselines.ifdl_vlm.explain.config import PRESETS
from baselines.ifdl_vlm.explain.model import Explainer
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
PROMPT = "USER: <image>\nWhat was forged? ASSISTANT: "
SIDE, PATCH = 32, 8
TEXTS = ["Type: splice", "Type: copy-move, top left"]


def tokenizer() -> PreTrainedTokenizerFast:
    """As LLaVA's: a start of its own, an end, and a token that stands for the image."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<s>", "</s>", "<image>"]
    bytes_ = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator([PROMPT, *TEXTS], trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=bytes_, show_progress=False
    ))  # fmt: skip
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="</s>")  # noqa: S106


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A LLaVA with random weights, and its processor, in a folder as they are published."""
    folder, words = tmp_path_factory.mktemp("llava"), tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2, patch_size=PATCH,
        image_size=SIDE,
    )  # fmt: skip
    language = LlamaConfig(
        vocab_size=len(words), hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, eos_token_id=words.eos_token_id, bos_token_id=words.bos_token_id,
    )  # fmt: skip
    image = words.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=language, image_token_index=image)
    )
    model.save_pretrained(folder)
    pixels = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    about = {"patch_size": PATCH, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    LlavaProcessor(pixels, words, image_token="<image>", **about).save_pretrained(folder)  # noqa: S106
    return folder


@pytest.fixture
def config(checkpoint):
    paper = PRESETS["paper"]
    training = replace(paper.training, precision="no", learning_rate=1e-2)
    about = {"size": SIDE, "lora_rank": 4, "lora_dropout": 0.0, "max_tokens": 12, "temperature": 0.0}
    return replace(paper, name=str(checkpoint), prompt=PROMPT, training=training, **about)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(2)]


def test_untrained_it_says_what_the_checkpoint_says_by_its_own_processor(checkpoint, config, images):
    model = LlavaForConditionalGeneration.from_pretrained(checkpoint).eval()
    processor = LlavaProcessor.from_pretrained(checkpoint)
    given = processor(images=images, text=[PROMPT] * 2, return_tensors="pt")
    length = given["input_ids"].shape[1]
    made = model.generate(**given, max_new_tokens=12, do_sample=False, pad_token_id=1)
    plain = processor.batch_decode(made[:, length:], skip_special_tokens=True)
    explainer = Explainer(config).eval()
    assert explainer.answer(explainer.see(images, [None, None])) == plain
    assert all(plain)
    assert explainer._prompt(explainer.see(images, [None, None])).shape[1] == length


def test_a_step_trains_its_adapters_alone_and_it_speaks(config, images):
    torch.manual_seed(0)
    explainer = Explainer(config).train()
    assert {one.dtype for one in explainer.parameters()} == {torch.float32}
    masks = [np.arange(SIDE)[None] < np.full((SIDE, 1), 10)] * 2
    features = explainer.see(images, masks)
    before = {name: one.detach().clone() for name, one in explainer.named_parameters()}
    optimizer = torch.optim.AdamW([p for p in explainer.parameters() if p.requires_grad], 1e-2)
    losses = []
    for _ in range(3):
        loss = explainer.loss(features, TEXTS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    moved = {name for name, one in explainer.named_parameters() if not torch.equal(one, before[name])}
    assert moved
    assert all("lora_" in name for name in moved)
    assert len(explainer.eval().answer(features)) == 2
    other = Explainer(config).eval()
    other.load_kept_state(explainer.kept_state())
    assert set(explainer.kept_state()) == {name for name in before if "lora_" in name}
    assert other.answer(features) == explainer.answer(features)


def test_at_the_papers_precision_the_base_is_bfloat16(config, images):
    training = replace(config.training, precision="bf16")
    explainer = Explainer(replace(config, training=training)).train()
    kinds = {one.requires_grad: one.dtype for one in explainer.parameters()}
    assert kinds == {True: torch.float32, False: torch.bfloat16}
    with torch.autocast("cpu", torch.bfloat16):
        explainer.loss(explainer.see(images, [None, None]), TEXTS).backward()


def test_what_is_no_llava_is_told(config, tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        Explainer(replace(config, name=str(tmp_path)))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_activations_computed_again_give_the_same_losses(images, dropout):
    losses, passes = {}, {}
    for checkpointing in (False, True):
        torch.manual_seed(0)
        tiny = replace(
            PRESETS["tiny"], vision=EncoderConfig(kind="dinov2", patch=8, image_size=32), lora_dropout=dropout
        )
        explainer = Explainer(replace(tiny, checkpointing=checkpointing)).train()
        layer, calls = explainer.llava.model.language_model.layers[0], []
        layer.self_attn.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        optimizer = torch.optim.AdamW([p for p in explainer.parameters() if p.requires_grad], 1e-2)
        features, losses[checkpointing] = explainer.see(images, [None, None]), []
        for _ in range(4):
            loss = explainer.loss(features, TEXTS)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[checkpointing].append(loss.item())
        passes[checkpointing] = len(calls)
    assert losses[True] == losses[False]
    assert losses[True][-1] < losses[True][0]
    assert (passes[False], passes[True]) == (4, 8)
