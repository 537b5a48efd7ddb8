"""Where a benchmark may not be published, who may not, and what is not fit to be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import huggingface_hub
import pyarrow.parquet as pq
import pytest

import forgebench
from benchmark.hub import READS, STRANGER, WRITES
from benchmark.publishing import ALLOWED, PLACE, changes, files, published
from forgebench import ForgeBenchError, InputError, ProblemsError
from forgebench.benchmark import push

# The client hands files to its HTTP library by an argument that is on its way out there.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


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
    with pytest.raises(InputError, match="does not allow everyone to publish"):
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
    "a shard cut short": (lambda b: os.truncate(b.shards("test")[1], 999), "unreadable"),
    "a shard of no split": (lambda b: shutil.copy(b.shards("test")[0], b.path / "data/train-0.parquet"), "unknown"),
    "no card": (lambda b: (b.path / "README.md").unlink(), "missing"),
    "no croissant": (lambda b: (b.path / "croissant.json").unlink(), "missing"),
    "a card that shows the truth": (edited_card, "changed"),
    "a card without a head": (lambda b: (b.path / "README.md").write_text("# Mine\n"), "changed"),
    "a card that is no YAML": (lambda b: (b.path / "README.md").write_text("---\na: [\n---\n"), "changed"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_benchmark_that_is_not_what_was_built_is_refused(hub, changeable, fault):
    spoil, code = FAULTS[fault]
    spoil(changeable)
    with pytest.raises(ProblemsError, match="nothing was sent") as raised:
        push(changeable, PLACE)
    assert code in {problem.code for problem in raised.value.problems}
    assert changes(hub) == []
    assert hub.repos == {}


def test_a_card_may_be_written_on(hub, changeable):
    card = changeable.path / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("license: other", "license: cc0-1.0") + "\nMore of it.\n")
    push(changeable, PLACE)
    assert published(hub) == files(changeable)


def test_the_command_says_it_in_one_message_and_exits_with_2(bound):
    done = subprocess.run(
        [sys.executable, "-m", "forgebench", "push", str(bound.path), PLACE, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "does not allow everyone to publish" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
