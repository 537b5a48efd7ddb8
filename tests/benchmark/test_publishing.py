"""A benchmark on the Hugging Face Hub: the stock client against a stand-in of the Hub, over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import huggingface_hub
import lookalikes
import pyarrow.parquet as pq
import pytest

import forgebench
from benchmark.hub import OWNER, READS, STRANGER, WRITES, running
from forgebench import ForgeBenchError, InputError, ProblemsError
from forgebench.benchmark import open_benchmark, push, write
from forgebench.schema import LEVELS
from forgebench.sources import spec
from forgebench.sources.files import sha256

PLACE = f"{OWNER}/bench"
TEXTS = {"README.md", "croissant.json", "forgebench.json"}
ALLOWED = {"private": True, "i_have_the_rights": True}

# The client hands files to its HTTP library by an argument that is on its way out there.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    lookalikes.folder(root, n=6)
    return root


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


@pytest.fixture(scope="module")
def free(photos, tmp_path_factory):
    """Four shards of three samples; not to be changed."""
    return make(photos, tmp_path_factory.mktemp("free") / "bench")


@pytest.fixture(scope="module")
def bound(photos, tmp_path_factory):
    """The same, of images that must not be published; not to be changed."""
    return make(photos, tmp_path_factory.mktemp("bound") / "bench", free=False)


@pytest.fixture
def copied(free, tmp_path):
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


# --- what goes up -----------------------------------------------------------------------------------------------------


def test_the_benchmarks_own_files_go_up_byte_for_byte_in_one_commit(hub, copied):
    own = files(copied)
    assert len(own) == 7
    for stray in ("notes.txt", "data/test-00000-of-00001.json", "data/deeper/test-1.parquet", ".hidden/secret.txt"):
        lookalikes.put(copied.path / stray, b"not the benchmark's")
    done = push(copied, PLACE)
    assert published(hub) == own
    assert set(done.sent) == set(own)
    assert done.deleted == ()
    assert not hub.repos[PLACE].private
    assert not done.private
    assert done.url == f"{hub.url}/datasets/{PLACE}"
    assert list(hub.repos[PLACE].commits)[1:] == [done.commit], "one commit after the one that the Hub makes"
    assert len(hub.stored) == len(set(hub.stored)) == 4


def test_an_unchanged_benchmark_sends_nothing_and_makes_no_commit(hub, free):
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
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
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
    )
    run("-c", load, PLACE, str(tmp_path), *LEVELS)
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


# --- where it may not go ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [{}, {"private": True}, {"i_have_the_rights": True}])
def test_images_that_must_not_be_published_are_not(hub, bound, said):
    with pytest.raises(InputError, match="--private --i-have-the-rights") as raised:
        push(bound, PLACE, **said)
    assert bound.manifest.facts.licence in str(raised.value)
    assert hub.requests == []


def test_the_manifest_on_disk_says_whether_not_the_object_in_hand(hub, bound):
    facts = bound.manifest.facts.model_copy(update={"redistributable": True})
    edited = forgebench.Benchmark(bound.path, bound.manifest.model_copy(update={"facts": facts}))
    with pytest.raises(InputError, match="does not let anyone publish"):
        push(edited, PLACE)


def test_with_the_rights_they_go_into_a_private_repository(hub, bound, monkeypatch):
    done = push(bound, PLACE, **ALLOWED)
    assert done.private
    assert hub.repos[PLACE].private
    assert published(hub) == files(bound)
    assert push(bound, PLACE, **ALLOWED).sent == ()
    monkeypatch.setenv("HF_TOKEN", STRANGER)
    with pytest.raises(huggingface_hub.errors.RepositoryNotFoundError):
        huggingface_hub.HfApi().dataset_info(PLACE)


@pytest.mark.parametrize("held", [None, {}], ids=["the same benchmark", "nothing"])
def test_a_private_push_into_a_public_repository_is_refused(hub, bound, held):
    repo = hub.make(PLACE, files(bound) if held is None else held)
    before = dict(repo.commits)
    with pytest.raises(InputError, match=f"{PLACE} is public"):
        push(bound, PLACE, **ALLOWED)
    assert repo.commits == before
    assert changes(hub) == []


def test_a_repository_that_turns_out_public_gets_nothing(hub, bound):
    """Someone makes a public one between the look and the making."""
    hub.breaks = lambda method, path: hub.make(PLACE) and None if path == "/api/repos/create" else None
    with pytest.raises(ForgeBenchError, match="409"):
        push(bound, PLACE, **ALLOWED)
    assert published(hub) == {}


def test_what_is_public_by_right_may_stay_in_a_private_repository(hub, free):
    hub.make(PLACE, private=True)
    assert push(free, PLACE).private
    assert hub.repos[PLACE].private


OTHERS = {
    "data": ({"data/test-00000-of-00004.parquet": b"PAR1"}, "no benchmark, but other files"),
    "a stranger's manifest": ({"forgebench.json": b"{}"}, "no benchmark, but other files"),
    "no JSON": ({"forgebench.json": b"\xff"}, "no benchmark, but other files"),
    "another benchmark": ({"forgebench.json": b'{"facts": {"name": "casia-v1"}}'}, "the benchmark casia-v1"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_repository_with_other_content_is_left_alone(hub, free, other):
    held, words = OTHERS[other]
    repo = hub.make(PLACE, held)
    with pytest.raises(InputError, match=words):
        push(free, PLACE)
    assert published(hub) == held
    assert len(repo.commits) == 2
    assert changes(hub) == []


def test_a_repository_made_on_the_website_is_used(hub, free):
    hub.make(PLACE, {"README.md": b"---\nlicense: mit\n---\n"})
    push(free, PLACE)
    assert published(hub) == files(free)


@pytest.mark.parametrize("name", ["bench", "lab/bench/more", "lab/", "lab/b nch", "-/x", ""])
def test_a_name_that_the_hub_cannot_have_is_refused(hub, free, name):
    with pytest.raises(InputError, match="Expected OWNER/NAME"):
        push(free, name)
    assert hub.requests == []


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "exists", "words"),
    [
        (None, False, "There is no Hugging Face token here"),
        ("hf_wrong", False, "The Hub refused the token"),
        ("hf_wrong", True, "The Hub refused the token"),
        (READS, False, f"The token may not write to {PLACE}"),
        (READS, True, f"The token may not write to {PLACE}"),
        (STRANGER, False, f"The token may not write to {PLACE}"),
        (STRANGER, True, f"The token may not write to {PLACE}"),
    ],
)
def test_a_token_that_does_not_do_is_said_so(hub, free, monkeypatch, token, exists, words):
    if exists:
        hub.make(PLACE)
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(InputError, match=words) as raised:
        push(free, PLACE)
    assert "https://huggingface.co/settings/tokens" in str(raised.value)
    assert hub.stored == []
    assert (PLACE in hub.repos) == exists


def test_a_login_is_as_good_as_the_variable(hub, free, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(WRITES)
    push(free, PLACE)
    assert published(hub) == files(free)


# --- what is not sound ------------------------------------------------------------------------------------------------


def edited_row(benchmark):
    file = benchmark.shards("test")[0]
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[0]["label"] = 1 - rows[0]["label"]
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), file)


def edited_card(benchmark):
    card = benchmark.path / "README.md"
    text = card.read_text(encoding="utf-8")
    image = text.index("config_name: image")
    leak = text[:image] + text[image:].replace("  - sample_id\n", "  - sample_id\n  - mask\n", 1)
    assert leak != text
    card.write_text(leak, encoding="utf-8")


FAULTS = {
    "a changed label": (edited_row, "changed"),
    "a shard that is gone": (lambda b: b.shards("test")[2].unlink(), "missing"),
    "a shard cut short": (lambda b: b.shards("test")[1].write_bytes(b.shards("test")[1].read_bytes()[:-9]), "unreadable"),
    "a shard of no split": (lambda b: shutil.copy(b.shards("test")[0], b.path / "data/train-0.parquet"), "unknown"),
    "no card": (lambda b: (b.path / "README.md").unlink(), "missing"),
    "no croissant": (lambda b: (b.path / "croissant.json").unlink(), "missing"),
    "a card that shows the truth": (edited_card, "changed"),
    "a card without a head": (lambda b: (b.path / "README.md").write_text("# Mine\n"), "changed"),
    "a card that is no YAML": (lambda b: (b.path / "README.md").write_text("---\na: [\n---\n"), "changed"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_benchmark_that_is_not_what_was_built_is_refused(hub, copied, fault):
    spoil, code = FAULTS[fault]
    spoil(copied)
    with pytest.raises(ProblemsError, match="nothing was sent") as raised:
        push(copied, PLACE)
    assert code in {problem.code for problem in raised.value.problems}
    assert changes(hub) == []
    assert hub.repos == {}


def test_a_card_may_be_written_on(hub, copied):
    card = copied.path / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("license: other", "license: cc0-1.0") + "\nMore of it.\n")
    push(copied, PLACE)
    assert published(hub) == files(copied)


def test_the_command_says_it_in_one_message_and_exits_with_2(bound):
    done = subprocess.run(
        [sys.executable, "-m", "forgebench", "push", str(bound.path), PLACE, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "does not let anyone publish" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
