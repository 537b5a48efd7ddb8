"""`forgebench submit` against a real server: progress, a cut in the middle, a verdict."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from live import served
from people import Halves, Participant, predicted, submission
from typer.testing import CliRunner

import forgebench
from forgebench import InputError
from forgebench.cli import app
from leaderboard.service.board import Board
from leaderboard.service.storage import Storage


def test_a_cut_upload_goes_on_where_it_was(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store fails once: the command ends, and run again sends only what is missing."""
    whole = forgebench.write_submission(
        tmp_path / "folder", predicted(benchmarks.opened("plain")), benchmark=benchmarks.opened("plain"),
        method="by folder", supervision="image",
    )  # fmt: skip
    offsets, put = [], Storage.put_part
    sending = import_module("forgebench.submission.submit")

    def once_broken(self: Storage, upload: str, offset: int, data: bytes) -> None:
        offsets.append(offset)
        if offsets.count(offset) <= 2 and offset == 4096:
            raise OSError("No space left on device")
        put(self, upload, offset, data)

    monkeypatch.setattr(Storage, "put_part", once_broken)
    monkeypatch.setattr(sending, "_TRIES", 1)
    with served(lite, worker=False) as url:
        with pytest.raises(forgebench.ForgeBenchError, match="Run the same command again"):
            forgebench.submit(whole.path, to=url, token=lite_ann.token, wait=False)
        monkeypatch.setattr(sending, "_TRIES", 3)
        made = forgebench.submit(whole.path, to=url, token=lite_ann.token, wait=False)
        again = forgebench.submit(whole.path, to=url, token=lite_ann.token, wait=False)
    assert made["id"] == again["id"]
    assert offsets[:6] == [0, 2048, 4096, 4096, 4096, 6144]


def test_the_command_waits_for_the_verdict(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    bad, env = submission(tmp_path, benchmarks.opened("plain"), lose=1), {"FORGEBENCH_TOKEN": lite_ann.token}
    with served(lite) as url:
        said = CliRunner().invoke(app, ["submit", str(bad), "--to", url, "--json"], env=env)
    assert said.exit_code == 1, said.output
    assert json.loads(said.stdout)["problems"][0]["code"] == "missing_mask"


def test_a_token_is_not_sent_in_the_clear(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not https"):
        forgebench.submit(tmp_path, to="http://board.example", token="fbt_x")  # noqa: S106
    with pytest.raises(InputError, match="board's address"):
        forgebench.submit(tmp_path, to="file:///etc", token="fbt_x")  # noqa: S106
