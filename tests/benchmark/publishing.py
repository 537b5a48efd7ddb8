"""What is published in tests, where, by whom: benchmarks, a hub to talk to, and what to ask of it."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import huggingface_hub
import lookalikes
import pytest

import forgebench
from benchmark.hub import OWNER, WRITES, running
from forgebench.benchmark import open_benchmark, write
from forgebench.sources import spec

PLACE = f"{OWNER}/bench"
ALLOWED = {"private": True, "i_have_the_rights": True}


def make(photos, out, *, free=True, rows=3):
    """A benchmark in shards of so many rows, of images that anyone may publish or not."""
    cards = out.parent / "cards"
    cards.mkdir(parents=True, exist_ok=True)
    card = (spec.cards_folder() / "folder.md").read_text(encoding="utf-8")
    assert "redistributable: false" in card
    (cards / "folder.md").write_text(card.replace("redistributable: false", f"redistributable: {str(free).lower()}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "SHARD_ROWS", rows)
        patch.setattr(spec, "cards_folder", lambda: cards)
        return forgebench.build("folder", photos, out, workers=1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    lookalikes.folder(root, n=6)
    return root


@pytest.fixture(scope="session")
def free(photos, tmp_path_factory):
    """Four shards of three samples; not to be changed."""
    return make(photos, tmp_path_factory.mktemp("free") / "bench")


@pytest.fixture(scope="session")
def bound(photos, tmp_path_factory):
    """The same, of images that must not be published; not to be changed."""
    return make(photos, tmp_path_factory.mktemp("bound") / "bench", free=False)


@pytest.fixture
def changeable(free, tmp_path):
    """A copy that may be changed."""
    return open_benchmark(shutil.copytree(free.path, tmp_path / "copy" / "bench"))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that this process talks to, with a token that may write; the client does not wait before it tries again."""
    with running() as hub:
        constants = huggingface_hub.constants
        for name, value in {
            "ENDPOINT": hub.url, "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True,
            "HF_HUB_CACHE": str(tmp_path / "hf"), "HF_TOKEN_PATH": str(tmp_path / "token"),
        }.items():  # fmt: skip
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None))
        monkeypatch.setenv("HF_TOKEN", WRITES)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        huggingface_hub.close_session()
        yield hub
        huggingface_hub.close_session()


def files(benchmark):
    """The benchmark's files by name."""
    return {str(file.relative_to(benchmark.path)): file.read_bytes() for file in benchmark.path.rglob("*.*")}


def published(hub, place=PLACE):
    """What a repository holds, without what the Hub itself put there."""
    return {name: data for name, data in hub.repos[place].files.items() if name != ".gitattributes"}


def changes(hub):
    """What was asked of the hub that could change something."""
    return [request for request in hub.requests if request[0] not in {"GET", "HEAD"}]
