"""DocTamper (Qu et al., CVPR 2023), which comes as LMDB environments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from forgebench.errors import InputError
from forgebench.sources.containers import lmdb_get
from forgebench.sources.files import files_below
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec

_SPLITS = {"trainingset": "train", "testingset": "test", "fcd": "fcd", "scd": "scd"}


def walk(root: Path) -> Iterator[Found]:
    """Every environment's `image-%09d` with its `label-%09d`, where anything above 0 is tampered.

    Raises:
        InputError: If an environment does not hold what it should.
        ForgeBenchError: If lmdb is not installed.
    """
    for path in files_below(root):
        if PurePosixPath(path).name != "data.mdb":
            continue
        folder = PurePosixPath(path).parent.as_posix()
        split = next((split for part, split in _SPLITS.items() if part in (root / folder).name.casefold()), None)
        if split:
            yield from _environment(root, folder, split)


def _environment(root: Path, folder: str, split: str) -> Iterator[Found]:
    try:
        number = lmdb_get(root / folder, "num-samples")
    except OSError as error:
        raise InputError(f"{error}. Get this LMDB environment again.") from error
    if number is None or not number.isdigit():
        raise InputError(f"{root / folder}: expected the number of samples under num-samples, found {number!r}")
    first = _first(root, folder)
    for index in range(first, first + int(number)):
        name, mask = f"{split}-{index:09d}", MaskFile(f"{folder}::label-{index:09d}", rule="above_0")
        yield Entry(name, f"{folder}::image-{index:09d}", "tampered", name, split, mask=mask)


def _first(root: Path, folder: str) -> int:
    """Whether the numbers start at 0 or 1."""
    for first in (0, 1):
        if lmdb_get(root / folder, f"image-{first:09d}") is not None:
            return first
    raise InputError(f"{root / folder}: expected image-000000000 or image-000000001, found neither")


SPEC = SourceSpec("doctamper", walk)
