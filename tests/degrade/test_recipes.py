"""Recipes: what is shipped, what may be written, how samples are named after them."""

from __future__ import annotations

import numpy as np
import parents
import pytest

from forgebench.degrade import apply_recipe, families, load_recipe, load_recipes, parent_of, rng_of
from forgebench.degrade.apply import explained, size_problem
from forgebench.degrade.recipe import derived_id
from forgebench.degrade.transforms import decode
from forgebench.errors import InputError
from forgebench.schema import SAMPLE_ID

NETWORKS = ("facebook", "telegram", "wechat", "weibo", "whatsapp", "x")

OWN = """
version = 3
description = "Shared twice."
unit = "JPEG quality"
strengths = [90, 40]

[[steps]]
op = "fit"
width = 64

[[steps]]
op = "jpeg"
quality = "strength"
subsampling = "4:4:4"
"""


def test_the_shipped_recipes():
    assert [family.name for family in families()] == [
        "blur", "crop", "double-jpeg", "facebook", "gamma", "jpeg", "motion-blur", "noise", "poisson", "resize",
        "screenshot", "telegram", "webp", "wechat", "weibo", "whatsapp", "x",
    ]  # fmt: skip
    strengths = {family.name: family.strengths for family in families()}
    assert (min(strengths["jpeg"]), max(strengths["jpeg"])) == (50, 100)
    assert (min(strengths["resize"]), max(strengths["resize"])) == (0.25, 2)
    recipes = load_recipes("grid")
    assert len({recipe.name for recipe in recipes}) == len(recipes) == sum(max(1, len(s)) for s in strengths.values())


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_say_that_they_are_approximations(name):
    recipe = load_recipe(name)
    assert recipe.description.startswith("An approximation of ")
    for words in ("as of 20", "Published: ", "Assumed: "):
        assert words in recipe.description
    assert [step.op for step in recipe.steps] == ["fit", "jpeg"]
    assert recipe.steps[1].subsampling == "4:2:0"


@pytest.mark.parametrize("recipe", load_recipes("grid"), ids=lambda recipe: recipe.name)
def test_a_name_leads_back_to_its_recipe(recipe):
    assert load_recipe(recipe.name) == recipe
    assert recipe in load_recipes(recipe.family)
    name = derived_id("Au_ani--0001.v2", recipe.name)
    assert SAMPLE_ID.fullmatch(name)
    assert parent_of(name) == ("Au_ani--0001.v2", recipe.name, recipe.family, recipe.strength)
    assert parent_of(derived_id(name, "jpeg-70")) == (name, "jpeg-70", "jpeg", 70)


def test_strengths_between_the_listed_ones():
    assert load_recipe("jpeg-73").steps[0].quality == 73
    assert load_recipe("jpeg-70.0") == load_recipe("jpeg-70")
    assert load_recipe("resize-0.333333").name == "resize-0.333333"
    assert load_recipe("resize-0.3").steps[0].factor == 0.3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jpg", "No recipe 'jpg'. Did you mean jpeg?"),
        ("", "No recipe ''"),
        ("..", "No recipe '..'"),
        ("grid", "No recipe 'grid'"),
        ("jpeg", "comes as: jpeg-100, jpeg-95"),
        ("jpeg-40", "from 50 to 100 for jpeg, got 40"),
        ("jpeg-72.5", "valid integer"),
        ("resize-0.3333333", "No recipe 'resize-0.3333333'"),
        ("facebook-3", "facebook alone"),
        ("nowhere/mine.toml", "No recipe 'nowhere/mine.toml'"),
    ],
)
def test_what_is_no_recipe(name, words):
    with pytest.raises(InputError) as caught:
        load_recipe(name)
    assert words in str(caught.value)


def test_ones_own_recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    assert [recipe.name for recipe in load_recipes(str(path))] == ["mine-90", "mine-40"]
    recipe = load_recipe(f"{path}-60")
    assert (recipe.name, recipe.version, recipe.steps[1].quality) == ("mine-60", 3, 60)
    assert recipe.sizes((100, 50)) == [(100, 50), (64, 32), (64, 32)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("quality", "qualitee", "qualitee"),
        ('op = "jpeg"', 'op = "jpg"', "jpg"),
        ("[90, 40]", "[90, 140]", "less than or equal to 100"),
        ("[90, 40]", "[]", "strengths need a unit"),
        ("[90, 40]", "[90, -40]", "at most six decimals"),
        ("[90, 40]", "[90, 40.1234567]", "at most six decimals"),
        ('op = "jpeg"\nquality = "strength"\nsubsampling = "4:4:4"', 'op = "blur"\nsigma = "strength"', "write a file"),
        ("version = 3", "version = ", "not a valid recipe"),
        ("version = 3", "version = 0", "greater than or equal to 1"),
        ("width = 64", "width = 0", "greater than or equal to 1"),
    ],
)
def test_a_recipe_that_is_not_valid(tmp_path, old, new, words):
    assert old in OWN
    path = tmp_path / "mine.toml"
    path.write_text(OWN.replace(old, new))
    with pytest.raises(InputError, match="not a valid recipe") as caught:
        load_recipes(str(path))
    assert words in str(caught.value)


def test_a_recipe_may_not_take_a_name_that_is_taken_or_no_name(tmp_path):
    for name, words in (("jpeg.toml", "name of a shipped recipe"), ("a--b.toml", "name"), ("Mine-3.toml", "name")):
        (tmp_path / name).write_text(OWN)
        with pytest.raises(InputError, match=words):
            load_recipes(str(tmp_path / name))


@pytest.mark.parametrize("name", ["s0-000001", "a--", "--jpeg-70", "a--Jpeg", "a--jpeg-", "a-jpeg-70"])
def test_names_without_a_parent(name):
    with pytest.raises(InputError, match="is not a degraded sample"):
        parent_of(name)


# --- sizes and crops --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("facebook", (4000, 3000), (2048, 1536)),
        ("facebook", (800, 600), (800, 600)),
        ("telegram", (2000, 4000), (640, 1280)),
        ("weibo", (3000, 9000), (2048, 6144)),
        ("weibo", (900, 9000), (900, 9000)),
        ("screenshot", (384, 256), (1620, 1080)),
        ("screenshot", (4000, 1000), (1920, 480)),
        ("resize-0.5", (101, 51), (51, 26)),
        ("resize-2", (33, 17), (66, 34)),
        ("crop-0.75", (101, 51), (76, 38)),
        ("blur-2", (33, 17), (33, 17)),
    ],
)
def test_sizes(name, size, expected):
    assert load_recipe(name).sizes(size)[-1] == expected


def test_sizes_that_are_reported():
    assert size_problem(load_recipe("resize-0.25"), (64, 64)) is None
    assert size_problem(load_recipe("resize-0.25"), (500, 60)) == (
        "too_small", "at least 16 pixels a side after resize-0.25", "125x15",
    )  # fmt: skip
    assert size_problem(load_recipe("jpeg-70"), (1, 9)) is None, "small already"
    assert size_problem(load_recipe("webp-70"), (17000, 20))[0] == "too_large"
    assert size_problem(load_recipe("jpeg-70"), (17000, 20)) is None


def test_crops_keep_half_of_the_tampered_pixels_wherever_they_lie():
    recipe = load_recipe("crop-0.5")
    places = set()
    for number in range(40):
        mask = np.zeros((64, 80), bool)
        mask[2:8, 70:78] = True
        data, _ = parents.file_of("colour", parents.scene(mask, number))
        made = apply_recipe(decode(data), recipe, rng_of(f"a{number}"), mask)
        assert made.mask.sum() >= mask.sum() / 2
        left, top = made.steps[0]["left"], made.steps[0]["top"]
        assert np.array_equal(made.mask, mask[top : top + 32, left : left + 40])
        assert np.array_equal(parents.displayed(made.data), parents.displayed(data)[top : top + 32, left : left + 40])
        places.add((left, top))
    assert len(places) > 15


def test_a_crop_that_cannot_keep_half_keeps_most():
    mask = np.zeros((64, 80), bool)
    mask[:4, :10] = mask[:4, 70:] = mask[60:, 70:] = True
    mask[60:, :12] = True
    data, _ = parents.file_of("colour", parents.scene(mask, 1))
    made = apply_recipe(decode(data), load_recipe("crop-0.5"), rng_of("a"), mask)
    assert (made.steps[0]["left"] <= 28, made.steps[0]["top"]) == (True, 32)
    assert made.mask.sum() == 48


def test_crops_without_a_mask_go_anywhere():
    data, _ = parents.file_of("colour", parents.scene(np.zeros((64, 80), bool), 0))
    steps = [apply_recipe(decode(data), load_recipe("crop-0.5"), rng_of(f"a{n}")).steps[0] for n in range(300)]
    for key, end in (("left", 40), ("top", 32)):
        found = np.array([step[key] for step in steps])
        assert (found.min(), found.max()) == (0, end)
        assert abs(found.mean() - end / 2) < 4 * end / np.sqrt(12 * 300)


def test_explanations_say_what_is_no_longer_sure():
    told = {"type": "splice", "area": "middle (x 3-9)", "content": "a dog moved by 4 px", "evidence": "shifted blocks"}
    mask = np.zeros((30, 60), bool)
    mask[21:28, 45:51] = True
    assert explained(None, "jpeg-70", False, mask) is None
    assert explained(told, "jpeg-70", False, mask) == told | {"evidence": "Before jpeg-70: shifted blocks"}
    assert explained(told, "crop-0.5", True, mask) == {
        "type": "splice", "area": "bottom right, 2.3 % of the image (x 45-50, y 21-27)",
        "content": "Before crop-0.5: a dog moved by 4 px", "evidence": "Before crop-0.5: shifted blocks",
    }  # fmt: skip
    for unknown in (None, np.zeros_like(mask)):
        assert explained(told, "crop-0.5", True, unknown)["area"] == "Before crop-0.5: middle (x 3-9)"
