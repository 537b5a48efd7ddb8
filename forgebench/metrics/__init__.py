"""Metrics: counts from arrays, numbers from counts, definitions that say what each number means."""

from forgebench.metrics.definitions import DEFINITIONS, Definition, Metric
from forgebench.metrics.pixel import PixelCounts, pixel_counts, pixel_numbers
from forgebench.metrics.table import Table

__all__ = ["DEFINITIONS", "Definition", "Metric", "PixelCounts", "Table", "pixel_counts", "pixel_numbers"]
