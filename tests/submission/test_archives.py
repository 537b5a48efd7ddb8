"""Archives made to harm: refused by their directory before a byte is unpacked, and nothing is ever extracted."""

from __future__ import annotations

import stat
import struct
import tracemalloc
import zipfile
from zipfile import ZipInfo

import numpy as np
import pytest
import small

import forgebench


def _info(name, mode=0o644 | stat.S_IFREG, **fields):
    info = ZipInfo(name)
    info.external_attr = mode << 16
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def _with(scene, *more):
    return [*small.files(scene).items(), *more]


def _renamed(path, old, new):
    """Change names in the bytes of an archive, where zipfile itself would not write them."""
    data = path.read_bytes()
    assert len(old) == len(new)
    assert data.count(old) >= 2
    path.write_bytes(data.replace(old, new))
    return path


def _directory_field(path, name, offset, value):
    """Change a field of a member's entry in the central directory."""
    data = bytearray(path.read_bytes())
    place = data.rindex(name) - 46
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + offset : place + offset + len(value)] = value
    path.write_bytes(data)
    return path


def _plain(tmp_path, scene, *more):
    return small.write_zip(tmp_path / "s.zip", _with(scene, *more))


def _encrypted(tmp_path, scene):
    return _directory_field(_plain(tmp_path, scene), b"masks/tampered-a.png", 8, b"\x01\x00")


def _lzma(tmp_path, scene):
    path = _plain(tmp_path, scene)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(_info("README"), b"x" * 999, zipfile.ZIP_LZMA)
    return path


def _duplicate(tmp_path, scene):
    with pytest.warns(UserWarning, match="Duplicate name"):
        return _plain(tmp_path, scene, ("masks/tampered-a.png", b""))


UNSAFE = {
    "a member without a name": (
        "no name", lambda t, s: _renamed(_plain(t, s, ("zz.png_.exe", b"x")), b"zz.png_.exe", b"\0z.png_.exe")
    ),
    "up": ("leads out", lambda t, s: _plain(t, s, ("../evil.png", b"x"))),
    "up from masks": ("leads out", lambda t, s: _plain(t, s, ("masks/../../evil.png", b"x"))),
    "up and back to a known name": ("leads out", lambda t, s: _plain(t, s, ("masks/../submission.json", b"x"))),
    "up at the end": ("leads out", lambda t, s: _plain(t, s, ("masks/..", b"x"))),
    "absolute": ("leads out", lambda t, s: _plain(t, s, ("/evil/evil.png", b"x"))),
    "two slashes": ("leads out", lambda t, s: _plain(t, s, ("//host/evil.png", b"x"))),
    "backslash up": ("leads out", lambda t, s: _plain(t, s, ("..\\evil.png", b"x"))),
    "backslash absolute": ("leads out", lambda t, s: _plain(t, s, ("\\evil.png", b"x"))),
    "backslash for a slash": ("leads out", lambda t, s: _plain(t, s, ("masks\\evil.png", b"x"))),
    "drive letter": ("leads out", lambda t, s: _plain(t, s, ("C:/evil.png", b"x"))),
    "drive letter, relative": ("leads out", lambda t, s: _plain(t, s, ("C:evil.png", b"x"))),
    "other stream of a file": ("leads out", lambda t, s: _plain(t, s, ("masks/a.png:evil", b"x"))),
    "NUL in a name": (
        "leads out",
        lambda t, s: _renamed(_plain(t, s, ("masks/zz.png_.exe", b"x")), b"zz.png_.exe", b"zz.png\0.exe"),
    ),
    "symlink": (
        "a link", lambda t, s: _plain(t, s, (_info("masks/link.png", stat.S_IFLNK | 0o777), b"/etc/passwd"))
    ),
    "device": ("a link", lambda t, s: _plain(t, s, (_info("masks/dev.png", stat.S_IFCHR | 0o666), b""))),
    "named pipe": ("a link", lambda t, s: _plain(t, s, (_info("pipe", stat.S_IFIFO | 0o666), b""))),
    "twice": ("another member", _duplicate),
    "twice but for case": ("another member", lambda t, s: _plain(t, s, ("MASKS/Tampered-A.PNG", b"x"))),
    "manifest twice but for case": ("another member", lambda t, s: _plain(t, s, ("Submission.JSON", b"{}"))),
    "twice but for sharp s": (
        "another member", lambda t, s: _plain(t, s, ("masks/STRASSE.png", b""), ("masks/straße.png", b""))
    ),
    "encrypted": ("encrypted", _encrypted),
    "packed by LZMA": ("neither stored nor deflated", _lzma),
    "bomb of masks": ("unpack to 3145728", lambda t, s: _plain(t, s, ("masks/bomb.png", bytes(3 * 2**20)))),
    "bomb beside": ("unpack to 3145728", lambda t, s: _plain(t, s, ("README", bytes(3 * 2**20)))),
    "bomb of scores": (
        "unpack to",
        lambda t, s: small.write_zip(t / "s.zip", small.files(s) | {"predictions.csv": b"a,0.5\n" * 500_000}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_archive_is_refused_and_nothing_leaves_it(tmp_path, scene, name, monkeypatch):
    words, make = UNSAFE[name]
    (tmp_path / "work").mkdir()
    path = make(tmp_path, scene)
    monkeypatch.chdir(tmp_path / "work")
    before = sorted(tmp_path.rglob("*"))
    problems = forgebench.validate(path, scene.benchmark)
    assert {problem.code for problem in problems} == {"unsafe_archive"}
    assert words in problems[0].got
    assert all(str(problem).isprintable() for problem in problems)
    with pytest.raises(forgebench.ProblemsError, match="unsafe_archive"):
        forgebench.score(path, scene.benchmark, tmp_path / "work" / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_every_danger_is_reported_at_once(tmp_path, scene):
    path = _plain(tmp_path, scene, ("../a", b""), ("/b", b""), (_info("c", stat.S_IFLNK | 0o777), b"d"), ("e", b""))
    codes = [problem.code for problem in forgebench.validate(path, scene.benchmark)]
    assert codes == ["unexpected_file", "unsafe_archive", "unsafe_archive", "unsafe_archive"]


def test_a_folder_zipped_whole_is_told_so(tmp_path, scene):
    members = {f"my submission/{name}": data for name, data in small.files(scene).items()}
    problems = forgebench.validate(small.write_zip(tmp_path / "s.zip", members), scene.benchmark)
    (problem,) = [one for one in problems if one.code == "manifest"]
    assert problem.fix == "Zip what is in the folder, not the folder."
    assert {one.code for one in problems} == {"manifest", "unexpected_file"}


def test_folders_as_members_are_harmless(tmp_path, scene):
    path = _plain(tmp_path, scene, (_info("masks/", stat.S_IFDIR | 0o755), b""), ("__MACOSX/", b""))
    assert forgebench.validate(path, scene.benchmark) == []


def test_an_archive_from_a_system_without_modes_is_well(tmp_path, scene):
    members = [(_info(name, 0, create_system=0), data) for name, data in small.files(scene).items()]
    assert forgebench.validate(small.write_zip(tmp_path / "s.zip", members), scene.benchmark) == []


def test_a_mode_of_permissions_alone_is_well(tmp_path, scene):
    members = [(_info(name, 0o600), data) for name, data in small.files(scene).items()]
    assert forgebench.validate(small.write_zip(tmp_path / "s.zip", members), scene.benchmark) == []


BROKEN = {
    "empty": lambda data: b"",
    "text": lambda data: b"sample_id,score\n",
    "no directory": lambda data: data[:-22],
    "half": lambda data: data[: len(data) // 2],
    "the end alone": lambda data: data[-22:],
    "PK alone": lambda data: b"PK\x03\x04" + bytes(40),
    "a directory elsewhere": lambda data: data[:-6] + struct.pack("<I", 2**31) + data[-2:],
    "nothing in it": lambda data: b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_archive_that_cannot_be_read(tmp_path, scene, name):
    path = _plain(tmp_path, scene)
    path.write_bytes(BROKEN[name](path.read_bytes()))
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == ("manifest" if name in ("nothing in it", "a directory elsewhere") else "unreadable_archive")
    with pytest.raises(forgebench.ProblemsError):
        forgebench.score(path, scene.benchmark)


def test_a_member_that_is_damaged_concerns_its_sample_alone(tmp_path, scene):
    path = _plain(tmp_path, scene)
    data = bytearray(path.read_bytes())
    data[data.index(b"masks/tampered-a.png") + 100] ^= 1
    path.write_bytes(data)
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")
    assert forgebench.score(path, scene.benchmark).predictions.problems == {"undecodable": 1}


@pytest.mark.parametrize("member", ["submission.json", "predictions.csv"])
def test_a_damaged_manifest_or_table_is_told_so(tmp_path, scene, member):
    path = _plain(tmp_path, scene)
    _directory_field(path, member.encode(), 16, b"\0\0\0\0")
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert problem.code == "manifest"
    assert "CRC" in problem.got


def test_a_member_that_lies_about_its_size_is_read_no_further(tmp_path, scene):
    """2 MiB that the directory calls 400 bytes: the checksum of what it promised is wrong, and that is all."""
    noise = np.random.default_rng(0).integers(0, 256, 2**21, np.uint8).tobytes()
    path = small.write_zip(tmp_path / "s.zip", small.files(scene) | {"masks/tampered-a.png": noise})
    _directory_field(path, b"masks/tampered-a.png", 24, struct.pack("<I", 400))
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")


def test_a_member_that_promises_gigabytes_is_not_unpacked(tmp_path, scene):
    """More packed bytes than the ratio asks for are claimed too, so that the directory looks sound."""
    path = _plain(tmp_path, scene)
    name = b"masks/tampered-a.png"
    _directory_field(path, name, 20, struct.pack("<II", 2**30, 2**31))
    tracemalloc.start()
    (problem,) = forgebench.validate(path, scene.benchmark)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-a")
    assert "more than" in problem.got
    assert peak < 20_000_000


def test_overlapping_members_are_harmless(tmp_path, scene):
    """Fifield's bomb: many directory entries for the same packed bytes."""
    path = _plain(tmp_path, scene)
    data = path.read_bytes()
    place = data.rindex(b"masks/tampered-c.png") - 46
    offset = data[place + 42 : place + 46]
    _directory_field(path, b"masks/tampered-b.png", 42, offset)
    (problem,) = forgebench.validate(path, scene.benchmark)
    assert (problem.code, problem.sample_id) == ("undecodable", "tampered-b")
