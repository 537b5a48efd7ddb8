"""Synthesis: how a forgery is made from photographs, and what is remembered of it."""

from forgebench.synthesis.forge import forge
from forgebench.synthesis.objects import read_objects
from forgebench.synthesis.photos import Photo, list_photos
from forgebench.synthesis.recipe import Recipe, load_recipe
from forgebench.synthesis.replay import replay
from forgebench.synthesis.stream import samples, stream

__all__ = ["Photo", "Recipe", "forge", "list_photos", "load_recipe", "read_objects", "replay", "samples", "stream"]
