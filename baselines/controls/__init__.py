"""Negative controls and a classical detector, by the name that `forgebench predict` takes."""

from forgebench.controls import all_black, all_white, centre_box, constant, edges, jpeg_ghost, random

__all__ = ["all_black", "all_white", "centre_box", "constant", "edges", "jpeg_ghost", "random"]
