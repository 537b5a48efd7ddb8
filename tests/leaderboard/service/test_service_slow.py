"""Clients that take their time, and clients that come in crowds."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from live import served

from leaderboard.service import server
from leaderboard.service.board import Board
from leaderboard.service.settings import Settings

NGINX = Path(__file__).parents[3] / "deploy" / "nginx.conf"
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def _connected(url: str, number: int) -> Iterator[list[socket.socket]]:
    where = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(where, timeout=20)) for _ in range(number)]


def _trickle(senders: list[socket.socket], seconds: float) -> None:
    """A letter of a header from everyone, again and again."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for sender in senders:
            with suppress(OSError):  # it was cut off
                sender.sendall(b"x")
        time.sleep(0.05)


def _cut_off(sender: socket.socket) -> bool:
    try:
        return sender.recv(1000) == b""
    except ConnectionResetError:
        return True


def test_slow_heads_are_cut_off_and_keep_nobody_from_being_served(lite: Board) -> None:
    with served(lite, worker=False, header_seconds=4) as url, _connected(url, 20) as senders:
        for sender in senders[:15]:
            sender.sendall(HEAD)  # the other five say nothing at all
        began = time.monotonic()
        _trickle(senders[:15], 0.5)
        for _ in range(5):
            assert httpx.get(f"{url}/healthz", timeout=3).status_code == 200
        assert time.monotonic() - began < 4  # while all twenty were there
        _trickle(senders[:15], 4.5 - (time.monotonic() - began))
        for sender in senders:
            sender.settimeout(0.5)
        assert all(map(_cut_off, senders))


def test_a_second_request_must_not_be_slow_either(lite: Board) -> None:
    with served(lite, worker=False, header_seconds=1) as url, _connected(url, 1) as (sender,):
        for _ in range(2):  # a connection that is in use is kept
            sender.sendall(HEAD + b"\r\n")
            answer = b""
            while b"alive" not in answer:  # head and body may come apart
                answer += sender.recv(2000)
            assert b"200 OK" in answer
            time.sleep(0.7)
        sender.sendall(HEAD)
        _trickle([sender], 1.5)
        sender.settimeout(0.5)
        assert _cut_off(sender)


def test_a_crowd_is_told_to_come_later(lite: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 5)
    with served(lite, worker=False, header_seconds=1) as url:
        with _connected(url, 5):
            assert httpx.get(f"{url}/healthz").status_code == 503
        time.sleep(0.3)
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_the_proxy_is_no_more_patient() -> None:
    text = NGINX.read_text()
    seconds = {name: int(value) for name, value in re.findall(r"(client_\w+_timeout) (\d+)s;", text)}
    assert seconds["client_header_timeout"] <= server.HEADER_SECONDS
    assert seconds["client_body_timeout"] <= Settings().part_seconds
    most = int(re.findall(r"client_max_body_size (\d+)m;", text)[0])
    assert most * 2**20 >= Settings().part_bytes


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx on this machine")
def test_nginx_reads_its_file(tmp_path: Path) -> None:
    key, crt = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", crt]
    subprocess.run(make, check=True, capture_output=True)
    site = re.sub(r"/etc/letsencrypt/\S+/privkey.pem", str(key), NGINX.read_text())
    site = re.sub(r"/etc/letsencrypt/\S+/fullchain.pem", str(crt), site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{own}{site}\n}}\n")
    done = subprocess.run(["nginx", "-t", "-p", tmp_path, "-c", whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
