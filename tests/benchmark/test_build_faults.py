"""Files that cannot be used: all named at once, nothing left behind, and left out only on the user's word."""

from __future__ import annotations

import shutil

import lookalikes
import pytest
from lookalikes import encoded, photo, put, region

import forgebench
from forgebench.benchmark import verify_benchmark
from forgebench.errors import InputError, ProblemsError

FAULTS = {
    ("unreadable", "authentic-truncated"),
    ("unreadable", "authentic-text"),
    ("unreadable", "tampered-empty"),
    ("unreadable", "tampered-bad_mask"),
    ("unreadable", "authentic-link"),
    ("unpaired", "tampered-no_mask"),
    ("unpaired", "tampered-no_image"),
    ("mismatched", "tampered-size"),
    ("empty_mask", "tampered-ones"),
    ("duplicate", "authentic-same"),
    ("bad_name", "authentic-bad name"),
}
KINDS = sorted({code for code, _ in FAULTS})


@pytest.fixture
def faulty(tmp_path):
    """A sound folder with every kind of fault added."""
    root = tmp_path / "in"
    truths = lookalikes.folder(root)
    image, mask = encoded(photo(1), "PNG"), encoded(region(1), "PNG")
    put(root / "authentic" / "truncated.jpg", encoded(photo(1), "JPEG")[:500])
    put(root / "authentic" / "text.jpg", b"not a picture")
    (root / "authentic" / "link.jpg").symlink_to(tmp_path / "gone")
    for name in ("bad_mask", "no_mask", "size", "ones"):
        put(root / "tampered" / f"{name}.png", image)
    put(root / "tampered" / "empty.png", b"")
    for name in ("empty", "no_image"):
        put(root / "masks" / f"{name}.png", mask)
    put(root / "masks" / "bad_mask.png", mask[:-30])
    put(root / "masks" / "size.png", encoded(region(1, 47, 32), "PNG"))
    put(root / "masks" / "ones.png", encoded(region(1).astype("uint8"), "PNG"))
    for suffix in ("png", "bmp"):
        put(root / "authentic" / f"same.{suffix}", image)
    put(root / "authentic" / "bad name.png", image)
    return root, truths


def named(problems):
    return {(problem.code, problem.sample_id) for problem in problems}


@pytest.mark.parametrize("workers", [1, 2])
def test_all_problems_are_told_at_once_and_nothing_is_left(faulty, tmp_path, workers):
    with pytest.raises(ProblemsError) as caught:
        forgebench.build("folder", faulty[0], tmp_path / "built" / "out", workers=workers)
    assert named(caught.value.problems) == FAULTS
    assert len(caught.value.problems) == len(FAULTS)
    message = str(caught.value)
    assert message.startswith("11 problems in out; nothing was written.")
    assert f"--allow-issues {','.join(KINDS)}" in message
    assert all(sample_id in message for _, sample_id in FAULTS)
    assert list((tmp_path / "built").iterdir()) == []


@pytest.mark.parametrize("stays", KINDS)
def test_what_is_not_allowed_still_stops_the_build(faulty, tmp_path, stays):
    allowed = [kind for kind in KINDS if kind != stays]
    with pytest.raises(ProblemsError) as caught:
        forgebench.build("folder", faulty[0], tmp_path / "out", allow_issues=allowed, workers=1)
    assert named(caught.value.problems) == {fault for fault in FAULTS if fault[0] == stays}
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("allowed", [KINDS, "all"])
def test_what_is_allowed_is_left_out_and_recorded(faulty, tmp_path, allowed):
    root, truths = faulty
    made = forgebench.build("folder", root, tmp_path / "out", allow_issues=allowed, workers=1)
    assert named(made.manifest.skipped) == FAULTS
    assert set(made.manifest.rows) == set(truths)
    assert verify_benchmark(made, workers=1) == []
    card = (made.path / "README.md").read_text(encoding="utf-8")
    assert "Left out on the builder's word" in card
    assert all(f"`{sample_id}`: {code}" in card for code, sample_id in FAULTS)
    sound = tmp_path / "sound"
    lookalikes.folder(sound)
    assert forgebench.build("folder", sound, tmp_path / "again", workers=1).content_hash == made.content_hash


def test_names_that_differ_in_case_alone_are_duplicates(tmp_path):
    for name in ("IMG", "img"):
        put(tmp_path / "in" / "authentic" / f"{name}.png", encoded(photo(1), "PNG"))
    if len(list((tmp_path / "in" / "authentic").iterdir())) == 1:
        pytest.skip("this file system does not tell them apart")
    with pytest.raises(ProblemsError, match=r"authentic/IMG.png and authentic/img.png") as caught:
        forgebench.build("folder", tmp_path / "in", tmp_path / "out", workers=1)
    assert [problem.code for problem in caught.value.problems] == ["duplicate"]


def test_a_doubled_casia_image_leaves_neither_copy(tmp_path):
    truths = lookalikes.casia_v1(tmp_path / "in")
    name = "Sp_D_NRN_A_ani0082_ani0097_0427"
    (file,) = (tmp_path / "in").glob(f"**/{name}.jpg")
    put(tmp_path / "in" / "corrected" / "Sp_D_NRN_A_ani0097_ani0082_0427.jpg", file.read_bytes())
    with pytest.raises(ProblemsError, match=r"Sp_D_NRN_A_ani0097_ani0082_0427: expected one image with this id"):
        forgebench.build("casia-v1", tmp_path / "in", tmp_path / "out", workers=1)
    made = forgebench.build("casia-v1", tmp_path / "in", tmp_path / "out", allow_issues=["duplicate"], workers=1)
    assert set(truths) - set(made.manifest.rows) == {"Sp_D_NRN_A_ani0097_ani0082_0427"}
    assert named(made.manifest.skipped) == {("duplicate", "Sp_D_NRN_A_ani0097_ani0082_0427")}


def test_missing_images_are_recorded_and_no_reason_to_stop(tmp_path):
    lookalikes.coverage(tmp_path / "in")
    (tmp_path / "in" / "image" / "61t.tif").unlink()
    made = forgebench.build("coverage", tmp_path / "in", tmp_path / "out", workers=1)
    assert made.manifest.missing == ["61t"]
    assert made.manifest.skipped == []


def test_many_problems_are_cut_in_the_message_alone(tmp_path):
    for i in range(30):
        put(tmp_path / "in" / "authentic" / f"{i:02d}.png", b"")
    with pytest.raises(ProblemsError) as caught:
        forgebench.build("folder", tmp_path / "in", tmp_path / "out", workers=1)
    assert len(caught.value.problems) == 30
    assert str(caught.value).endswith("… and 10 more (all of them with --json)")


@pytest.mark.parametrize("what", ["a folder with files", "a benchmark", "a file"])
def test_what_exists_is_refused_and_untouched(tmp_path, truths, built, what):
    out = tmp_path / "out"
    if what == "a file":
        put(out, b"precious")
    elif what == "a benchmark":
        shutil.copytree(built.path, out)
    else:
        put(out / "notes.txt", b"precious")
    before = {path: (path.is_file() and path.read_bytes(), path.stat().st_mtime_ns) for path in [out, *out.rglob("*")]}
    with pytest.raises(InputError, match=r"out exists already. Choose another --out, or remove it first"):
        forgebench.build("folder", truths[0], out, workers=1)
    after = {path: (path.is_file() and path.read_bytes(), path.stat().st_mtime_ns) for path in [out, *out.rglob("*")]}
    assert after == before
    assert list(tmp_path.iterdir()) == [out]


def test_an_empty_folder_may_be_built_into(tmp_path, truths, built):
    (tmp_path / "out").mkdir()
    assert forgebench.build("folder", truths[0], tmp_path / "out", workers=1).content_hash == built.content_hash
