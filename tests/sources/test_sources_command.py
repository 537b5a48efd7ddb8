"""`forgebench sources` and `forgebench build --protocol`."""

from __future__ import annotations

import json

import lookalikes
import pytest
from lookalikes import put

from forgebench.cli import main
from forgebench.sources import SOURCES, source


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs the command; what it said on standard output."""

    def command(*arguments, code=0):
        monkeypatch.setattr("sys.argv", ["forgebench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == code
        return capsys.readouterr().out

    return command


def test_all_sources_are_listed(run):
    listed = run("sources")
    assert all(f" {name} " in listed for name in SOURCES)
    assert [card["name"] for card in json.loads(run("sources", "--json"))] == list(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_described(run, name):
    said, card = run("sources", name), source(name).card
    assert said.startswith(f"{card.title} ({card.year})")
    assert f"Licence: {card.licence}" in said
    assert f"Get it:  {card.get}" in said
    assert all(f"  {line}" in said for line in card.layout.splitlines())
    assert all(f"  {protocol}: " in said for protocol in card.protocols)
    assert f"Tested on {card.checked}." in said


def test_a_division_of_ones_own_by_the_command(run, tmp_path):
    lookalikes.coverage(tmp_path / "in")
    put(tmp_path / "own.csv", b"sample_id,split\n1,train\n1t,train\n2t,test\n")
    command = ("build", "coverage", "--from", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1)
    said = run(*command, "--protocol", tmp_path / "own.csv")
    assert "2 train" in said
    assert "Protocol own.csv (SHA-256 " in said
    put(tmp_path / "own.csv", b"sample_id,split\n1,train\n1t,test\n")
    command = ("build", "coverage", "--from", tmp_path / "in", "--out", tmp_path / "other", "--workers", 1)
    told = json.loads(run(*command, "--protocol", tmp_path / "own.csv", "--json", code=2))
    assert [problem["code"] for problem in told["problems"]] == ["leak"]
