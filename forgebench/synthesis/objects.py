"""Outlined objects: COCO-style instance masks, or a folder of masks named as the photographs."""

from __future__ import annotations

import json
from collections import defaultdict
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, ValidationError

from forgebench.errors import InputError, NotFoundError
from forgebench.schema import Mask
from forgebench.sources.files import IMAGE_SUFFIXES, UNDECODABLE
from forgebench.sources.masks import THRESHOLD
from forgebench.synthesis import rle
from forgebench.synthesis.photos import Instance, Photo, files_at, read_bytes


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Picture(_Lenient):
    id: int
    file_name: str


class _Annotation(_Lenient):
    image_id: int
    category_id: int | None = None
    segmentation: list[list[float]] | dict[str, Any]
    iscrowd: int = 0


class _Category(_Lenient):
    id: int
    name: str


class _Coco(_Lenient):
    images: list[_Picture]
    annotations: list[_Annotation]
    categories: list[_Category] = []


def read_objects(place: str | Path, names: list[str]) -> dict[str, tuple[Instance, ...]]:
    """What is outlined in photographs, by their names.

    Args:
        place: A COCO instances file (`.json`), or a folder of masks: `NAME.png` or `NAME_mask.png` for the photograph
            `NAME.jpg`, white is the object.
        names: The photographs' names; those that COCO knows by their base name are found too.

    Raises:
        NotFoundError: If there is nothing at `place`.
        InputError: If it cannot be read, or names none of the photographs.
    """
    found = _from_coco(Path(place), names) if str(place).endswith(".json") else _from_folder(place, names)
    if not found:
        raise InputError(f"{place} outlines nothing in any of the {len(names)} photographs: no name is the same.")
    return found


def outline(instance: Instance, photo: Photo) -> Mask:
    """An object's mask on its photograph as displayed, shape (H, W), bool.

    Raises:
        InputError: If the outline cannot be read, or is not of the photograph's size.
    """
    from pycocotools import mask as coco

    width, height = photo.size
    if isinstance(instance.segmentation, str):
        return _of_file(instance.segmentation, photo)
    code = instance.segmentation
    try:
        if isinstance(code, list):
            code = coco.merge(coco.frPyObjects(code, height, width))
        elif isinstance(code["counts"], list):
            code = coco.frPyObjects(code, *code["size"])
        mask = rle.decode(code)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{photo.name}: its COCO segmentation cannot be read: {error}") from error
    return _checked(mask, photo, "the COCO segmentation")


def _from_coco(file: Path, names: list[str]) -> dict[str, tuple[Instance, ...]]:
    if not file.is_file():
        raise NotFoundError(f"Expected a COCO instances file at {file}, found none.")
    try:
        told = _Coco.model_validate(json.loads(file.read_bytes()))
    except (ValidationError, ValueError) as error:
        raise InputError(f"{file} is no COCO instances file: {error}") from error
    by_base = {PurePosixPath(name).name: name for name in reversed(names)}
    known = set(names)
    pictures = {p.id: p.file_name if p.file_name in known else by_base.get(p.file_name) for p in told.images}
    categories = {category.id: category.name for category in told.categories}
    found: dict[str, list[Instance]] = defaultdict(list)
    for one in told.annotations:
        name = pictures.get(one.image_id)
        if name is not None and not one.iscrowd:
            category = categories.get(one.category_id) if one.category_id is not None else None
            found[name].append(Instance(one.segmentation, category))
    return {name: tuple(instances) for name, instances in found.items()}


def _from_folder(folder: str | Path, names: list[str]) -> dict[str, tuple[Instance, ...]]:
    masks = {
        str(PurePosixPath(name).with_suffix("")): path
        for name, path in files_at(folder)
        if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
    }
    found: dict[str, tuple[Instance, ...]] = {}
    for name in names:
        stem = str(PurePosixPath(name).with_suffix(""))
        path = masks.get(stem) or masks.get(f"{stem}_mask")
        if path:
            found[name] = (Instance(path),)
    return found


def _of_file(path: str, photo: Photo) -> Mask:
    """All that a mask file marks."""
    try:
        with Image.open(BytesIO(read_bytes(path))) as image:
            mask = np.asarray(image.convert("L")) > THRESHOLD
    except UNDECODABLE as error:
        raise InputError(f"{path}: the mask of {photo.name} cannot be read: {error}") from error
    return _checked(mask, photo, path)


def _checked(mask: Mask, photo: Photo, what: str) -> Mask:
    if mask.shape != photo.size[::-1]:
        expected, found = (f"{w}x{h}" for w, h in (photo.size, mask.shape[::-1]))
        raise InputError(f"{photo.name}: expected {what} of the photograph's size {expected}, found {found}.")
    return mask
