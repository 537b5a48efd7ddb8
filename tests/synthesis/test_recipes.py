"""Recipes: what may stand in them, what is wrong with them, and the values that are drawn from them."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from forgebench.errors import InputError
from forgebench.synthesis import load_recipe
from forgebench.synthesis.recipe import Recipe, draw, draw_count, pick, shipped_recipes
from synthesis.making import recipe

GOOD = 'description = "Mine."\nkinds = ["splice"]\n'


def test_seven_recipes_are_shipped() -> None:
    assert shipped_recipes() == ["casia-like", "copy-move", "demo", "hard", "mixed", "removal", "splice"]
    for name in shipped_recipes():
        made = load_recipe(name)
        assert made.name == name
        assert made.description.endswith(".")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kinds = [", ["Invalid value"]),
        ('kinds = ["splice"]', ["description: Field required"]),
        (GOOD.replace("splice", "slice"), ["kinds.0: Input should be 'splice', 'copy_move', 'removal' or", "'slice'"]),
        (GOOD.replace('["splice"]', "[]"), ["kinds"]),
        (GOOD + "[region]\narea = [0.2, 0.1]", ["region.area", "smallest number first"]),
        (GOOD + "[region]\narea = [0.1]", ["region.area"]),
        (GOOD + "[region]\narea = [0, 0.1]", ["region.area.0", "greater than 0"]),
        (GOOD + "[seam]\nblend = { glue = 1 }", ["seam.blend.glue"]),
        (GOOD + "[seam]\nblend = { hard = 0 }", ["seam.blend", "at least one weight above 0"]),
        (GOOD + "[seam]\nblend = { hard = -1 }", ["seam.blend.hard"]),
        (GOOD + "[save.jpeg]\nquality = [50, 120]", ["save.jpeg.quality.1", "120"]),
        (GOOD + "[save.jpeg]\ntables = { nikon = 1 }", ["save.jpeg.tables.nikon"]),
        (GOOD + "colour = 3\n[save]\nfromat = 3", ["colour: Extra inputs", "save.fromat: Extra inputs"]),
        (GOOD + "[geometry]\nflip = 2", ["geometry.flip"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_recipe_is_told_field_by_field(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match="not a valid recipe") as caught:
        load_recipe(str(path))
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_an_unknown_recipe_is_told() -> None:
    with pytest.raises(InputError, match=r"No recipe 'dmo'. Shipped: casia-like, .*; or give the path"):
        load_recipe("dmo")


def test_every_field_is_described() -> None:
    def fields(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                fields(inner)
            else:
                assert field.description, f"{model.__name__}.{name}"

    fields(Recipe)


def test_a_recipe_s_digest_is_of_all_of_it() -> None:
    one, same, other = recipe("splice"), recipe("splice"), recipe("splice", copies=[1, 2])
    assert one.digest == same.digest != other.digest
    assert hash(one) == hash(same)


def test_quantiles_are_drawn_as_they_stand() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([draw((0.0, 1.0, 1.0, 10.0), rng) for _ in range(6000)])
    assert np.quantile(drawn, [0.1, 1 / 3, 0.5, 2 / 3]) == pytest.approx([0.3, 1, 1, 1], abs=0.05)
    assert (drawn == 1).mean() == pytest.approx(1 / 3, abs=0.03), "what stands twice is drawn exactly"
    assert drawn.max() == pytest.approx(10, abs=0.05)
    counts = Counter(draw_count((1, 3), rng) for _ in range(3000))
    assert {n: pytest.approx(1000, abs=120) for n in (1, 2, 3)} == counts


def test_names_are_drawn_by_weight_in_any_order() -> None:
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    drawn = [pick({"b": 3.0, "a": 1.0, "c": 0.0}, rng) for _ in range(2000)]
    assert Counter(drawn)["b"] == pytest.approx(1500, abs=80)
    assert "c" not in drawn
    assert drawn == [pick({"c": 0.0, "a": 1.0, "b": 3.0}, again) for _ in range(2000)]


def test_casia_s_facts_are_those_of_its_files(shared_data: Path) -> None:
    """The deciles of the region areas that the recipe states, measured again."""
    from PIL import Image

    masks = sorted((shared_data / "CASIA1/CASIA 1.0 groundtruth").rglob("*_gt.png"))
    assert len(masks) == 920
    areas = [(np.asarray(Image.open(path).convert("L")) > 127).mean() for path in masks]
    stated = load_recipe("casia-like").region.area
    assert np.quantile(areas, np.linspace(0.1, 0.9, 9)) == pytest.approx(stated, abs=6e-5)
    text = (Path(__file__).parents[2] / "forgebench/synthesis/recipes/casia-like.toml").read_text()
    assert tomllib.loads(text)["region"]["area"] == list(stated)
