"""Blending, colours, geometry and filling, each against what it must do by definition."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from forgebench.errors import InputError
from forgebench.synthesis import blend, diffusion, fill, geometry, shapes
from forgebench.synthesis.plan import Shape, Step
from synthesis.making import photos

GROUND = np.asarray(Image.open(photos()[1].path).convert("RGB").resize((160, 120)))
DISC = np.hypot(*(np.mgrid[:120, :160] - np.array([60, 80])[:, None, None])) < 25
STEP = Step("splice", Shape((0, 0), "", ""), None, (40, 30), (0, 0), width=2.0)


def _patch() -> tuple[np.ndarray, np.ndarray]:
    alpha = np.ascontiguousarray(DISC[34:86, 54:106])
    return np.ascontiguousarray(
        np.asarray(Image.open(photos()[2].path).convert("RGB").resize((160, 120)))[20:72, 30:82]
    ), alpha


def _pasted(how: str, corner=(40, 30), **changes) -> tuple[np.ndarray, np.ndarray]:
    image, (patch, alpha) = GROUND.copy(), _patch()
    blend.paste(image, patch, alpha, replace(STEP, blend=how, corner=corner, **changes))
    mask = np.zeros(image.shape[:2], bool)
    mask[corner[1] : corner[1] + 52, corner[0] : corner[0] + 52] = alpha
    return image, mask


@pytest.mark.parametrize("corner", [(40, 30), (0, 0), (108, 68), (0, 68)])
@pytest.mark.parametrize("how", ["hard", "feathered", "laplacian", "poisson"])
def test_nothing_outside_the_mask_changes_wherever_it_lies(how: str, corner: tuple[int, int]) -> None:
    image, mask = _pasted(how, corner, smooth=True)
    assert np.array_equal(image[~mask], GROUND[~mask])
    assert not np.array_equal(image[mask], GROUND[mask])


def test_hard_is_the_patch() -> None:
    image, mask = _pasted("hard")
    patch, alpha = _patch()
    assert np.array_equal(image[mask], patch[alpha])


def test_a_feather_goes_from_ground_to_patch_as_far_as_it_is_wide() -> None:
    image, mask = _pasted("feathered", width=3.0)
    patch, alpha = _patch()
    depth = ndimage.distance_transform_edt(mask)
    deep = depth[mask] > 7.5
    assert np.array_equal(image[mask][deep], patch[alpha][deep])
    near = depth[mask] <= 1.01
    share = 1 / 7
    wanted = patch[alpha][near] * share + GROUND[mask][near] * (1 - share)
    assert np.abs(image[mask][near] - wanted).max() < 6


def test_poisson_keeps_gradients_and_meets_the_rim() -> None:
    image, mask = _pasted("poisson")
    patch, alpha = _patch()
    inner = ndimage.binary_erosion(alpha, iterations=4)
    ours = np.diff(image[30:82, 40:92].astype(float), axis=1)[:, :, 1][inner[:, 1:]]
    theirs = np.diff(patch.astype(float), axis=1)[:, :, 1][inner[:, 1:]]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95
    rim = mask & ~ndimage.binary_erosion(mask)
    hard = _pasted("hard")[0]
    step = [np.abs(one[rim].astype(float) - GROUND[rim]).mean() for one in (image, hard)]
    assert step[0] < 0.3 * step[1]


@pytest.mark.parametrize("how", ["laplacian", "poisson", "feathered", "hard"])
def test_the_ground_pasted_onto_itself_stays(how: str) -> None:
    image, (_, alpha) = GROUND.copy(), _patch()
    blend.paste(image, GROUND[30:82, 40:92].copy(), alpha, replace(STEP, blend=how))
    change = np.abs(image.astype(int) - GROUND)
    # A pyramid also sees what lies beyond the patch, which is guessed.
    assert change.max() <= (20 if how == "laplacian" else 2)
    assert change.mean() < 0.5


@pytest.mark.parametrize("how", ["reinhard", "histogram"])
def test_colours_come_halfway_to_those_of_the_ground(how: str) -> None:
    patch, alpha = _patch()
    ground = np.ascontiguousarray(GROUND[30:82, 40:92])
    changed = blend.harmonized(patch, alpha, ground, how)  # type: ignore[arg-type]
    means = [one[alpha].mean(axis=0) for one in (patch, changed, ground)]
    assert np.abs(means[1] - (means[0] + means[2]) / 2).max() < 8
    assert blend.harmonized(patch, alpha, ground, "none") is patch


def test_histogram_matching_is_scikit_image_s() -> None:
    from skimage.exposure import match_histograms

    rng = np.random.default_rng(0)
    patch, ground = (rng.integers(low, low + 120, (40, 50, 3)).astype(np.uint8) for low in (20, 100))
    everything = np.ones((40, 50), bool)
    wanted = match_histograms(patch, ground, channel_axis=-1)
    assert np.abs(blend._matched(patch, everything, ground).astype(int) - wanted).max() <= 2


def test_geometry_follows_its_numbers() -> None:
    ellipse = np.hypot((np.mgrid[:120, :160][0] - 60) / 15, (np.mgrid[:120, :160][1] - 80) / 30) < 1
    for scale, turn in ((0.5, 0), (1.5, 0), (1.0, 30), (0.8, -45)):
        _, alpha, _ = geometry.cut(GROUND, ellipse, replace(STEP, scale=scale, rotation=turn))
        assert alpha.sum() == pytest.approx(ellipse.sum() * scale**2, rel=0.03)
        ys, xs = np.nonzero(alpha)
        angle = np.degrees(0.5 * np.arctan2(2 * np.cov(xs, ys)[0, 1], xs.var() - ys.var()))
        assert angle == pytest.approx(-turn, abs=1.5)
    tilted = [geometry.cut(GROUND, ellipse, replace(STEP, perspective=0.1, seed=seed)) for seed in (1, 1, 2)]
    assert np.array_equal(tilted[0][0], tilted[1][0])
    assert tilted[0][1].shape != tilted[2][1].shape or not np.array_equal(tilted[0][1], tilted[2][1])


def test_a_region_at_the_image_s_border_has_no_dark_rim() -> None:
    corner = np.zeros((120, 160), bool)
    corner[:40, :50] = True
    patch, alpha, _ = geometry.cut(np.full_like(GROUND, 200), corner, replace(STEP, scale=1.3, rotation=15))
    assert patch[alpha].min() >= 199


def test_a_region_that_is_only_mirrored_keeps_its_pixels() -> None:
    patch, alpha, corner = geometry.cut(GROUND, DISC, replace(STEP, flip=True))
    ys, xs = np.nonzero(DISC)
    assert corner == (xs.min(), ys.min())
    assert np.array_equal(patch[:, ::-1], GROUND[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])
    assert np.array_equal(alpha[:, ::-1], DISC[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])


@pytest.mark.parametrize("how", ["telea", "navier_stokes", "biharmonic", "patch"])
def test_a_hole_in_a_gradient_is_filled_with_the_gradient(how: str) -> None:
    ramp = np.broadcast_to(np.linspace(40, 200, 160)[None, :, None], (120, 160, 3)).astype(np.uint8).copy()
    spoilt = ramp.copy()
    spoilt[DISC] = 255
    fill.fill(spoilt, DISC, replace(STEP, kind="removal", fill=how, radius=4.0))
    assert np.array_equal(spoilt[~DISC], ramp[~DISC])
    error = np.abs(spoilt[DISC].astype(int) - ramp[DISC]).mean()
    assert error < {"biharmonic": 3, "patch": 30}.get(how, 20)


def test_patches_continue_a_texture_where_smoothing_cannot() -> None:
    stripes = ((np.mgrid[:120, :160][1] // 5 % 2) * 160 + 40).astype(np.uint8)[..., None].repeat(3, axis=2)
    errors = {}
    for how in ("patch", "telea"):
        spoilt = stripes.copy()
        spoilt[DISC] = 128
        fill.fill(spoilt, DISC, replace(STEP, kind="removal", fill=how, radius=4.0, seed=5))
        errors[how] = np.abs(spoilt[DISC].astype(int) - stripes[DISC]).mean()
        assert np.array_equal(spoilt[~DISC], stripes[~DISC])
    assert errors["patch"] < 0.5 * errors["telea"]


def test_filled_pixels_are_copies_of_known_ones() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (120, 160, 3)).astype(np.uint8)
    known = {tuple(colour) for colour in noise[~DISC].tolist()}
    fill.fill(noise, DISC, replace(STEP, kind="removal", fill="patch"))
    assert {tuple(colour) for colour in noise[DISC].tolist()} <= known


def test_diffusion_names_its_extra_and_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    step = replace(STEP, kind="removal", fill="diffusion", model="some/model")
    diffusion._pipeline.cache_clear()
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(InputError, match=r"forgebench\[diffusion\]"):
        fill.fill(GROUND.copy(), DISC, step)
    with pytest.raises(InputError, match="needs a model"):
        fill.fill(GROUND.copy(), DISC, replace(step, model=None))


def test_diffusion_is_seeded_and_changes_its_mask_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline with the interface of `diffusers`, which paints noise of its generator everywhere."""
    torch = pytest.importorskip("torch")
    loaded: list[str] = []

    class Pipeline:
        @classmethod
        def from_pretrained(cls, name: str) -> Pipeline:
            if name == "missing":
                raise OSError("no such folder")
            loaded.append(name)
            return cls()

        def to(self, _device: str) -> Pipeline:
            return self

        def set_progress_bar_config(self, **_options: bool) -> None:
            pass

        def __call__(self, *, image, mask_image, width, height, generator, num_inference_steps, prompt):
            assert image.size == mask_image.size == (width, height)
            assert width % 8 == height % 8 == 0
            assert (num_inference_steps, prompt) == (7, "grass")
            noise = torch.randint(0, 256, (height, width, 3), generator=generator).numpy().astype(np.uint8)
            return SimpleNamespace(images=[Image.fromarray(noise)])

    monkeypatch.setitem(sys.modules, "diffusers", SimpleNamespace(AutoPipelineForInpainting=Pipeline))
    diffusion._pipeline.cache_clear()
    step = replace(STEP, kind="removal", fill="diffusion", model="some/model", prompt="grass", inference_steps=7)
    made = []
    for seed in (1, 1, 2):
        image = GROUND.copy()
        fill.fill(image, DISC, replace(step, seed=seed))
        assert np.array_equal(image[~DISC], GROUND[~DISC])
        made.append(image)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert loaded == ["some/model"]
    with pytest.raises(InputError, match="'missing' cannot be loaded: no such folder"):
        fill.fill(GROUND.copy(), DISC, replace(step, model="missing"))
    diffusion._pipeline.cache_clear()


def test_solidity_tells_objects_from_ribbons() -> None:
    ring = DISC & ~ndimage.binary_erosion(DISC, iterations=3)
    arc = ring.copy()
    arc[60:] = False
    assert shapes.solidity(DISC) > 0.95
    assert shapes.solidity(arc) < 0.5
    assert shapes.solidity(np.zeros((5, 5), bool)) == 0


def test_the_tree_of_regions_finds_what_has_one_colour() -> None:
    """Four quarters, each of a few near colours: the tree has every quarter as a group."""
    rng = np.random.default_rng(0)
    tiles = np.kron(np.arange(64).reshape(8, 8), np.ones((10, 10), int))
    quarter = (tiles // 8 // 4) * 2 + tiles % 8 // 4
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [220, 220, 40]])[quarter]
    image = np.clip(colours + rng.integers(-6, 7, (64, 3))[tiles], 0, 255).astype(np.uint8)
    borders, sizes, means, places = shapes.measured(tiles, image)
    groups = shapes.tree(np.hstack([means, places]))
    found = {frozenset(np.flatnonzero(group).tolist()) for group in groups}
    for number in range(4):
        assert frozenset(np.unique(tiles[quarter == number]).tolist()) in found
    assert len(found) == len(groups) == 2 * 64 - 2
    assert (sizes == 100).all()
    assert borders[0].nonzero()[0].tolist() == [1, 8]
    assert borders[0, 1] == borders[1, 0] == 10
    assert places[0] == pytest.approx([4.5 / 80, 4.5 / 80])
