"""What the tests of synthesis share: recipes with one thing changed, plans and what they make."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from forgebench.demo import PHOTOS
from forgebench.schema import Item
from forgebench.synthesis import Photo, Recipe, forge, list_photos
from forgebench.synthesis.forge import Forged, render
from forgebench.synthesis.ground import Ground, prepare
from forgebench.synthesis.plan import Plan, read_plan
from forgebench.synthesis.portable import without_ipp


@cache
def photos() -> list[Photo]:
    return list_photos(PHOTOS)


def recipe(*kinds: str, **parts: Mapping[str, Any] | Any) -> Recipe:
    """A recipe on small images; parts as they stand in TOML."""
    about = {"name": "mine", "description": "For a test.", "kinds": kinds or ("splice",)}
    small = {"photo": {"max_side": 256}} if "photo" not in parts else {}
    return Recipe.model_validate(about | small | parts)


def forgeries(made: Recipe, n: int, seed: int = 0) -> list[Item]:
    """The forgeries of the first `n` pairs."""
    items = [forge(photos(), made, seed, index) for index in range(2 * n)]
    return [item for item in items if item.label == "tampered"]


def plan_of(item: Item) -> Plan:
    return read_plan(item.provenance)


@without_ipp()
def grounds_of(plan: Plan) -> tuple[Ground, list[Ground]]:
    """The host before the forgery, and the donors."""
    by_sha = {photo.sha256: photo for photo in photos()}
    donors = dict.fromkeys(step.donor for step in plan.steps if step.donor)
    host, *others = (prepare(by_sha[source.sha256], source) for source in (plan.host, *donors))
    return host, others


@without_ipp()
def rendered(item: Item) -> tuple[Ground, Forged]:
    """The host before and the image after, before it is finished and saved."""
    plan = plan_of(item)
    host, donors = grounds_of(plan)
    return host, render(plan, host, donors)


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)
