"""A benchmark on the Hugging Face Hub: the stock client against a stand-in of the Hub, over real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import huggingface_hub
import lookalikes
import pyarrow.parquet as pq
import pytest

import forgebench
from benchmark.hub import WRITES
from benchmark.publishing import PLACE, changes, files, make, published
from forgebench import ForgeBenchError
from forgebench.benchmark import push
from forgebench.schema import LEVELS
from forgebench.sources.files import sha256

TEXTS = {"README.md", "croissant.json", "forgebench.json"}

# The client hands files to its HTTP library by an argument that is on its way out there.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


# --- what goes up -----------------------------------------------------------------------------------------------------


def test_the_benchmarks_own_files_go_up_byte_for_byte_in_one_commit(hub, changeable):
    own = files(changeable)
    assert len(own) == 7
    for stray in ("notes.txt", "data/test-00000-of-00001.json", "data/deeper/test-1.parquet", ".hidden/secret.txt"):
        lookalikes.put(changeable.path / stray, b"not the benchmark's")
    done = push(changeable, PLACE)
    assert published(hub) == own
    assert set(done.sent) == set(own)
    assert done.deleted == ()
    assert not hub.repos[PLACE].private
    assert not done.private
    assert done.url == f"{hub.url}/datasets/{PLACE}"
    assert list(hub.repos[PLACE].commits)[1:] == [done.commit], "one commit after the one that the Hub makes"
    assert len(hub.stored) == len(set(hub.stored)) == 4


@pytest.mark.parametrize("large", [10 * 2**20, 1000], ids=["as on the Hub", "its texts through LFS too"])
def test_an_unchanged_benchmark_sends_nothing_and_makes_no_commit(hub, free, monkeypatch, large):
    monkeypatch.setattr("benchmark.hub.LARGE", large)
    first = push(free, PLACE)
    hub.requests.clear()
    again = push(free.path, PLACE)
    assert changes(hub) == []
    assert len(hub.repos[PLACE].commits) == 2
    assert (again.sent, again.deleted, again.commit) == ((), (), first.commit)


def test_a_file_that_was_edited_on_the_hub_is_put_right_and_nothing_else_sent(hub, free):
    push(free, PLACE)
    repo = hub.repos[PLACE]
    repo.commit(repo.files | {"README.md": b"---\nlicense: mit\n---\n"})
    hub.stored.clear()
    assert push(free, PLACE).sent == ("README.md",)
    assert published(hub) == files(free)
    assert hub.stored == []


def test_shards_of_an_older_version_are_deleted_in_the_same_commit(hub, photos, free, tmp_path):
    push(free, PLACE)
    repo = hub.repos[PLACE]
    users = {"LICENSE": b"CC0", "data/notes.md": b"mine", "more/data/x.parquet": b"mine"}
    repo.commit(repo.files | users)
    new = make(photos, tmp_path / "bench", rows=4)
    before = len(repo.commits)
    done = push(new, PLACE)
    assert len(repo.commits) == before + 1
    assert set(done.deleted) == {name for name in files(free) if name.startswith("data/")}
    assert set(done.sent) == files(new).keys() - {n for n in TEXTS if files(new)[n] == files(free)[n]}
    assert published(hub) == files(new) | users


def test_every_level_loads_from_the_hub_as_it_was_built(hub, free, tmp_path):
    """The command and `datasets`, each in a process of its own, as people use them."""
    environment = os.environ | {
        "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home"),
        "HF_TOKEN": WRITES, "NO_PROXY": "127.0.0.1",
    }  # fmt: skip

    def run(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = json.loads(run("-m", "forgebench", "push", str(free.path), PLACE, "--json"))
    assert len(told["sent"]) == 7
    again = run("-m", "forgebench", "push", str(free.path), PLACE)
    assert "up to date, nothing was sent" in again
    assert f'load_dataset("{PLACE}", "pixel", split="test")' in again
    load = (
        "import sys, datasets, pyarrow.parquet as pq\n"
        "for level in sys.argv[3:]:\n"
        "    loaded = datasets.load_dataset(sys.argv[1], level, split='test')\n"
        "    pq.write_table(loaded.with_format('arrow')[:], f'{sys.argv[2]}/{level}.parquet')\n"
        "streamed = datasets.load_dataset(sys.argv[1], 'box', split='test', streaming=True)\n"
        "print(*(row['sample_id'] for row in streamed.select_columns(['sample_id', 'boxes'])))\n"
    )
    streamed = run("-c", load, PLACE, str(tmp_path), *LEVELS)
    assert streamed.split() == [row["sample_id"] for row in free.rows("test")]
    assert hub.ranges, 'streaming reads parts of files'
    for level, columns in LEVELS.items():
        rows = pq.read_table(tmp_path / f"{level}.parquet").to_pylist()
        assert rows == [{name: row[name] for name in columns} for row in free.rows("test")]
    down = huggingface_hub.snapshot_download(PLACE, repo_type="dataset", local_dir=tmp_path / "down")
    assert forgebench.verify(down) == []


def test_the_card_is_one_that_the_hub_can_read(hub, free):
    push(free, PLACE)
    data = huggingface_hub.DatasetCard(published(hub)["README.md"].decode()).data.to_dict()
    assert [config["config_name"] for config in data["configs"]] == list(LEVELS)
    assert [config["columns"] for config in data["configs"]] == [list(columns) for columns in LEVELS.values()]
    assert data["license"] == "other"
    assert hub.asked("POST", "validate-yaml")


# --- what breaks on the way -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", 500])
def test_an_upload_that_breaks_continues_where_it_was(hub, free, how):
    last = sorted(free.shards("test"))[-1]
    oid = sha256(last.read_bytes())
    hub.breaks = lambda method, path: how if method == "PUT" and oid in path else None
    with pytest.raises(ForgeBenchError, match="Push again: what has arrived already is not sent again") as raised:
        push(free, PLACE)
    assert f"data/{last.name}" in str(raised.value)
    assert len(hub.stored) == 3
    assert published(hub) == {}, "no half of a benchmark"
    hub.breaks = lambda method, path: None
    done = push(free, PLACE)
    assert hub.stored[3:] == [oid]
    assert published(hub) == files(free)
    assert set(done.sent) == set(files(free))


def test_a_stumble_is_no_failure(hub, free):
    met = set()

    def once(method, path):
        return "cut" if method == "PUT" and path not in met and not met.add(path) else None

    hub.breaks = once
    push(free, PLACE)
    assert published(hub) == files(free)
    assert len(hub.stored) == 4
    assert len(hub.asked("PUT")) == 8


@pytest.mark.parametrize("how", ["cut", 500, 503])
def test_a_commit_that_fails_leaves_nothing_to_send_again(hub, free, how):
    hub.breaks = lambda method, path: how if "/commit/" in path else None
    with pytest.raises(ForgeBenchError, match="Pushing to lab/bench failed"):
        push(free, PLACE)
    assert published(hub) == {}
    hub.breaks = lambda method, path: None
    push(free, PLACE)
    assert published(hub) == files(free)
    assert len(hub.asked("PUT")) == 4


def test_a_hub_that_is_down_is_said_so(hub, free):
    hub.breaks = lambda method, path: 503
    with pytest.raises(ForgeBenchError, match=r"Pushing to lab/bench failed.*503"):
        push(free, PLACE)


def test_what_someone_else_commits_meanwhile_is_not_overwritten(hub, free):
    push(free, PLACE)
    repo = hub.repos[PLACE]
    repo.commit(repo.files | {"README.md": b"---\nlicense: mit\n---\n"})

    def meanwhile(method, path):
        if path.endswith("/preupload/main"):
            repo.commit(repo.files | {"LICENSE": b"CC0"})

    hub.breaks = meanwhile
    with pytest.raises(ForgeBenchError, match="A commit has happened since"):
        push(free, PLACE)
    assert published(hub)["LICENSE"] == b"CC0"
    assert published(hub)["README.md"] != files(free)["README.md"]
    hub.breaks = lambda method, path: None
    push(free, PLACE)
    assert published(hub) == files(free) | {"LICENSE": b"CC0"}


def test_offline_is_said_so(hub, free, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ForgeBenchError, match="HF_HUB_OFFLINE"):
        push(free, PLACE)
