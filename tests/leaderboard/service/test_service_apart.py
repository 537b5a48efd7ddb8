"""Service and worker on machines of their own: they share a database and one store, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from people import Halves, Participant, new_participant, score_all, submission
from sqlalchemy import select

import forgebench
from forgebench import InputError
from leaderboard.service.board import Board, open_board
from leaderboard.service.keeping import kept_objects, problems
from leaderboard.service.keys import known_key, public_key, signing_key
from leaderboard.service.models import Result
from leaderboard.service.published import Published
from leaderboard.service.settings import Settings


@pytest.fixture
def apart(settings: Settings, database: str, tmp_path: Path) -> Iterator[tuple[Board, Board]]:
    """A service and a worker; the service has no way to the truth, to exact records, or to the key."""
    database = database or f"sqlite:///{tmp_path / 'shared.sqlite'}"
    shared = {"storage": f"file://{tmp_path / 'shared'}", "database": database}
    service = settings.model_copy(update={**shared, "data": tmp_path / "service", "private": None})
    worker = settings.model_copy(update={**shared, "data": tmp_path / "worker", "slices": ("region_size",)})
    boards = open_board(service), open_board(worker)
    yield boards
    for board in boards:
        board.database.engine.dispose()


def _files(folder: Path) -> set[bytes]:
    return {file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_service_serves_what_the_worker_made(
    apart: tuple[Board, Board], benchmarks: Halves, tmp_path: Path
) -> None:
    service, worker = apart
    ann = new_participant(service, "ann")
    assert ann.client.get("/board.pub").status_code == 404
    made = {
        name: ann.submit(submission(tmp_path / name, benchmarks.opened(name), 1), name)["id"]
        for name in ("plain", "secret")
    }
    assert ann.client.get("/", follow_redirects=False).headers["location"] == "/account/"
    score_all(worker)
    for name, one in made.items():
        assert ann.see(one)["state"] == "scored"
        (tmp_path / f"{name}.json").write_text(json.dumps(ann.record(one)))
    assert all(one in ann.client.get("/downloads/board.json").text for one in made.values())
    subsets = {metric["subset"] for metric in ann.record(made["secret"])["metrics"]}
    assert None in subsets
    assert {subset.partition("=")[0] for subset in subsets if subset} == {"region_size"}
    (tmp_path / "pub").write_bytes(ann.client.get("/board.pub").content)
    assert forgebench.verify(tmp_path / "secret.json", key=tmp_path / "pub") == []
    assert list(problems(worker)) == []

    assert not service.settings.key_file.exists()
    with worker.database.read() as session:
        hidden = session.scalars(select(Result).filter_by(submission_id=made["secret"])).one()
    for digest in (hidden.exact, hidden.per_image, hidden.sketch):
        exact = (worker.settings.data / "private-objects" / "objects" / digest[:2] / digest).read_bytes()
        assert exact not in _files(tmp_path / "shared") | _files(tmp_path / "service")


def test_workers_sign_with_one_key(apart: tuple[Board, Board], settings: Settings, tmp_path: Path) -> None:
    service, worker = apart
    other = open_board(worker.settings.model_copy(update={"data": tmp_path / "other"}))
    pem = public_key(worker.key)
    with pytest.raises(InputError, match=r"found none.*FORGEBENCH_BOARD_SIGNING_KEY"):
        _ = other.key
    assert not other.settings.key_file.exists()
    mistaken = open_board(other.settings.model_copy(update={"signing_key": signing_key(tmp_path / "mistaken.pem")}))
    with pytest.raises(InputError, match="found another"):
        _ = mistaken.key
    same = open_board(other.settings.model_copy(update={"signing_key": worker.settings.key_file}))
    assert public_key(same.key) == pem == new_participant(service, "ann").client.get("/board.pub").content
    for one in (other, mistaken, same):
        one.database.engine.dispose()


def test_the_last_site_stands_while_the_next_cannot_be_had(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaderboard.service.published._LOOK", 0.0)
    seen, sites = [], Published(lite)
    for seed in (1, 2, 3):
        lite_ann.submit(submission(tmp_path, benchmarks.opened("plain"), seed))
        score_all(lite)
        if seed == 2:  # lost before the service looks
            with lite.database.read() as session:
                site = kept_objects(session) - set(session.scalars(select(Result.shown)))
            for digest in site:
                lite.storage.remove(digest)
        seen.append(sites.folder())
    assert seen[0] == seen[1] != seen[2]
    assert seen[0] is not None
    assert (seen[0] / "index.html").is_file()  # for pages that were loaded a moment ago


def test_of_workers_that_start_at_once_one_has_the_key(apart: tuple[Board, Board], tmp_path: Path) -> None:
    """Each on a machine of its own, with nothing claimed yet."""
    _, worker = apart
    boards = [open_board(worker.settings.model_copy(update={"data": tmp_path / f"w{n}"})) for n in range(8)]
    with ThreadPoolExecutor(len(boards)) as pool:
        signing = [one for one in pool.map(_signs, boards) if one]
    assert len(signing) == 1
    assert [known_key(worker.database)] == [public_key(one.key).decode() for one in signing]
    for one in boards:
        one.database.engine.dispose()


def _signs(board: Board) -> Board | None:
    try:
        return board if board.key else None
    except InputError:
        return None
