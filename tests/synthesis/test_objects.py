"""Outlined objects: COCO instances and folders of masks decide what is taken, and the explanation names them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

import forgebench
from forgebench.demo import PHOTOS
from forgebench.errors import InputError, NotFoundError
from forgebench.schema import Item
from forgebench.synthesis import forge, list_photos, read_objects
from forgebench.synthesis.objects import outline
from forgebench.synthesis.photos import Instance
from forgebench.synthesis.rle import decode, encode
from synthesis.making import photos, plan_of, recipe

GATES = {"area": [0.005, 0.3], "min_texture": 0, "min_visibility": 0, "min_contrast": 0}


def _discs() -> dict[str, np.ndarray]:
    """A disc in the middle of every bundled photograph."""
    discs = {}
    for photo in photos():
        width, height = photo.size
        ys, xs = np.mgrid[:height, :width]
        discs[photo.name] = np.hypot(ys - height / 2, xs - width / 2) < min(width, height) / 6
    return discs


def _coco(path: Path, kind: str) -> Path:
    images, annotations = [], []
    for number, (name, disc) in enumerate(_discs().items()):
        height, width = disc.shape
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        polygon = np.stack(
            [width / 2 + min(disc.shape) / 6 * np.cos(angles), height / 2 + min(disc.shape) / 6 * np.sin(angles)]
        )
        runs = np.flatnonzero(np.diff(np.concatenate([[0], disc.T.ravel(), [0]]))).astype(int)
        segmentation = {
            "polygon": [polygon.T.ravel().tolist()],
            "rle": {"size": list(disc.shape), "counts": encode(disc)},
            "runs": {"size": list(disc.shape), "counts": np.diff([0, *runs, disc.size]).tolist()},
        }[kind]
        images.append({"id": number, "file_name": name, "width": width, "height": height, "licence": 3})
        annotations.append({"id": number, "image_id": number, "category_id": 7, "segmentation": segmentation})
    annotations.append({"id": 99, "image_id": 0, "category_id": 7, "iscrowd": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]})
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "disc"}]})
    )
    return path


def _masks(path: Path, ending: str) -> Path:
    path.mkdir()
    for name, disc in _discs().items():
        Image.fromarray(disc).save(path / f"{Path(name).stem}{ending}.png")
    return path


def _made(place: Path, kind: str, **parts) -> list[Item]:
    found = list_photos(PHOTOS, objects=read_objects(place, [photo.name for photo in photos()]))
    assert all(photo.objects for photo in found)
    made = recipe(kind, region=GATES, seam={"blend": {"hard": 1}}, **parts)
    items = [forge(found, made, 0, index) for index in range(8)]
    return [item for item in items if item.label == "tampered"]


@pytest.mark.parametrize("kind", ["polygon", "rle", "runs"])
def test_coco_instances_are_what_is_pasted(tmp_path: Path, kind: str) -> None:
    for item in _made(_coco(tmp_path / "instances.json", kind), "splice"):
        (step,) = plan_of(item).steps
        assert (step.shape.how, step.shape.category) == ("instance", "disc")
        assert item.mask is not None
        ys, xs = np.nonzero(item.mask)
        assert abs(np.ptp(ys) - np.ptp(xs)) <= 3
        assert item.mask.sum() == pytest.approx(np.pi / 4 * (np.ptp(ys) + 1) * (np.ptp(xs) + 1), rel=0.03)
        assert item.explanation is not None
        assert "category disc" in item.explanation["content"]


@pytest.mark.parametrize("ending", ["", "_mask"])
@pytest.mark.parametrize("retouch", ["none", "crop", "resize"])
def test_masks_follow_what_is_done_to_the_photograph(tmp_path: Path, ending: str, retouch: str) -> None:
    """A removal by outline: the mask lies where the disc has gone with the crop."""
    photo = {"max_side": 300, "retouch": {retouch: 1}, "keep": [0.8, 0.9]}
    for item in _made(_masks(tmp_path / "masks", ending), "removal", photo=photo, removal={"fill": {"telea": 1}}):
        plan, (height, width) = plan_of(item), item.size
        assert item.mask is not None
        ys, xs = np.nonzero(item.mask)
        left, top, right, bottom = plan.host.retouching.box or (0, 0, 1, 1)
        assert ys.mean() == pytest.approx((0.5 - top) / (bottom - top) * height, abs=2)
        assert xs.mean() == pytest.approx((0.5 - left) / (right - left) * width, abs=2)
        assert plan.steps[0].shape.size == item.size


def test_the_command_takes_them_and_their_provenance_is_enough(tmp_path: Path) -> None:
    place = _coco(tmp_path / "instances.json", "polygon")
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=6, recipe="casia-like", objects=place, workers=1)
    place.unlink()
    for row in made.rows("test"):
        assert forgebench.synthesis.replay(row["provenance"], PHOTOS).sha256 == row["sha256"]


def test_codes_are_pycocotools_s() -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (7, 5), (40, 60)):
        mask = rng.random(shape) < 0.4
        code = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert encode(mask) == code["counts"].decode()
        assert np.array_equal(decode(code), mask)


def test_wrong_outlines_are_told(tmp_path: Path) -> None:
    names = [photo.name for photo in photos()]
    with pytest.raises(NotFoundError, match="COCO instances file"):
        read_objects(tmp_path / "none.json", names)
    with pytest.raises(NotFoundError, match="none"):
        read_objects(tmp_path / "none", names)
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "other.json").write_text('{"images": 3}')
    (tmp_path / "strange.json").write_text('{"images": [{"id": 1, "file_name": "x.jpg"}], "annotations": []}')
    for name in ("bad", "other"):
        with pytest.raises(InputError, match="no COCO instances file"):
            read_objects(tmp_path / f"{name}.json", names)
    with pytest.raises(InputError, match="outlines nothing"):
        read_objects(tmp_path / "strange.json", names)
    photo = photos()[0]
    for broken in ({"size": [3, 3]}, {"size": [3, 3], "counts": "91"}):
        with pytest.raises(InputError, match=photo.name):
            outline(Instance(broken), photo)
    Image.new("L", (9, 9)).save(tmp_path / "small.png")
    with pytest.raises(InputError, match=r"size \d+x\d+, found 9x9"):
        outline(Instance(str(tmp_path / "small.png")), photo)
