"""A folder that does not hold the data set: what was looked for, what was found, how to get it."""

from __future__ import annotations

import pytest
from lookalikes import encoded, photo, put, region

import forgebench
from forgebench.errors import InputError, NotFoundError, ProblemsError
from forgebench.sources import SOURCES, source


@pytest.mark.parametrize("name", SOURCES)
def test_no_such_folder(tmp_path, name):
    with pytest.raises(NotFoundError) as caught:
        forgebench.build(name, tmp_path / "none", tmp_path / "out")
    assert f"Expected the folder of {name} at {tmp_path / 'none'}" in str(caught.value)
    assert source(name).card.get.strip() in str(caught.value)


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_in_place_of_the_folder(tmp_path, name):
    put(tmp_path / "archive.zip", b"PK")
    with pytest.raises(NotFoundError):
        forgebench.build(name, tmp_path / "archive.zip", tmp_path / "out")


@pytest.mark.parametrize("name", SOURCES)
def test_an_empty_folder(tmp_path, name):
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError) as caught:
        forgebench.build(name, tmp_path / "in", tmp_path / "out")
    message, card = str(caught.value), source(name).card
    assert f"{tmp_path / 'in'} holds no sample of {name}. Looked for:" in message
    assert all(line in message for line in card.layout.rstrip().splitlines())
    assert "found no files at all" in message
    assert f"How to get it: {card.get}" in message
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("name", SOURCES)
def test_another_folder(tmp_path, name):
    for i in range(4):
        put(tmp_path / "in" / "holiday" / f"IMG_{i}.JPG", b"")
    put(tmp_path / "in" / "README", b"")
    with pytest.raises(InputError) as caught:
        forgebench.build(name, tmp_path / "in", tmp_path / "out")
    assert "found 4 .jpg, 1 no suffix (such as README, holiday/IMG_0.JPG, holiday/IMG_1.JPG)" in str(caught.value)
    assert not list(tmp_path.glob("*out*"))


def test_masks_without_any_image_are_not_the_data_set(tmp_path):
    put(tmp_path / "in" / "Sp_D_NNN_A_nat0001_ani0001_0001_gt.png", encoded(region(1), "PNG"))
    with pytest.raises(InputError, match=r"holds no sample of casia-v1"):
        forgebench.build("casia-v1", tmp_path / "in", tmp_path / "out")


def test_images_without_any_mask_are_named_not_called_nothing(tmp_path):
    put(tmp_path / "in" / "tampered" / "a.png", encoded(photo(1), "PNG"))
    with pytest.raises(ProblemsError, match=r"\[unpaired\] tampered-a: expected a mask masks/a.png"):
        forgebench.build("folder", tmp_path / "in", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))
    with pytest.raises(InputError, match=r"No sample of out is left to build"):
        forgebench.build("folder", tmp_path / "in", tmp_path / "out", allow_issues=["unpaired"])
    assert not list(tmp_path.glob("*out*"))
