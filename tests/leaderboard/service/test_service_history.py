"""What was scored before a rescoring stays within reach."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from fastapi.testclient import TestClient
from people import Halves, Participant, new_participant, score_all, submission

import forgebench
from leaderboard.service import admin
from leaderboard.service.app import make_app
from leaderboard.service.board import Board
from leaderboard.service.keys import public_key


def test_earlier_results_are_listed_and_their_records_verify(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))["id"]
    where = f"/submissions/{made}/results"
    assert lite_ann.ask("GET", where).json() == []
    score_all(lite)
    with lite.database.begin() as session:
        admin.rescore_all(session, None, "trufor added <b>")
    score_all(replace(lite, settings=lite.settings.model_copy(update={"definitions": ("forgebench", "trufor")})))

    newest, first = lite_ann.ask("GET", where).json()
    assert (newest["number"], newest["reason"]) == (2, "trufor added <b>")
    assert (first["number"], first["reason"]) == (1, "")
    assert first["created"] < newest["created"]
    (tmp_path / "pub").write_bytes(public_key(lite.key))
    told = {}
    for one in (newest, first):
        data = lite_ann.ask("GET", f"{where}/{one['number']}/record").content
        assert hashlib.sha256(data).hexdigest() == one["record_sha256"]
        folder = tmp_path / str(one["number"])
        folder.mkdir()
        (folder / "record.json").write_bytes(data)
        found = forgebench.verify(folder, key=tmp_path / "pub")
        assert [problem.code for problem in found] == ["per_image"]
        told[one["number"]] = data
    assert told[2] == lite_ann.ask("GET", f"/submissions/{made}/record").content
    assert [list(json.loads(told[n])["definitions"]) for n in (1, 2)] == [["forgebench"], ["forgebench", "trufor"]]

    browser = TestClient(make_app(lite), base_url="http://127.0.0.1:8000")
    browser.post("/account/sign-in", data={"token": lite_ann.token})
    page = browser.get(f"/account/submissions/{made}").text
    assert f"/api/v1{where}/1/record" in page
    assert f"/api/v1{where}/2/record" not in page
    assert browser.get(f"/api/v1{where}/1/record").content == told[1]

    assert "trufor added &lt;b&gt;" in browser.get(f"/entries/{made}/index.html").text
    assert browser.get(f"/entries/{made}/earlier/1/record.json").content == told[1]
    first_table = browser.get(f"/entries/{made}/earlier/1/per_image.parquet").content
    for name, data in (("record.json", told[1]), ("per_image.parquet", first_table)):
        (tmp_path / "1" / name).write_bytes(data)
    assert forgebench.verify(tmp_path / "1", key=tmp_path / "pub") == []


def test_there_is_no_other_result_and_no_other_reader(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    made = lite_ann.submit(submission(tmp_path, benchmarks.opened("plain")))["id"]
    score_all(lite)
    bob = new_participant(lite, "bob")
    where = f"/submissions/{made}/results"
    assert lite_ann.ask("GET", f"{where}/1/record").status_code == 200
    assert lite_ann.ask("GET", f"{where}/2/record").status_code == 404
    assert lite_ann.ask("GET", f"{where}/0/record").status_code == 422
    assert [bob.ask("GET", one).status_code for one in (where, f"{where}/1/record")] == [404, 404]
