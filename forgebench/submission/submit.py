"""Send a submission to a board: part by part, continued after a cut, then watched."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from forgebench import engine
from forgebench.errors import ForgeBenchError, InputError, ProblemsError
from forgebench.submission.opened import open_submission

FINAL = ("scored", "invalid", "failed", "withdrawn")
"""States of a submission that stay."""
_TRIES, _PAUSE, _TIMEOUT = 8, 0.5, 60.0
_LOCAL = ("127.0.0.1", "::1", "localhost")


class _CutError(Exception):
    """The board could not be reached, or was busy: worth another try."""


@dataclass(frozen=True)
class _Board:
    url: str
    token: str

    def ask(self, method: str, path: str, body: dict[str, Any] | bytes | None = None) -> dict[str, Any]:
        """One request, tried again after a cut.

        Raises:
            InputError: If the board refuses it.
            ForgeBenchError: If the board cannot be reached.
        """
        for attempt in range(_TRIES):
            try:
                return self._once(method, path, body)
            except _CutError as error:
                cut = error
                time.sleep(_PAUSE * 2**attempt if attempt < _TRIES - 1 else 0)
        raise ForgeBenchError(
            f"{self.url} cannot be reached: {cut}. Run the same command again: what has arrived is not sent again."
        )

    def _once(self, method: str, path: str, body: dict[str, Any] | bytes | None) -> dict[str, Any]:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {
            "Authorization": f"Bearer {self.token}", "Accept": "application/json",
            "Content-Type": "application/octet-stream" if isinstance(body, bytes) else "application/json",
        }  # fmt: skip
        try:
            connection.request(method, f"{parts.path.rstrip('/')}/api/v1{path}", data, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise _CutError(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        return _understood(answer.status, said)


def _understood(status: int, said: bytes) -> dict[str, Any]:
    try:
        document = json.loads(said)
    except ValueError as error:
        raise _CutError(f"status {status} and no JSON") from error
    if status >= 500:
        raise _CutError(f"status {status}")
    if status >= 400:
        detail = document.get("detail") if isinstance(document, dict) else None
        raise InputError(f"The board refused it ({status}): {detail or 'it does not say why'}")
    return dict(document)


def submit(
    submission: str | Path, *, to: str, token: str, partial: bool = False, calibration: str | None = None,
    wait: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Upload a submission to a board and, unless told not to, wait for its verdict.

    After a cut the same call goes on where the board stands; it makes no second submission of the same file.

    Args:
        submission: A folder, a .zip or a .parquet file.
        to: The board's address; https unless it is this machine.
        token: A personal token of the board, with the scope `submit`; `read` too, to wait.
        partial: Whether to score it although samples are missing or wrong; they get the worst value.
        calibration: Id of an earlier submission of yours on another split, where thresholds are frozen.
        wait: Whether to wait until it is scored or found invalid.

    Returns:
        What the board says of the submission: `id`, `state`, `problems`, …

    Raises:
        NotFoundError: If there is no such submission.
        InputError: If it cannot be read, or the board refuses it.
        ForgeBenchError: If the board cannot be reached.
    """
    board, path = _Board(_checked(to), token), Path(submission)
    opened, problems = open_submission(path)
    if opened is None:
        raise ProblemsError(f"{path} cannot be submitted:", problems)
    with _one_file(path) as file:
        upload = _upload(board, file, opened.manifest.benchmark)
    made = board.ask("POST", "/submissions", {"upload": upload, "partial": partial, "calibration": calibration})
    while wait and made["state"] not in FINAL:
        time.sleep(_PAUSE)
        made = board.ask("GET", f"/submissions/{made['id']}")
    return made


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"Expected a board's address such as https://board.example, got {url!r}.")
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise InputError(f"{url} is not https: the token could be read on the way.")
    return url


@contextmanager
def _one_file(path: Path) -> Iterator[Path]:
    """The submission as one file; a folder becomes the same zip every time, so that an upload can be continued."""
    if path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="forgebench-submit-") as folder:
        whole = Path(folder) / "submission.zip"
        with zipfile.ZipFile(whole, "w") as archive:
            for file in sorted(one for one in path.rglob("*") if one.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(path).as_posix())
                entry.compress_type = zipfile.ZIP_STORED if file.suffix == ".png" else zipfile.ZIP_DEFLATED
                with file.open("rb") as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target)
        yield whole


def _upload(board: _Board, file: Path, benchmark: str) -> str:
    """Send what the board has not; the upload's id comes back."""
    with file.open("rb") as data:
        digest, size = hashlib.file_digest(data, "sha256").hexdigest(), file.stat().st_size
    wanted = {"benchmark": benchmark, "suffix": file.suffix.lower(), "sha256": digest, "size": size}
    at = board.ask("POST", "/uploads", wanted)
    left = -(-(size - at["received"]) // at["part_bytes"])
    for _ in engine.with_progress(_parts(board, file, at), left, "uploading"):
        pass
    return str(at["id"])


def _parts(board: _Board, file: Path, at: dict[str, Any]) -> Iterator[int]:
    """Send part after part; where a part's answer was lost, the board says where it stands."""
    with file.open("rb") as data:
        while at["received"] < at["size"]:
            data.seek(at["received"])
            part, query = data.read(at["part_bytes"]), urlencode({"offset": at["received"]})
            try:
                at = board.ask("PUT", f"/uploads/{at['id']}?{query}", part)
            except InputError:
                stands = board.ask("GET", f"/uploads/{at['id']}")
                if stands["received"] == at["received"]:
                    raise
                at = stands
            yield at["received"]
