"""Fifty clients upload and poll while a worker scores: `python -m perf.board [SECONDS]`.

Prints latencies, and what was lost.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import forgebench
from forgebench import controls
from leaderboard.service import auth
from leaderboard.service.board import open_board
from leaderboard.service.settings import Settings

CLIENTS, PORT = 50, 8765
_ROUNDS = 6
"""An upload each so many rounds of polling, a second apart."""


def prepare(data: Path) -> tuple[list[str], bytes, str]:
    """A benchmark of twelve small images, a token for each client, and a submission's bytes."""
    rng = np.random.default_rng(0)
    for kind in ("authentic", "tampered", "masks"):
        (data / "in" / kind).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (64, 64) if kind == "masks" else (64, 64, 3), np.uint8)
            Image.fromarray((pixels > 200) * np.uint8(255) if kind == "masks" else pixels).save(
                data / "in" / kind / f"{number}.png"
            )
    benchmark = forgebench.build("folder", data / "in", data / "board" / "benchmarks" / "plain", workers=1)
    file = forgebench.predict(controls.centre_box(), benchmark, data / "sub.zip").path
    board, tokens = open_board(Settings(data=data / "board")), []
    for number in range(CLIENTS):
        with board.database.begin() as session:
            account = auth.sign_up(session, auth.invite(session), f"client-{number}", f"Client {number}")
            tokens.append(auth.new_token(session, account, "load", auth.SCOPES, days=1)[1])
    return tokens, file.read_bytes(), benchmark.name


class Client(threading.Thread):
    """Uploads all the time, and polls in between."""

    def __init__(self, token: str, data: bytes, benchmark: str, until: float) -> None:
        super().__init__()
        self._token, self._data, self._benchmark, self._until = token, data, benchmark, until
        self.seconds: dict[str, list[float]] = {"page": [], "status": [], "upload": []}
        self.made: list[str] = []
        self.errors: list[str] = []

    def _ask(self, kind: str, method: str, path: str, body: bytes | None = None) -> Any:  # noqa: ANN401
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        self.seconds[kind].append(time.perf_counter() - began)
        if answer.status >= 400:
            self.errors.append(f"{answer.status} {path}")
        return json.loads(said) if said[:1] in (b"{", b"[") else None

    def run(self) -> None:
        """Until the time is over."""
        salt = 0
        while time.monotonic() < self._until:
            self._upload(salt)
            salt += 1
            for _ in range(_ROUNDS):
                self._ask("status", "GET", "/api/v1/submissions")
                self._ask("page", "GET", "/account/")
                time.sleep(1)

    def _upload(self, salt: int) -> None:
        data = self._data + salt.to_bytes(2)  # another file each time; a zip may end in other bytes' comment
        about = {
            "benchmark": self._benchmark, "suffix": ".zip", "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }  # fmt: skip
        at = self._ask("upload", "POST", "/api/v1/uploads", json.dumps(about).encode())
        while at["received"] < at["size"]:
            part = data[at["received"] : at["received"] + at["part_bytes"]]
            at = self._ask("upload", "PUT", f"/api/v1/uploads/{at['id']}?offset={at['received']}", part)
        made = self._ask("upload", "POST", "/api/v1/submissions", json.dumps({"upload": at["id"]}).encode())
        self.made.append(made["id"])


def main(seconds: float) -> None:
    """Load, and tell."""
    with tempfile.TemporaryDirectory() as name:
        tokens, data, benchmark = prepare(Path(name))
        command = [sys.executable, "-m", "leaderboard", "serve", "--port", str(PORT)]
        limits = {"FORGEBENCH_BOARD_PER_DAY": "1000", "FORGEBENCH_BOARD_PER_BENCHMARK": "1000"}
        environment = {**os.environ, **limits, "FORGEBENCH_BOARD_DATA": str(Path(name) / "board")}
        server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            time.sleep(10)
            until = time.monotonic() + seconds
            clients = [Client(token, data, benchmark, until) for token in tokens]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            seen = [one for client in clients for one in client._ask("status", "GET", "/api/v1/submissions")]
        finally:
            server.terminate()
            server.wait()
    for kind in ("page", "status", "upload"):
        every = np.array([one for client in clients for one in client.seconds[kind]])
        print(f"{kind}: {len(every)} requests, median {np.median(every):.3f} s, p95 {np.quantile(every, 0.95):.3f} s")
    made, errors = sum(len(client.made) for client in clients), [one for client in clients for one in client.errors]
    states = dict(Counter(one["state"] for one in seen))
    print(f"{made} submissions made, {len(seen)} listed {states}, {len(errors)} errors {errors[:3]}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 120)
