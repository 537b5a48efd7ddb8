"""Objects and parts of uploads, in a folder and in a store that is none."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from leaderboard.service.storage import ChangedObjectError, Storage

DATA = b"predictions" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}/store" if request.param == "file" else f"memory://{uuid4().hex}"


@pytest.fixture
def storage(url: str) -> Storage:
    return Storage(url)


def _paths(url: str) -> list[str]:
    """What the store holds, as the store itself says."""
    filesystem, root = fsspec.core.url_to_fs(url)
    return sorted(path.removeprefix(root) for path in filesystem.find(root))


def _file(tmp_path: Path, data: bytes = DATA) -> Path:
    path = tmp_path / "in"
    path.write_bytes(data)
    return path


def test_an_object_comes_back_by_the_hash_of_what_it_holds(storage: Storage, url: str, tmp_path: Path) -> None:
    before = time.time()
    assert storage.put(_file(tmp_path)) == storage.put_bytes(DATA) == DIGEST
    assert storage.get(DIGEST, tmp_path / "out").read_bytes() == storage.get_bytes(DIGEST) == DATA
    ((digest, written),) = storage.objects()
    assert digest == DIGEST
    assert before - 2 < written < time.time() + 2
    assert _paths(url) == [f"/objects/{DIGEST[:2]}/{DIGEST}"]  # nothing is left of the way in
    storage.remove(DIGEST)
    storage.remove(DIGEST)
    assert list(storage.objects()) == []


def test_what_is_gone_or_changed_is_no_object(storage: Storage, url: str, tmp_path: Path) -> None:
    for get in (storage.get_bytes, lambda digest: storage.get(digest, tmp_path / "out")):
        with pytest.raises(ChangedObjectError, match="is gone"):
            get(DIGEST)
    storage.put_bytes(DATA)
    filesystem, root = fsspec.core.url_to_fs(url)
    filesystem.pipe_file(f"{root}/objects/{DIGEST[:2]}/{DIGEST}", b"other")
    for get in (storage.get_bytes, lambda digest: storage.get(digest, tmp_path / "out")):
        with pytest.raises(ChangedObjectError, match="was changed"):
            get(DIGEST)


def test_parts_become_a_file_again(storage: Storage, url: str, tmp_path: Path) -> None:
    assert storage.uploads() == set()
    for offset in (4096, 0, 8192):  # in whatever order
        storage.put_part("upload", offset, DATA[offset : min(offset + 4096, len(DATA))])
    storage.put_part("other", 0, b"x")
    storage.put_part("upload", 4096, DATA[4096:8192])  # sent twice
    assert storage.uploads() == {"upload", "other"}
    assert storage.join("upload", len(DATA), tmp_path / "whole") == DIGEST
    assert (tmp_path / "whole").read_bytes() == DATA
    storage.remove_parts("upload")
    storage.remove_parts("upload")
    assert storage.uploads() == {"other"}
    with pytest.raises(FileNotFoundError):
        storage.join("upload", len(DATA), tmp_path / "whole")


def test_only_what_is_old_and_not_kept_is_collected(storage: Storage, url: str) -> None:
    kept, lost = storage.put_bytes(b"kept"), storage.put_bytes(b"lost")
    filesystem, root = fsspec.core.url_to_fs(url)
    filesystem.makedirs(f"{root}/incoming", exist_ok=True)
    filesystem.pipe_file(f"{root}/incoming/half", b"half")
    assert storage.collect({kept}, older_than=60) == []
    assert storage.collect({kept}, older_than=-60) == [lost]
    assert _paths(url) == [f"/objects/{kept[:2]}/{kept}"]


def test_a_write_that_fails_leaves_nothing(
    storage: Storage, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem, _ = fsspec.core.url_to_fs(url)

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(type(filesystem), "mv", full)
    for put in (lambda: storage.put(_file(tmp_path)), lambda: storage.put_bytes(DATA)):
        with pytest.raises(OSError, match="No space"):
            put()
    assert _paths(url) == []
