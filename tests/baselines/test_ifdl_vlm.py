"""IFDL-VLM, stage 1: heads, prompt, losses, gates and what the vision tower is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.common.config import override
from baselines.common.data import Batches, Samples
from baselines.common.method import Progress
from baselines.common.predictor import _unfitted
from baselines.ifdl_vlm import METHOD
from baselines.ifdl_vlm.heads import REAL, SYNTHETIC, TAMPERED, SegToken, class_head
from baselines.ifdl_vlm.losses import mask_bce, mask_dice
from baselines.ifdl_vlm.model import IFDL, true_classes
from baselines.ifdl_vlm.view import content, vision_view
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TINY, PAPER = METHOD.presets["tiny"], METHOD.presets["paper"]
START = Progress(0.0, 1, 0, 1)
BLACK = torch.zeros(3)


def built(**settings: str) -> IFDL:
    torch.manual_seed(0)
    return IFDL(override(TINY, settings))


@pytest.fixture(scope="module")
def batch(bench):
    samples = Samples(bench, "pixel", TINY.data, split="test", training=False)
    return samples.collate([samples[index] for index in (0, 1, 16, 17)])


def test_heads_at_the_papers_sizes_have_as_many_parameters_as_the_authors():
    heads = class_head(1024, PAPER.class_width), SegToken(1024, PAPER.seg_width, PAPER.seg_heads)
    counts = [sum(p.numel() for p in head.parameters()) for head in heads]
    assert counts[0] == 526_339
    assert sum(counts) == 1_052_931


def test_the_prompt_is_the_mean_of_the_tokens_and_what_was_attended_to():
    torch.manual_seed(0)
    seg = SegToken(8, 16, 4)
    patches, logits = torch.randn(3, 10, 8), torch.randn(3, 3)
    seen, attended = seg.parts(patches, logits)
    assert torch.allclose(seg(patches, logits), seen.mean(dim=1) + attended[:, 0], atol=1e-6)
    assert not torch.allclose(seg(patches, logits), seen.mean(dim=1), atol=1e-3)
    assert not torch.allclose(seg(patches, logits), seg(patches, logits + 3 * torch.eye(3)), atol=1e-4)


def test_dice_by_hand():
    sure = torch.tensor([[40.0, 40.0], [-40.0, -40.0]])[None, None]
    truth, every = (sure > 0).float(), torch.ones(1, 1, 2, 2, dtype=torch.bool)
    assert float(mask_dice(sure, truth, every)) == pytest.approx(0, abs=1e-6)
    assert float(mask_dice(-sure, truth, every)) == pytest.approx(1, abs=1e-3)
    # p = 1/2 everywhere: 2 * (2 * 0.5) / 1000 over (2 + 2) / 1000.
    assert float(mask_dice(torch.zeros(1, 1, 2, 2), truth, every)) == pytest.approx(1 - (0.002 + 1e-6) / (0.004 + 1e-6))
    # Nothing is true and nothing said: perfect, not undefined.
    assert float(mask_dice(-sure.abs(), torch.zeros(1, 1, 2, 2), every)) == pytest.approx(0, abs=1e-3)


def test_masks_are_averaged_each_and_padding_counts_nothing():
    logits, truth = torch.randn(2, 1, 4, 4), torch.randint(0, 2, (2, 1, 4, 4)).float()
    valid = torch.ones(2, 1, 4, 4, dtype=torch.bool)
    valid[0, :, 2:] = False
    alone = [functional.binary_cross_entropy_with_logits(logits[0, :, :2], truth[0, :, :2])]
    alone.append(functional.binary_cross_entropy_with_logits(logits[1], truth[1]))
    assert torch.allclose(mask_bce(logits, truth, valid), torch.stack(alone).mean())
    moved = logits.clone()
    moved[0, :, 2:] = 99
    for loss in (mask_bce, mask_dice):
        assert torch.equal(loss(moved, truth, valid), loss(logits, truth, valid))


def test_no_loss_of_masks_without_a_tampered_image(batch):
    model = built()
    assert set(model.losses(batch, START)) == {"ce", "bce", "dice"}
    assert set(model.losses(replace(batch, labels=torch.zeros(4)), START)) == {"ce"}
    synthetic = replace(batch, labels=torch.ones(4), manipulations=["full_synthetic"] * 4)
    assert true_classes(synthetic).tolist() == [SYNTHETIC] * 4
    assert set(model.losses(synthetic, START)) == {"ce"}


def test_the_true_class_chooses_the_masks_that_are_learned_from(batch):
    model = built()
    chosen = batch.labels.bool().nonzero()[:, 0]
    alone = replace(
        batch, images=batch.images[chosen], labels=batch.labels[chosen], valid=batch.valid[chosen],
        masks=batch.masks[chosen], has_mask=batch.has_mask[chosen],
        manipulations=[batch.manipulations[int(i)] for i in chosen],
    )  # fmt: skip
    assert torch.allclose(model.losses(batch, START)["dice"], model.losses(alone, START)["dice"], atol=1e-6)


def test_a_batch_without_masks_is_refused(batch):
    with pytest.raises(InputError, match="level pixel"):
        built().losses(replace(batch, masks=None), START)


@pytest.mark.parametrize(("favoured", "open_"), [(REAL, False), (SYNTHETIC, False), (TAMPERED, True)])
def test_the_predicted_class_opens_the_gate_and_the_true_one_leaves_it_open(batch, favoured, open_):
    gated, free = built(gate="predicted"), built(gate="truth")
    for model in (gated, free):
        model.classify[2].bias.data[favoured] = 50.0
    with torch.no_grad():
        masks, score = gated.eval().predict(batch.images)
        assert bool((masks > 0).any()) == open_
        assert bool((free.eval().predict(batch.images).mask > 0).all())
    assert torch.allclose(score, torch.full((4,), float(favoured != REAL)), atol=1e-4)


def test_batches_are_of_one_class():
    labels = np.arange(40) % 3 == 0
    batches = Batches(np.arange(40), labels, TINY.training)
    kinds = [{bool(labels[index]) for _, index in one} for one in batches]
    assert all(len(kind) == 1 for kind in kinds)
    assert {True} in kinds
    assert {False} in kinds
    # The authors' epoch: 1000 steps of 10 batches of 4.
    about = PAPER.training
    assert (about.batches, about.steps_per_epoch, about.accumulate, about.batch_size) == ("one-class", 1000, 10, 4)


def wide(mark: float) -> torch.Tensor:
    """A picture of 24 x 64 in a square of 64, its leftmost columns of this brightness."""
    image = torch.zeros(3, 64, 64)
    image[:, :24] = 0.5
    image[:, :24, :8] = mark
    return image


def test_the_crop_hides_the_borders_and_padding_shows_them():
    assert content(wide(0.9)) == (24, 64)
    assert torch.equal(vision_view(wide(0.9), 24, "crop", BLACK), vision_view(wide(0.1), 24, "crop", BLACK))
    shown = [vision_view(wide(mark), 64, "pad", torch.tensor([0.1, 0.2, 0.3])) for mark in (0.9, 0.1)]
    assert not torch.allclose(*shown)
    assert torch.allclose(shown[0][:, 30, 30], torch.tensor([0.1, 0.2, 0.3]))


@pytest.mark.parametrize("size", [(48, 64), (64, 40), (64, 64)])
def test_padding_is_cut_off_again(size):
    image = torch.zeros(3, 64, 64)
    image[:, : size[0], : size[1]] = 0.5
    assert content(image) == size
    native = (size[0] * 2, size[1] * 2)
    heat = _unfitted(image[0], native, TINY.data)
    assert heat.shape == native
    assert np.allclose(heat, 0.5)


def test_padding_does_not_move_the_mask_of_the_image():
    model = built().eval()
    masks = []
    for below in (0.0, 0.8):
        image = wide(0.9)[None]
        valid = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
        valid[:, :, :24] = True
        image[:, :, 24:] = below
        masks.append(model.segmenter.embed(image, valid))
    assert torch.equal(*masks)


def test_embeddings_are_kept_and_found_again(tmp_path, batch):
    model, plain = (built(**{"segmenter.cache": cache}).eval() for cache in (str(tmp_path / "kept"), "''"))
    first = model.segmenter.embed(batch.images, batch.valid)
    assert len(list((tmp_path / "kept").rglob("*.safetensors"))) == 4
    model.segmenter.encoder.forward = None  # whoever computes again fails
    assert torch.equal(model.segmenter.embed(batch.images, batch.valid), first)
    assert torch.allclose(plain.segmenter.embed(batch.images, batch.valid), first, atol=1e-2)


def test_only_what_the_paper_trains_is_trained():
    names = {name.split(".")[0] for name, p in built().named_parameters() if p.requires_grad}
    assert names == {"vision", "classify", "seg", "segmenter"}
    trained = {name for name, p in built().segmenter.named_parameters() if p.requires_grad}
    assert all(name.startswith("decoder.") and "iou_prediction_head" not in name for name in trained)


def test_the_stand_in_for_sam_learns_from_the_towers_tokens(batch):
    stand_in = {"segmenter.kind": "tokens", "segmenter.layers": "[1, 2]", "encoder.train": "false"}
    model = built(**stand_in)
    terms = model.losses(batch, START)
    sum(terms.values()).backward()
    assert model.segmenter.encoder.weight.grad is not None
    assert model.vision.tower.embeddings.patch_embedding.weight.grad is None


def test_sizes_that_do_not_fit_are_told_all_at_once():
    with pytest.raises(InputError) as told:
        built(**{"data.size": "32", "seg_width": "16", "segmenter.kind": "tokens"})
    for part in ("data.size is 32", "seg_width is 16", "segmenter.layers is empty"):
        assert part in str(told.value)
