"""SAPL's refinement by SAM: with a tiny random model from a folder, and with one whose answer is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

from baselines.sapl import Sapl
from baselines.sapl.config import PRESETS, Processing
from baselines.sapl.processing import regions
from baselines.sapl.refine import Sam
from forgebench.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A SAM of 64 pixels with random weights."""
    torch.manual_seed(0)
    config = SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=16,
            output_channels=16, window_size=2, global_attn_indexes=[1], mlp_dim=32, num_pos_feats=8,
        ).to_dict(),
        prompt_encoder_config=SamPromptEncoderConfig(hidden_size=16, image_size=64, patch_size=16).to_dict(),
        mask_decoder_config=SamMaskDecoderConfig(
            hidden_size=16, mlp_dim=32, num_hidden_layers=2, num_attention_heads=2, iou_head_hidden_dim=16
        ).to_dict(),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("sam")
    SamModel(config).save_pretrained(path)
    return str(path)


def _answering(folder, answer):
    sam = Sam(folder)
    sam._segmented = lambda embedding, p, region: answer(region)
    return sam.refinement(torch.rand(1, 3, 64, 64), 0.5)


def _map():
    p = np.full((64, 64), 0.1, np.float32)
    p[10:30, 10:30] = 0.8
    p[40:60, 40:60] = 0.9
    return p, regions(p, Processing())


def test_a_region_takes_the_contour_that_it_agrees_with(folder):
    def shifted(region):
        return np.roll(region, 3, axis=1)

    p, called = _map()
    np.testing.assert_array_equal(_answering(folder, shifted)(0, p, called), shifted(called))


def test_a_region_keeps_its_own_contour_where_they_disagree(folder):
    def upper(region):
        return region & (np.arange(64) < 32)[:, None] if region[15, 15] else np.ones_like(region)

    p, called = _map()
    np.testing.assert_array_equal(_answering(folder, upper)(0, p, called), called)


def test_the_prompt_is_the_peak_and_the_box_at_sams_scale(folder):
    sam, seen = Sam(folder), {}
    run = sam.model.forward
    sam.model.forward = lambda **asked: seen.update(asked) or run(**asked)
    p, called = np.full((32, 32), 0.1, np.float32), np.zeros((32, 32), bool)
    called[4:12, 8:20], p[6, 10] = True, 0.9
    found = sam.refinement(torch.rand(1, 3, 32, 32), 0.5)(0, p, called)
    assert seen["input_points"].flatten().tolist() == [20, 12]
    assert seen["input_boxes"].flatten().tolist() == [16, 8, 40, 24]
    assert found.shape == called.shape


def test_a_model_refines_and_keeps_sam_out_of_its_checkpoint(folder):
    config = replace(PRESETS["tiny"], processing=Processing(sam=folder, sam_agreement=0.0))
    model = Sapl(config).eval()
    assert not any(parameter.requires_grad for parameter in model.sam.parameters())
    assert not [n for n in model.kept_state() if n.startswith("sam.") and n in dict(model.named_parameters())]
    output = model.predict(torch.rand(2, 3, 64, 64))
    assert output.mask.shape == (2, 1, 64, 64)


def test_without_a_name_there_is_no_sam_and_a_wrong_one_is_refused(tmp_path):
    assert Sapl(PRESETS["tiny"]).sam is None
    with pytest.raises(InputError, match="cannot be loaded"):
        Sam(str(tmp_path))
