"""Weaker annotations from stronger ones: boxes and scribbles from masks, loosened boxes; all seeded."""

from forgebench.annotations.boxes import boxes_from_mask, loosen
from forgebench.annotations.scribbles import AUTHENTIC, TAMPERED, UNLABELLED, scribble_from_mask

__all__ = ["AUTHENTIC", "TAMPERED", "UNLABELLED", "boxes_from_mask", "loosen", "scribble_from_mask"]
