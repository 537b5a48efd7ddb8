"""IMD2020, the real-life manipulated images (Novozámský, Mahdian and Saic, WACVW 2020)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from forgebench.sources.files import files_below
from forgebench.sources.pairing import below, safe_id
from forgebench.sources.spec import Entry, Found, MaskFile, SourceSpec, duplicate, missing, unpaired

_FILE = below(r"(?P<folder>[^/]+)/(?P<stem>[^/]+?)(?P<mask>_mask)?\.(?P<suffix>jpe?g|png)")
_COLLECTION = below(r"z\d+/(?P<number>\d+)_[^/]+")


def walk(root: Path) -> Iterator[Found]:
    """Pair `FOLDER/NAME.jpg` with `FOLDER/NAME_mask.png`; a file with `orig` in its name is the authentic original."""
    masks: dict[tuple[str, str], list[str]] = defaultdict(list)
    images: list[tuple[tuple[str, str], str]] = []
    originals: dict[str, list[str]] = defaultdict(list)
    for path in files_below(root):
        if not (match := _FILE.fullmatch(path)):
            continue
        key = PurePosixPath(path).parent.as_posix(), match["stem"]
        if match["mask"]:
            masks[key].append(path)
        elif "orig" in match["stem"].casefold():
            originals[_group(path)].append(path)
        else:
            images.append((key, path))
    for group, paths in originals.items():
        for path in paths:
            yield Entry(_name(path), path, "authentic", group)
    # A folder of pictures without any mask is not the data set.
    for key, path in images if masks else ():
        yield _tampered(path, masks.get(key, []), originals.get(_group(path), []))
    for key in sorted(masks.keys() - {key for key, _ in images}):
        yield missing(safe_id(f"{key[0].rpartition('/')[2]}-{key[1]}"), masks[key][0])


def _tampered(path: str, masks: list[str], originals: list[str]) -> Found:
    name = _name(path)
    match masks:
        case []:
            return unpaired(name, f"a mask {PurePosixPath(path).stem}_mask.png beside {path}")
        case [mask]:
            original = originals[0] if len(originals) == 1 else None
            return Entry(name, path, "tampered", _group(path), mask=MaskFile(mask, original=original))
    return duplicate(name, f"mask for {path}", masks)


def _name(path: str) -> str:
    return safe_id(f"{PurePosixPath(path).parent.name}-{PurePosixPath(path).stem}")


def _group(path: str) -> str:
    """The folder, which holds one original; in the folders z1 … z41, which hold many, the number too."""
    folder = PurePosixPath(path).parent.name
    match = _COLLECTION.fullmatch(path)
    return safe_id(f"{folder}-{match['number']}" if match else folder)


SPEC = SourceSpec("imd2020", walk)
