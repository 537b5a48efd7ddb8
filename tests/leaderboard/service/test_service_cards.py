"""The site's page of a benchmark whose truth is hidden: its card is there, and nothing of the truth."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from people import Halves, new_participant, score_all, submission

import forgebench
from leaderboard.service.board import Board


@pytest.fixture
def halves(benchmarks: Halves, tmp_path: Path) -> Halves:
    """Copies, to lay audits in."""
    public = shutil.copytree(benchmarks.public, tmp_path / "public")
    return Halves(public, benchmarks.private)


def _site(board: Board, halves: Halves, tmp_path: Path) -> dict[str, bytes]:
    """Every file of the site, after one entry was scored on the hidden truth."""
    own = replace(board, settings=board.settings.model_copy(update={"public": halves.public}))
    ann = new_participant(own, "ann")
    ann.submit(submission(tmp_path, halves.opened("secret")), "secret")
    score_all(own)
    assert ann.client.get("/").status_code == 200
    (page,) = board.settings.data.rglob("downloads.html")
    return {str(one.relative_to(page.parent)): one.read_bytes() for one in page.parent.rglob("*") if one.is_file()}


def _page(site: dict[str, bytes]) -> str:
    (found,) = (data.decode() for name, data in site.items() if name.startswith("benchmarks/"))
    return found


def _secrets(halves: Halves) -> Iterator[str]:
    """What follows from the private half's rows, and could be told."""
    private = forgebench.open_benchmark(halves.private / "secret")
    hidden = json.loads((private.path / "hidden.json").read_text())
    yield hidden["key"]
    yield from private.manifest.rows.values()
    for row in private.rows("test", ["sample_id", "group", "mask"]):
        yield from (row["sample_id"], row["group"])
        if row["mask"] is not None:
            data = row["mask"]["bytes"] if isinstance(row["mask"], dict) else row["mask"]
            yield hashlib.sha256(data).hexdigest()


def test_the_card_is_there_and_nothing_of_the_truth(lite: Board, halves: Halves, tmp_path: Path) -> None:
    site = _site(lite, halves, tmp_path)
    page = _page(site)
    assert "The benchmark itself was not at hand" not in page
    assert "<dt>Truth</dt><dd>hidden</dd>" in page
    assert "<h2>Hidden truth</h2>" in page  # of the public half's prose
    assert halves.opened("secret").manifest.facts.licence in page
    found = list(_secrets(halves))
    assert len(found) > 30
    everything = b"\n".join(site.values()).decode(errors="replace")
    assert [one for one in found if one in everything] == []


def test_an_audit_of_the_public_half_is_shown(lite: Board, halves: Halves, tmp_path: Path) -> None:
    made = forgebench.audit(halves.public / "secret", workers=1, resamples=50)
    (halves.public / "secret" / "audit.json").write_text(made.model_dump_json())
    page = _page(_site(lite, halves, tmp_path))
    assert "No image is there twice, or nearly so" in page


def test_an_audit_of_the_private_half_is_not(lite: Board, halves: Halves, tmp_path: Path) -> None:
    made = forgebench.audit(halves.private / "secret", workers=1, resamples=50)
    assert made.benchmarks[0].content_hash == halves.opened("secret").content_hash
    (halves.public / "secret" / "audit.json").write_text(made.model_dump_json())
    page = _page(_site(lite, halves, tmp_path))
    assert "No audit lies beside it" in page
    assert "No image is there twice" not in page
