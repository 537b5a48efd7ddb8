"""Teachers: SAM through transformers with tiny random weights, GrabCut, rectangles, union and safety rules."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.boxpromptiml.config import TeacherConfig
from baselines.boxpromptiml.sam_teacher import SamTeacher
from baselines.boxpromptiml.teacher import (
    SURE,
    GrabCutTeacher,
    RectangleTeacher,
    inside,
    make_teacher,
    union,
)
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

FAITHFUL = TeacherConfig(kind="rectangle", name="")


@pytest.fixture(scope="module")
def sam_folder(tmp_path_factory):
    """A SAM of 64 pixels with random weights, as a folder."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    torch.manual_seed(0)
    vision = SamVisionConfig(
        hidden_size=16, output_channels=16, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=8,
        window_size=4, global_attn_indexes=[1], num_pos_feats=8, mlp_dim=32, initializer_range=0.5,
    )  # fmt: skip
    prompt = SamPromptEncoderConfig(hidden_size=16, image_size=64, patch_size=8, mask_input_channels=4)
    decoder = SamMaskDecoderConfig(hidden_size=16, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=16)
    parts = {"vision_config": vision, "prompt_encoder_config": prompt, "mask_decoder_config": decoder}
    config = SamConfig(**{name: part.to_dict() for name, part in parts.items()}, initializer_range=0.5)
    folder = tmp_path_factory.mktemp("sam")
    SamModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def sam(sam_folder):
    return SamTeacher(TeacherConfig(kind="sam", name=sam_folder), "cpu")


def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((40, 90), (70, 50), (64, 64))]


BOXES = [[[10.0, 5.0, 30.0, 20.0], [50.0, 2.0, 20.0, 30.0]], [], [[3.5, 8.0, 40.0, 31.0]]]


def test_pictures_come_to_sam_as_its_own_processor_brings_them(sam):
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    processor = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    for picture in pictures():
        expected = processor(picture, return_tensors="pt")
        ours = sam.prepared(picture)
        torch.testing.assert_close(ours, expected["pixel_values"][0], rtol=1e-4, atol=1e-4)
        assert list(sam.resized(picture.shape[:2])) == expected["reshaped_input_sizes"][0].tolist()


def test_masks_are_those_of_sam_one_picture_and_one_box_at_a_time(sam, sam_folder):
    from transformers import SamModel
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    model = SamModel.from_pretrained(sam_folder).eval()
    processor = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    found = sam.logits(pictures(), BOXES)
    assert [one.shape for one in found] == [(2, 40, 90), (0, 70, 50), (1, 64, 64)]
    for picture, boxes, maps in zip(pictures(), BOXES, found, strict=True):
        seen = processor(picture, return_tensors="pt")
        height, width = picture.shape[:2]
        small_height, small_width = seen["reshaped_input_sizes"][0].tolist()
        scale = np.array([small_width / width, small_height / height] * 2)
        for (x, y, w, h), ours in zip(boxes, maps, strict=True):
            prompt = torch.tensor(np.array([x, y, x + w, y + h]) * scale, dtype=torch.float32)[None, None]
            with torch.no_grad():
                out = model(pixel_values=seen["pixel_values"], input_boxes=prompt, multimask_output=False)
            (expected,) = processor.post_process_masks(
                out.pred_masks, seen["original_sizes"], seen["reshaped_input_sizes"], binarize=False,
                pad_size={"height": 64, "width": 64},
            )  # fmt: skip
            np.testing.assert_allclose(ours, expected[0, 0].numpy(), rtol=1e-3, atol=1e-4)
            assert (ours > 0).any()
            assert (ours <= 0).any()


def test_each_picture_is_encoded_once_for_all_its_boxes(sam, monkeypatch):
    seen = []
    real = sam.model.get_image_embeddings
    monkeypatch.setattr(sam.model, "get_image_embeddings", lambda pixels: seen.append(len(pixels)) or real(pixels))
    sam.logits(pictures(), [BOXES[0] * 20, BOXES[0], BOXES[2]])
    assert seen == [3]


def test_many_boxes_are_the_same_as_few(sam):
    (many,) = sam.logits(pictures()[:1], [BOXES[0] * 11])
    (few,) = sam.logits(pictures()[:1], [BOXES[0]])
    np.testing.assert_allclose(many[20:], few, rtol=1e-4, atol=1e-5)


def test_sam_is_frozen_and_known_by_its_weights(sam, sam_folder, tmp_path):
    assert not any(one.requires_grad for one in sam.model.parameters())
    again = SamTeacher(TeacherConfig(kind="sam", name=sam_folder), "cpu")
    assert again.weights == sam.weights
    with torch.no_grad():
        next(again.model.mask_decoder.parameters()).add_(1)
    again.model.save_pretrained(tmp_path)
    assert SamTeacher(TeacherConfig(kind="sam", name=str(tmp_path)), "cpu").weights != sam.weights


def test_weights_that_are_not_there_are_told(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        make_teacher(TeacherConfig(kind="sam", name=str(tmp_path / "nothing")))


def test_grabcut_finds_a_disc_in_its_box():
    y, x = np.mgrid[:120, :160]
    disc = (y - 60) ** 2 + (x - 80) ** 2 < 30**2
    noise = np.random.default_rng(0).integers(0, 30, (120, 160, 3))
    picture = (np.where(disc[..., None], (200, 40, 40), (30, 120, 60)) + noise).astype(np.uint8)
    box = [45.0, 25.0, 72.0, 70.0]
    (maps,) = GrabCutTeacher().logits([picture], [[box]])
    found = maps[0] > 0
    assert (found & disc).sum() / (found | disc).sum() > 0.95
    (rectangle,) = RectangleTeacher().logits([picture], [[box]])
    assert ((rectangle[0] > 0) & disc).sum() / ((rectangle[0] > 0) | disc).sum() < 0.65
    (again,) = GrabCutTeacher().logits([picture], [[box]])
    assert np.array_equal(maps, again)


def test_grabcut_takes_a_box_without_background_whole():
    (maps,) = GrabCutTeacher().logits([np.zeros((30, 40, 3), np.uint8)], [[[0.0, 0.0, 40.0, 30.0]]])
    assert (maps == SURE).all()


def test_a_rectangle_is_its_box():
    (maps,) = RectangleTeacher().logits([np.zeros((10, 12, 3), np.uint8)], [[[2.0, 3.0, 4.0, 5.0], [-5, -5, 6, 6]]])
    expected = np.zeros((2, 10, 12), bool)
    expected[0, 3:8, 2:6] = True
    expected[1, :1, :1] = True
    assert np.array_equal(maps > 0, expected)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ([2.5, 3.2, 1.0, 1.0], (3, 5), (2, 4)),
        ([11.9, 0.0, 50.0, 50.0], (0, 10), (11, 12)),
        ([12.0, 10.0, 0.0, 0.0], (9, 10), (11, 12)),
    ],
)
def test_a_box_covers_the_pixels_that_it_touches(box, rows, columns):
    assert inside(box, (10, 12)) == (slice(*rows), slice(*columns))


def test_the_union_takes_the_highest_logit_and_is_empty_without_boxes():
    maps = np.stack([np.full((6, 8), -3.0), np.full((6, 8), -2.0)]).astype(np.float32)
    maps[0, :3, :3] = 4
    maps[1, 2:, 2:] = 1
    found = union(maps, [[0, 0, 3, 3], [2, 2, 6, 4]], FAITHFUL)
    assert np.array_equal(found, maps.max(axis=0))
    assert np.array_equal(found > 0, (maps[0] > 0) | (maps[1] > 0))
    assert (union(maps[:0], [], FAITHFUL) == -SURE).all()


def test_a_mask_that_is_too_small_becomes_its_box():
    maps = np.full((1, 20, 20), -1.0, np.float32)
    box = [4.0, 4.0, 10.0, 10.0]
    maps[0, 5, 5:9] = 1  # 4 of the box's 100 pixels
    strict = replace(FAITHFUL, least_share=0.05)
    expected = np.zeros((20, 20), bool)
    expected[4:14, 4:14] = True
    assert np.array_equal(union(maps, [box], strict) > 0, expected)
    assert np.array_equal(union(maps, [box], FAITHFUL) > 0, maps[0] > 0)
    maps[0, 6, 5] = 1  # 5: enough
    assert np.array_equal(union(maps, [box], strict) > 0, maps[0] > 0)


def test_a_mask_ends_where_its_dilated_box_ends():
    maps = np.full((2, 20, 20), 2.0, np.float32)
    boxes = [[4.0, 4.0, 10.0, 5.0], [0.0, 0.0, 2.0, 2.0]]
    cut = union(maps, boxes, replace(FAITHFUL, most_dilation=0.1)) > 0
    expected = np.zeros((20, 20), bool)
    expected[3:10, 3:15] = True  # half a pixel reaches into the next one
    expected[:3, :3] = True
    assert np.array_equal(cut, expected)
    assert (union(maps, boxes, FAITHFUL) > 0).all()


def test_a_mask_that_lies_outside_its_box_alone_becomes_the_box():
    maps = np.full((1, 20, 20), -1.0, np.float32)
    maps[0, 15:, 15:] = 3
    both = replace(FAITHFUL, least_share=0.05, most_dilation=0.1)
    found = union(maps, [[2.0, 2.0, 5.0, 5.0]], both) > 0
    assert found.sum() == 25
    assert found[2:7, 2:7].all()
