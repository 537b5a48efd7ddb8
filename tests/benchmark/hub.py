"""A small stand-in of the Hugging Face Hub's HTTP API, for the stock client over real HTTP on loopback.

Data sets only; files go through git or, where they are Parquet or large, through LFS; Xet storage is not offered.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

OWNER = "lab"
WRITES, READS, STRANGER = "hf_writes", "hf_reads", "hf_stranger"
_MAY_WRITE = {WRITES: {OWNER}, READS: set(), STRANGER: {"elsewhere"}}
_GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
LARGE = 10 * 2**20

Files = dict[str, bytes]
Break = Callable[[str, str], "int | str | None"]
"""From a request's method and path: a status to fail with, `cut` to close the connection half-way, or None."""


@dataclass
class Repo:
    """A data set's repository: one branch."""

    private: bool
    commits: dict[str, Files] = field(default_factory=dict)
    """All versions, the head last."""

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    @property
    def files(self) -> Files:
        return self.commits[self.head]

    def commit(self, files: Files) -> str:
        oid = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode(), usedforsecurity=False).hexdigest()
        self.commits[oid] = files
        return oid


class Hub:
    """The server's state, and what was asked of it."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        """LFS objects by SHA-256."""
        self.requests: list[tuple[str, str]] = []
        """Method and path of each, in order."""
        self.stored: list[str] = []
        """The LFS objects that arrived whole, in order."""
        self.ranges: list[str] = []
        """The parts of files that were asked for."""
        self.breaks: Break = lambda method, path: None
        self.url = ""

    def asked(self, method: str, part: str = "") -> list[str]:
        """The paths that were asked for by this method."""
        return [path for used, path in self.requests if used == method and part in path]

    def make(self, hub_id: str, files: Files | None = None, *, private: bool = False) -> Repo:
        """A repository as the Hub makes it, with a first commit; then one with these files."""
        repo = self.repos[hub_id] = Repo(private)
        repo.commit({".gitattributes": _GITATTRIBUTES})
        if files:
            repo.commit(repo.files | files)
        return repo


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that listens on loopback."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_lfs(path: str, size: int) -> bool:
    return path.endswith(".parquet") or size > LARGE


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Error(Exception):
    def __init__(self, status: int, message: str, code: str = "") -> None:
        self.status, self.message, self.code = status, message, code


_NOT_FOUND = _Error(404, "Repository not found", "RepoNotFound")
_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
_ROUTES = {
    ("POST", r"/api/repos/create"): "create",
    ("POST", r"/api/validate-yaml"): "validate",
    ("GET", rf"/api/datasets/{_REPO}(/revision/(?P<rev>[^/]+))?"): "info",
    ("GET", rf"/api/datasets/{_REPO}/tree/(?P<rev>[^/]+)(/(?P<path>.+))?"): "tree",
    ("POST", rf"/api/datasets/{_REPO}/preupload/main"): "preupload",
    ("POST", rf"/datasets/{_REPO}\.git/info/lfs/objects/batch"): "batch",
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})"): "store",
    ("POST", r"/lfs/(?P<oid>[0-9a-f]{64})/verify"): "check",
    ("POST", rf"/api/datasets/{_REPO}/commit/main"): "commit",
    ("GET", rf"/datasets/{_REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)"): "resolve",
}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        length = int(self.headers.get("Content-Length", 0))
        breaks = self.hub.breaks(self.command, path)
        if breaks == "cut":
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        self.body = self.rfile.read(length)
        try:
            if breaks:
                raise _Error(int(breaks), "Something broke")
            self._route(path)
        except _Error as error:
            headers = {"X-Error-Message": error.message} | ({"X-Error-Code": error.code} if error.code else {})
            self._say({"error": error.message}, error.status, headers)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _route(self, path: str) -> None:
        for (method, pattern), name in _ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and method == ("GET" if self.command == "HEAD" else self.command):
                getattr(self, name)(**found.groupdict())
                return
        raise _Error(404, f"No such address: {path}")

    def _say(self, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(document).encode(), status, {"Content-Type": "application/json"} | (headers or {}))

    def _send(self, data: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    # --- who may do what ---

    @property
    def _token(self) -> str | None:
        given = self.headers.get("Authorization")
        token = given.removeprefix("Bearer ") if given else None
        if token is not None and token not in _MAY_WRITE:
            raise _Error(401, "Invalid credentials in Authorization header")
        return token

    def _check_writes(self, hub_id: str) -> None:
        if hub_id.split("/")[0] not in _MAY_WRITE.get(self._token or "", set()):
            raise _Error(403, f"You don't have the rights to write to {hub_id}")

    def _readable(self, hub_id: str) -> Repo:
        repo, token = self.hub.repos.get(hub_id), self._token
        if repo is None or (repo.private and token not in (WRITES, READS)):
            raise _NOT_FOUND if token else _Error(401, "Repository not found", "RepoNotFound")
        return repo

    def _writable(self, hub_id: str) -> Repo:
        repo = self._readable(hub_id)
        self._check_writes(hub_id)
        return repo

    def _version(self, repo: Repo, revision: str | None) -> tuple[str, Files]:
        oid = repo.head if revision in (None, "main") else str(revision)
        if oid not in repo.commits:
            raise _Error(404, "No such revision", "RevisionNotFound")
        return oid, repo.commits[oid]

    # --- answers ---

    def create(self) -> None:
        told = json.loads(self.body)
        hub_id = f"{told['organization']}/{told['name']}"
        self._check_writes(hub_id)
        if hub_id in self.hub.repos:
            raise _Error(409, "You already created this dataset repo")
        assert told["type"] == "dataset"
        self.hub.make(hub_id, private=told["visibility"] == "private")
        self._say({"url": f"{self.hub.url}/datasets/{hub_id}"})

    def validate(self) -> None:
        content = json.loads(self.body)["content"]
        try:
            assert isinstance(yaml.safe_load(content.split("---\n")[1]), dict)
        except (AssertionError, IndexError, yaml.YAMLError) as error:
            self._say({"errors": [{"message": f"{error}"}], "warnings": []}, 400)
        else:
            self._say({"errors": [], "warnings": []})

    def info(self, repo: str, rev: str | None) -> None:
        found = self._readable(repo)
        oid, files = self._version(found, rev)
        siblings = [{"rfilename": path} | _blob(path, data, "blobId", "sha256") for path, data in files.items()]
        self._say({"id": repo, "sha": oid, "private": found.private, "siblings": siblings, "tags": []})

    def tree(self, repo: str, rev: str, path: str | None) -> None:
        _, files = self._version(self._readable(repo), rev)
        inside = {name: data for name, data in files.items() if path is None or name.startswith(f"{path}/")}
        folders = {name.rpartition("/")[0] for name in inside} - {"", path}
        if not inside:
            raise _Error(404, f"{path} does not exist", "EntryNotFound")
        self._say(
            [{"type": "directory", "path": folder, "oid": "0" * 40} for folder in sorted(folders)]
            + [{"type": "file", "path": name} | _blob(name, data, "oid", "oid") for name, data in inside.items()]
        )

    def preupload(self, repo: str) -> None:
        files = self._writable(repo).files
        answers = []
        for file in json.loads(self.body)["files"]:
            lfs, data = is_lfs(file["path"], file["size"]), files.get(file["path"])
            oid = None if data is None else (_sha256 if lfs else git_oid)(data)
            mode = "lfs" if lfs else "regular"
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._say({"files": answers})

    def batch(self, repo: str) -> None:
        self._writable(repo)
        objects = []
        for asked in json.loads(self.body)["objects"]:
            url = f"{self.hub.url}/lfs/{asked['oid']}"
            actions = {"actions": {"upload": {"href": url}, "verify": {"href": f"{url}/verify"}}}
            objects.append(asked | ({} if asked["oid"] in self.hub.objects else actions))
        self._say({"transfer": "basic", "objects": objects})

    def store(self, oid: str) -> None:
        if _sha256(self.body) != oid:
            raise _Error(400, "These are other bytes")
        self.hub.objects[oid] = self.body
        self.hub.stored.append(oid)
        self._say({})

    def check(self, oid: str) -> None:
        told = json.loads(self.body)
        if told["oid"] != oid or len(self.hub.objects.get(oid, b"")) != told["size"]:
            raise _Error(422, "This object is not here")
        self._say({})

    def commit(self, repo: str) -> None:
        found = self._writable(repo)
        head, *operations = [json.loads(line) for line in self.body.splitlines()]
        if head["value"].get("parentCommit", found.head) != found.head:
            raise _Error(412, "A commit has happened since. Please refresh and try again.")
        files = dict(found.files)
        for operation in operations:
            self._apply(files, operation["key"], operation["value"])
        oid = found.commit(files)
        self._say({"commitUrl": f"{self.hub.url}/datasets/{repo}/commit/{oid}", "commitOid": oid})

    def _apply(self, files: Files, key: str, value: dict[str, Any]) -> None:
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
            if is_lfs(value["path"], len(files[value["path"]])):
                raise _Error(400, f"{value['path']} must go through LFS")
        elif key == "lfsFile":
            if value["oid"] not in self.hub.objects:
                raise _Error(400, f"LFS object {value['oid']} is not here")
            files[value["path"]] = self.hub.objects[value["oid"]]
        elif key == "deletedFile":
            if value["path"] not in files:
                raise _Error(404, "A file with this name doesn't exist", "EntryNotFound")
            del files[value["path"]]
        else:
            raise _Error(400, f"Unknown operation {key}")

    def resolve(self, repo: str, rev: str, path: str) -> None:
        oid, files = self._version(self._readable(repo), rev)
        if path not in files:
            raise _Error(404, "Entry not found", "EntryNotFound")
        data = files[path]
        etag = _sha256(data) if is_lfs(path, len(data)) else git_oid(data)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": oid, "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            self._send(data, 200, headers)
            return
        self.hub.ranges.append(wanted[0])
        start, end = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        self._send(data[start : end + 1], 206, headers)


def _blob(path: str, data: bytes, git: str, sha: str) -> dict[str, Any]:
    told = {"size": len(data), git: git_oid(data)}
    if not is_lfs(path, len(data)):
        return told
    return told | {"lfs": {sha: _sha256(data), "size": len(data), "pointerSize": 130}}
