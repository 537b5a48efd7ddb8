"""Small benchmarks, participants who talk to the application, and submissions to send."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

import forgebench
from forgebench import Benchmark, Prediction
from leaderboard.service import auth
from leaderboard.service.app import make_app
from leaderboard.service.board import Board
from leaderboard.service.worker import work_once

SIZE = (24, 32)


class Halves(NamedTuple):
    """Folders as a board's settings name them."""

    public: Path
    private: Path

    def opened(self, name: str) -> Benchmark:
        return forgebench.open_benchmark(self.public / name)


def make_benchmarks(root: Path) -> Halves:
    """`plain` shows its truth; `secret` hides it."""
    (root / "public").mkdir()
    for name in ("plain", "secret"):
        whole = forgebench.build("folder", _images(root / "in" / name), root / "built" / name, workers=1)
        if name == "plain":
            whole.path.rename(root / "public" / name)
        else:
            forgebench.hide(whole, public=root / "public" / name, private=root / "private" / name, workers=1)
    return Halves(root / "public", root / "private")


def _images(folder: Path) -> Path:
    rng = np.random.default_rng(len(folder.name))
    for label, count in (("tampered", 6), ("authentic", 5)):
        for number in range(count):
            _save(folder / label / f"{number}.png", rng.integers(0, 256, (*SIZE, 3), np.uint8))
            if label == "tampered":
                mask = np.zeros(SIZE, np.uint8)
                mask[4 : 10 + number, 5:20] = 255
                _save(folder / "masks" / f"{number}.png", mask)
    return folder


def _save(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def predicted(benchmark: Benchmark, seed: int = 0) -> list[Prediction]:
    rng = np.random.default_rng(seed)
    ids = [row["sample_id"] for row in benchmark.rows("test", ["sample_id"])]
    return [Prediction(one, float(rng.random()), rng.integers(0, 256, SIZE, np.uint8)) for one in ids]


def submission(folder: Path, benchmark: Benchmark, seed: int = 0, *, lose: int = 0, **about: Any) -> Path:
    """A zip of noise; of the first samples, `lose` have no prediction."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sub-{seed}-{lose}-{len(about)}.zip"
    about = {"method": f"noise {seed}", "supervision": "pixel", **about}
    whole = forgebench.write_submission(path, predicted(benchmark, seed), benchmark=benchmark, **about)
    return _without(whole.path, lose) if lose else whole.path


def _without(path: Path, lose: int) -> Path:
    import zipfile

    spoilt = path.with_name(f"lost-{path.name}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(spoilt, "w") as new:
        masks = [name for name in old.namelist() if name.startswith("masks/")][:lose]
        for name in old.namelist():
            if name not in masks:
                new.writestr(name, old.read(name))
    return spoilt


@dataclass
class Participant:
    """Somebody with an account and a client."""

    name: str
    token: str
    client: TestClient

    def ask(self, method: str, path: str, **how: Any) -> Any:
        return self.client.request(method, f"/api/v1{path}", headers={"authorization": f"Bearer {self.token}"}, **how)

    def upload(self, file: Path, benchmark: str = "plain", *, parts: int | None = None) -> dict[str, Any]:
        """Send a file, or its first parts."""
        data = file.read_bytes()
        about = {
            "benchmark": benchmark, "suffix": file.suffix, "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }  # fmt: skip
        answer = self.ask("POST", "/uploads", json=about)
        assert answer.status_code == 201, answer.text
        at, sent = answer.json(), 0
        while at["received"] < at["size"] and sent != parts:
            part = data[at["received"] : at["received"] + at["part_bytes"]]
            answer = self.ask("PUT", f"/uploads/{at['id']}?offset={at['received']}", content=part)
            assert answer.status_code == 200, answer.text
            at, sent = answer.json(), sent + 1
        return at

    def submit(self, file: Path, benchmark: str = "plain", **terms: Any) -> dict[str, Any]:
        upload = self.upload(file, benchmark)
        answer = self.ask("POST", "/submissions", json={"upload": upload["id"], **terms})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def see(self, submission_id: str) -> dict[str, Any]:
        return self.ask("GET", f"/submissions/{submission_id}").json()

    def record(self, submission_id: str) -> dict[str, Any]:
        return json.loads(self.ask("GET", f"/submissions/{submission_id}/record").content)


def new_participant(board: Board, name: str, scopes: tuple[str, ...] = auth.SCOPES) -> Participant:
    with board.database.begin() as session:
        account = auth.sign_up(session, auth.invite(session), name, name.title())
        _, token = auth.new_token(session, account, "test", scopes, days=1)
    return Participant(name, token, TestClient(make_app(board), base_url="http://127.0.0.1:8000"))


def environment_of(board: Board) -> dict[str, str]:
    """The environment that says how this board runs."""
    settings = board.settings.model_dump(mode="json", exclude_none=True)
    said = {name: one if isinstance(one, str) else json.dumps(one) for name, one in settings.items()}
    return {**os.environ, **{f"FORGEBENCH_BOARD_{name.upper()}": one for name, one in said.items()}}


def run_command(board: Board, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m leaderboard …`, on this board."""
    command = [sys.executable, "-m", "leaderboard", *words]
    return subprocess.run(command, env=environment_of(board), capture_output=True, text=True, check=False)


def score_all(board: Board) -> None:
    """Work until nothing is left."""
    while work_once(board):
        pass
