"""JPEG quantization tables, in rows of eight."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from forgebench.synthesis.plan import Compression

Table = tuple[int, ...]

# ITU-T T.81, Annex K, tables K.1 and K.2.
_LUMA: Table = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA: Table = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, *(99,) * 38,
)  # fmt: skip

# As found in tampered JPEG files of CASIA v1 and v2 (8 + 32, 6, 1 and 1 files of those seen), which a picture editor
# has saved.
_EDITOR: tuple[tuple[Table, Table], ...] = (
    (
        (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1,
         2, 2, 3, 1, 1, 1, 1, 2, 2, 3, 3, 1, 1, 1, 2, 2, 3, 3, 3, 1, 1, 2, 2, 3, 3, 3, 3),
        (1, 1, 1, 1, 2, 3, 3, 3, 1, 1, 1, 2, 3, 3, 3, 3, 1, 1, 1, 3, 3, 3, 3, 3, 1, 2, 3, 3, 3, 3, 3, 3, 2, *(3,) * 31),
    ),
    (
        (6, 4, 4, 6, 9, 11, 12, 16, 4, 5, 5, 6, 8, 10, 12, 12, 4, 5, 5, 6, 10, 12, 12, 12, 6, 6, 6, 11, 12, 12, 12, 12,
         9, 8, 10, 12, 12, 12, 12, 12, 11, 10, *(12,) * 14, 16, *(12,) * 7),
        (7, 7, 13, 24, 20, 20, 17, 17, 7, 12, 16, 14, 14, 12, 12, 12, 13, 16, 14, 14, 12, 12, 12, 12, 24, 14, 14,
         *(12,) * 5, 20, 14, *(12,) * 6, 20, *(12,) * 7, 17, *(12,) * 7, 17, *(12,) * 7),
    ),
    (
        (8, 6, 6, 8, 12, 14, 16, 17, 6, 6, 6, 8, 10, 13, 12, 12, 6, 6, 7, 8, 13, 12, 12, 12, 8, 8, 8, 14, 12, 12, 12,
         12, 12, 10, 13, *(12,) * 5, 14, 13, *(12,) * 6, 16, *(12,) * 7, 17, *(12,) * 7),
        (9, 8, 9, 11, 14, 17, 17, 17, 8, 10, 9, 11, 14, 12, 12, 12, 9, 9, 13, 14, 12, 12, 12, 12, 11, 11, 14, 12, 12,
         12, 12, 12, 14, 14, *(12,) * 6, 17, *(12,) * 7, 17, *(12,) * 7, 17, *(12,) * 7),
    ),
    (
        (12, 8, 8, 12, 17, 21, 24, 17, 8, 9, 9, 11, 15, 19, 12, 12, 8, 9, 10, 12, 19, 12, 12, 12, 12, 11, 12, 21, 12,
         12, 12, 12, 17, 15, 19, *(12,) * 5, 21, 19, *(12,) * 6, 24, *(12,) * 7, 17, *(12,) * 7),
        (13, 11, 13, 16, 20, 20, 17, 17, 11, 14, 14, 14, 14, 12, 12, 12, 13, 14, 14, 14, 12, 12, 12, 12, 16, 14, 14, 12,
         12, 12, 12, 12, 20, 14, *(12,) * 6, 20, *(12,) * 7, 17, *(12,) * 7, 17, *(12,) * 7),
    ),
)  # fmt: skip


@cache
def quantization(compression: Compression) -> tuple[Table, Table]:
    """The tables for luma and chroma.

    `camera` is the rule that the files of a camera among CASIA v2's authentic images follow (15 of 170 JPEG files).
    """
    quality = compression.quality
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    if compression.tables == "editor":
        wanted = _LUMA[0] * percent / 100
        return min(_EDITOR, key=lambda pair: (abs(pair[0][0] - wanted), pair[0][0]))
    if compression.tables == "camera":
        return _bounded(v * percent // 100 for v in _LUMA), _bounded(v * percent * 3 // 200 for v in _CHROMA)
    return _bounded((v * percent + 50) // 100 for v in _LUMA), _bounded((v * percent + 50) // 100 for v in _CHROMA)


def _bounded(values: Iterable[int]) -> Table:
    return tuple(min(255, max(1, value)) for value in values)
