"""Degrade: what happens to a picture on its way to a reader, as named recipes with the truth carried along."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from forgebench.degrade.apply import apply_recipe, rng_of
from forgebench.degrade.recipe import Origin, Recipe, families, load_recipe, load_recipes, parent_of


class _Callable(ModuleType):
    """So that `forgebench.degrade()` works too where this package, imported, has taken the function's place."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        return import_module("forgebench.benchmark.degrade").degrade(*arguments, **options)


sys.modules[__name__].__class__ = _Callable

__all__ = ["Origin", "Recipe", "apply_recipe", "families", "load_recipe", "load_recipes", "parent_of", "rng_of"]
