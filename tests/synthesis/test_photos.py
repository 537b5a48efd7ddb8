"""Photographs: any folder, any place that fsspec reaches, and everything that is wrong with them at once."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

import forgebench
from forgebench.errors import InputError, NotFoundError, ProblemsError
from forgebench.synthesis import list_photos
from forgebench.synthesis.photos import open_photo, size_at
from synthesis.making import photos


def _file(index: int, size: tuple[int, int] = (200, 150), kind: str = "JPEG", **options) -> bytes:
    rng = np.random.default_rng(index)
    buffer = BytesIO()
    noise = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise.save(buffer, kind, **options)
    return buffer.getvalue()


def _folder(path: Path, n: int = 4) -> Path:
    (path / "deep/down").mkdir(parents=True)
    for i in range(n):
        (path / ("deep/down" if i % 2 else ".") / f"p{i}.jpg").write_bytes(_file(i))
    return path


def _spoil(path: Path) -> dict[str, str]:
    (path / "notes.jpg").write_text("no photograph")
    (path / "cut.jpg").write_bytes(_file(90)[:2000])
    (path / "cut.png").write_bytes(_file(91, kind="PNG")[:2000])
    (path / "tiny.png").write_bytes(_file(92, (40, 40), "PNG"))
    (path / "empty.webp").write_bytes(b"")
    return dict.fromkeys(("notes.jpg", "cut.jpg", "cut.png", "empty.webp"), "unreadable") | {"tiny.png": "too_small"}


def test_photographs_below_a_folder_each_once(tmp_path: Path) -> None:
    _folder(tmp_path)
    (tmp_path / "copy of p0.jpg").write_bytes((tmp_path / "p0.jpg").read_bytes())
    (tmp_path / "readme.txt").write_text("not looked at")
    (tmp_path / ".hidden.jpg").write_text("nor this")
    names = [photo.name for photo in list_photos(tmp_path)]
    assert names == ["copy of p0.jpg", "deep/down/p1.jpg", "deep/down/p3.jpg", "p2.jpg"]


def test_what_cannot_be_used_is_named_at_once(tmp_path: Path) -> None:
    spoilt = _spoil(_folder(tmp_path / "in"))
    with pytest.raises(ProblemsError, match="--allow-issues too_small,unreadable") as caught:
        forgebench.synthesize(tmp_path / "in", tmp_path / "out", n=2, workers=1)
    assert {problem.sample_id: problem.code for problem in caught.value.problems} == spoilt
    assert not list(tmp_path.glob("*out*"))


def test_what_may_be_left_out_is_left_out_and_recorded(tmp_path: Path) -> None:
    for photo in photos()[:4]:
        (tmp_path / "good").mkdir(exist_ok=True)
        (tmp_path / "good" / photo.name).write_bytes(Path(photo.path).read_bytes())
    alone = forgebench.synthesize(tmp_path / "good", tmp_path / "a", n=4, workers=1)
    spoilt = _spoil(tmp_path / "good")
    with pytest.raises(ProblemsError) as caught:
        forgebench.synthesize(tmp_path / "good", tmp_path / "b", n=4, allow_issues=["too_small"], workers=1)
    assert {problem.code for problem in caught.value.problems} == {"unreadable"}
    for allowed in ("all", ["too_small", "unreadable"]):
        made = forgebench.synthesize(
            tmp_path / "good", tmp_path / f"c{len(allowed)}", n=4, allow_issues=allowed, workers=1
        )
        assert {p.sample_id: p.code for p in made.manifest.skipped} == spoilt
        assert made.content_hash == alone.content_hash


def test_wrong_places_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Expected a folder of photographs at"):
        list_photos(tmp_path / "none")
    with pytest.raises(InputError, match="at least two different photographs"):
        list_photos(tmp_path)
    with pytest.raises(InputError, match="no place that fsspec reaches"):
        list_photos("nowhere://photographs")
    with pytest.raises(NotFoundError, match="memory://nothing-here"):
        list_photos("memory://nothing-here")


def test_a_url_gives_the_bytes_that_the_folder_gives(tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    for photo in photos()[:5]:
        (tmp_path / "in/sub").mkdir(parents=True, exist_ok=True)
        data = Path(photo.path).read_bytes()
        (tmp_path / "in/sub" / photo.name).write_bytes(data)
        system.pipe_file(f"/synth-photos/sub/{photo.name}", data)
    here = forgebench.synthesize(tmp_path / "in", tmp_path / "a", n=4, workers=1)
    for number, url in enumerate(("memory://synth-photos", "memory://synth-photos/", f"file://{tmp_path / 'in'}")):
        there = forgebench.synthesize(url, tmp_path / f"b{number}", n=4, workers=1)
        assert there.manifest.rows == here.manifest.rows
    row = next(here.rows("test", ("provenance",)))
    assert json.loads(row["provenance"])["host"]["name"].startswith("sub/")


def test_orientation_is_applied_and_size_is_as_displayed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "turned.jpg").write_bytes(_file(0, (300, 200), exif=exif.tobytes(), quality=95))
    (tmp_path / "plain.jpg").write_bytes(_file(1, (300, 200)))
    photo = next(one for one in list_photos(tmp_path) if one.name == "turned.jpg")
    assert photo.size == (200, 300)
    with Image.open(tmp_path / "turned.jpg") as image:
        wanted = np.asarray(image.transpose(Image.Transpose.ROTATE_270).convert("RGB"))
    assert np.array_equal(open_photo(photo, photo.size), wanted)
    small = open_photo(photo, (80, 120))
    assert small.shape == (120, 80, 3)
    assert np.abs(small.astype(int) - np.asarray(Image.fromarray(wanted).resize((80, 120), 1))).mean() < 2


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_comes_as_colour(tmp_path: Path, mode: str) -> None:
    base = Image.open(BytesIO(_file(3, kind="PNG")))
    image = Image.fromarray(np.asarray(base.convert("L")).astype(np.uint16)) if mode == "I;16" else base.convert(mode)
    for i in range(2):
        image.rotate(i).save(tmp_path / f"{i}.tif")
    first = list_photos(tmp_path)[0]
    assert open_photo(first, first.size).shape == (150, 200, 3)


@pytest.mark.parametrize(
    ("scale", "longest", "size"),
    [(1, None, (3000, 2000)), (0.5, None, (1500, 1000)), (1, 600, (600, 400)), (0.1, 600, (300, 200))],
)
def test_photographs_are_never_enlarged(scale: float, longest: int | None, size: tuple[int, int]) -> None:
    photo = type(photos()[0])("", "", "", "JPEG", (3000, 2000))
    assert size_at(photo, scale, longest) == size
