"""IFDL-VLM, stage 2: RAVFE, answers and what is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch.nn import functional

from baselines.common.config import from_yaml, to_yaml
from baselines.ifdl_vlm.explain import llava, study
from baselines.ifdl_vlm.explain.answer import parse, write
from baselines.ifdl_vlm.explain.config import PRESETS, ExplainConfig
from baselines.ifdl_vlm.explain.examples import FIELDS, best_and_worst
from baselines.ifdl_vlm.explain.fields import interval, measured
from baselines.ifdl_vlm.explain.model import IGNORED, Explainer
from baselines.ifdl_vlm.explain.view import prepared, ravfe
from forgebench.errors import InputError
from perf.ifdl_vlm import adapt

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:Answers of more than"
)  # fmt: skip
TINY = PRESETS["tiny"]
TRUTH = {"type": "splice", "area": "top left, 2.0 % of the image", "content": "a cat", "evidence": "It is brighter."}
MEAN, STD = torch.tensor(TINY.mean), torch.tensor(TINY.std)


@pytest.fixture(scope="module")
def explainer():
    torch.manual_seed(0)
    return Explainer(TINY).eval()


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (height, 40, 3), dtype=np.uint8) for height in (24, 40)]
    masks = [np.zeros(image.shape[:2], bool) for image in images]
    for mask in masks:
        mask[4:14, 6:20] = True
    return images, masks


def test_ravfe_identities(explainer, pictures):
    images, masks = pictures
    pairs = [prepared(image, mask, 32, MEAN, STD) for image, mask in zip(images, masks, strict=True)]
    pixels, regions = (torch.stack(list(part)) for part in zip(*pairs, strict=True))
    with torch.no_grad():
        whole, region = explainer._tokens(pixels), explainer._tokens(pixels * regions)
        for alpha in (0.0, 0.3, 0.5, 1.0):
            mixed = ravfe(explainer._tokens, pixels, regions, alpha)
            assert torch.allclose(mixed, alpha * whole + (1 - alpha) * region, atol=1e-5)
            ones = ravfe(explainer._tokens, pixels, torch.ones_like(regions), alpha)
            assert torch.allclose(ones, whole, atol=1e-6)
    assert not torch.allclose(whole, region, atol=1e-2)


def test_no_mask_shows_the_image_alone(explainer, pictures):
    images, masks = pictures
    assert torch.equal(explainer.see(images, [None, None]), explainer.see(images, masks, alpha=1.0))


def test_image_and_mask_are_padded_in_step():
    image, mask = np.zeros((20, 40, 3), np.uint8), np.zeros((20, 40), bool)
    image[5:15, 10:30], mask[5:15, 10:30] = 255, True
    pixels, region = prepared(image, mask, 40, MEAN, STD)
    lit = pixels[0] > 0.5
    assert bool((lit == (region[0] > 0)).all())
    assert bool((pixels[:, :10] == 0).all())
    assert bool((pixels[:, 30:] == 0).all())
    assert region[:, 10:30].sum() == 200


def test_answers_round_trip():
    lines = {**TRUTH, "evidence": "Two\nlines, Type: of a colon"}
    assert parse(write(TRUTH)) == TRUTH
    assert parse(write(lines)) == {**lines, "evidence": "Two lines, Type: of a colon"}
    assert parse(write({**TRUTH, "content": ""})) == {**TRUTH, "content": ""}


@pytest.mark.parametrize(
    "text",
    ["", "splice", "Type: a\nAreas: b\nTampered Content: c",
     "Areas: b\nType: a\nTampered Content: c\nVisual Inconsistencies: d",
     "I say:\nType: a\nAreas: b\nTampered Content: c\nVisual Inconsistencies: d"],
)  # fmt: skip
def test_what_has_not_the_form_is_no_answer(text):
    assert parse(text) is None


def test_only_the_answers_tokens_are_learned_from(explainer, pictures):
    features = explainer.see(*pictures)
    texts = ["Type: splice", "Type: copy-move and more"]
    with torch.no_grad():
        loss = float(explainer.loss(features, texts))
        given = explainer.inputs(features, texts)
        ids = [[*explainer.ids(text), explainer.tokenizer.eos_token_id] for text in texts]
        assert [row[row != IGNORED].tolist() for row in given.labels] == ids
        total, n = 0.0, 0
        for place, own in enumerate(ids):  # one by one, without padding
            prompt = explainer._prompt(features[place : place + 1])
            whole = torch.cat([prompt, explainer._words(torch.tensor([own]))], dim=1)
            logits = explainer.llava(inputs_embeds=whole).logits[0, prompt.shape[1] - 1 : -1]
            total += float(functional.cross_entropy(logits, torch.tensor(own), reduction="sum"))
            n += len(own)
    assert loss == pytest.approx(total / n, rel=1e-4)


def test_long_answers_are_cut(explainer, pictures):
    with pytest.warns(UserWarning, match="more than 48 tokens are cut"):
        given = explainer.inputs(explainer.see(*pictures), ["a" * 500, "b"])
    assert int((given.labels[0] != IGNORED).sum()) == TINY.max_tokens


def test_adapters_learn_and_the_base_is_frozen(pictures):
    torch.manual_seed(0)
    model = Explainer(TINY).train()
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-2)
    features, losses = model.see(*pictures), []
    for _ in range(20):
        loss = model.loss(features, [write(TRUTH)] * 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    moved = {name for name, one in model.named_parameters() if not torch.equal(one, before[name])}
    assert losses[-1] < losses[0] - 0.1
    assert all("lora_" in name or "multi_modal_projector" in name for name in moved)
    assert {name for name, one in before.items() if "lora_" in name} <= moved
    frozen = Explainer(replace(TINY, train_projector=False))
    assert all("lora_" in name for name, one in frozen.named_parameters() if one.requires_grad)


def test_what_is_trained_of_a_model_in_bfloat16_is_float32(pictures, monkeypatch):
    model, tokenizer = llava._assembled(TINY)
    monkeypatch.setattr(llava, "_assembled", lambda _: (model.to(torch.bfloat16), tokenizer))
    explainer = Explainer(TINY).eval()
    for one in explainer.parameters():
        assert one.dtype == (torch.float32 if one.requires_grad else torch.bfloat16)
    features = explainer.see(*pictures)
    assert len(explainer.answer(features)) == 2
    with torch.autocast("cpu", torch.bfloat16):
        explainer.loss(features, ["a", "b"]).backward()


def test_the_floor_of_its_speed_has_no_adapters():
    explainer = Explainer(TINY)
    layers = [one for one in explainer.modules() if isinstance(one, BaseTunerLayer)]
    for on in (False, True):
        adapt(explainer, on=on)
        assert layers
        assert all(one.disable_adapters is not on for one in layers)
    assert all(one.requires_grad for name, one in explainer.named_parameters() if "lora_" in name)


def test_generation_repeats_itself(explainer, pictures):
    features = explainer.see(*pictures)
    assert explainer.answer(features) == explainer.answer(features)
    torch.manual_seed(0)
    warm = Explainer(replace(TINY, temperature=1.0, top_p=0.9)).eval()
    assert warm.answer(features, seed=1) == warm.answer(features, seed=1)
    assert warm.answer(features, seed=1) != warm.answer(features, seed=2)


def test_generation_is_that_of_the_plain_model(explainer, pictures):
    """With a mask of ones, what the model itself generates of the same words and image."""
    images, _ = pictures
    features = explainer.see(images, [None, None])
    pixels = torch.stack([prepared(image, None, 32, MEAN, STD)[0] for image in images])
    with torch.no_grad():
        plain = torch.stack(list(explainer.llava.get_image_features(pixels, output_hidden_states=True).pooler_output))
        assert torch.allclose(plain, explainer.llava.model.multi_modal_projector(features), atol=1e-5)


def test_a_prompt_without_a_place_for_the_image_is_refused():
    with pytest.raises(InputError, match="<image>"):
        Explainer(replace(TINY, prompt="What was forged?"))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip(name):
    assert from_yaml(ExplainConfig, to_yaml(PRESETS[name])) == PRESETS[name]


def test_measures_of_fields_by_hand():
    right = measured(TRUTH, TRUTH)
    assert all(value == 1 for value in right.values())
    said = {"type": "Splice", "area": "top right, 1.1 %", "content": "a dog", "evidence": "It is darker."}
    found = measured(said, TRUTH)
    wanted = {"type": 1, "row": 1, "column": 0, "place": 0, "share": 1, "light": 0, "text_f1_content": 0.5}
    assert {name: found[name] for name in wanted} == wanted
    assert measured({**said, "area": "0.9 %"}, TRUTH)["share"] == 0
    assert set(measured(None, TRUTH).values()) == {0.0}
    assert np.isnan(measured(said, {**TRUTH, "evidence": "A hard edge."})["light"])


def test_intervals_are_of_photographs():
    found = interval([1, 1, 0, float("nan")], ["a", "a", "b", "c"])
    assert found["mean"] == pytest.approx(2 / 3)
    assert found["n"] == 3
    assert (found["low"], found["high"]) == (0, 1)
    assert interval([1, 1], ["a", "b"])["low"] == 1
    assert interval([float("nan")], ["a"])["n"] == 0


def test_the_template_says_what_is_most_frequent():
    others = [{**TRUTH, "area": f"bottom right, {share} % of the image"} for share in (4.0, 6.0)]
    fixed = study.template([TRUTH, *others])
    assert fixed["area"] == "bottom right, 4.0 % of the image"
    assert (fixed["type"], fixed["evidence"]) == ("splice", "It is brighter than its surroundings.")


def test_the_examples_are_the_best_and_the_worst():
    rows = [dict.fromkeys(FIELDS, float(index > 5)) | {"text_f1": index / 12} for index in range(12)]
    rows[11]["light"] = float("nan")  # the truth tells nothing of it
    assert best_and_worst(rows) == [11, 10, 9, 8, 7, 4, 3, 2, 1, 0]
    assert best_and_worst(rows[:3]) == [2, 1, 0]
