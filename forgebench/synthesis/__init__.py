"""Synthesis: how a forgery is made from photographs, and what is remembered of it."""

from forgebench.synthesis.forge import forge
from forgebench.synthesis.photos import Photo, list_photos
from forgebench.synthesis.recipe import Recipe, load_recipe

__all__ = ["Photo", "Recipe", "forge", "list_photos", "load_recipe"]
