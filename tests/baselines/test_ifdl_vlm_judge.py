"""The judge, against a server that speaks the API."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

import forgebench
from baselines.cli import app
from baselines.ifdl_vlm.explain.study import ANSWERS, EXAMPLES, RESULTS
from baselines.ifdl_vlm.judge import DIMENSIONS, KEY, RUBRIC, Judge, judged
from forgebench.cli import app as forgebench_app
from forgebench.demo import PHOTOS
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TRUTH = {"type": "splice", "area": "top left", "content": "a cat", "evidence": "a hard edge"}
GOOD = json.dumps(dict.fromkeys(DIMENSIONS, 3))


class Server(HTTPServer):
    status, content, body = 200, GOOD, None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked, self.headers.get("Authorization")))
        message = {"role": "assistant", "content": self.server.content}
        answer = {"object": "chat.completion", "model": "judge-2", "choices": [{"index": 0, "message": message}]}
        body = self.server.body or json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def judge(server):
    return Judge(f"http://127.0.0.1:{server.server_port}/v1", "judge", timeout=5)


def test_it_is_asked_with_the_rubric_and_both_texts(server, judge, monkeypatch):
    monkeypatch.setenv(KEY, "secret")
    said = {**TRUTH, "area": "bottom"}
    answer = judge.rate(said, TRUTH)
    (path, asked, authorization), = server.asked
    assert path == "/v1/chat/completions"
    assert authorization == "Bearer secret"
    assert (asked["model"], asked["temperature"]) == ("judge", 0)
    assert asked["messages"][0]["content"] == RUBRIC
    assert json.loads(asked["messages"][1]["content"]) == {"reference": TRUTH, "explanation": said}
    assert answer.scores == dict.fromkeys(DIMENSIONS, 3)
    assert answer.version == "judge-2"


def test_a_record_names_judge_version_and_rubric_and_counts_the_silent(server, judge):
    record = judged(judge, {"a": (TRUTH, TRUTH), "b": (None, TRUTH)})
    assert len(server.asked) == 1
    assert (record["n"], record["silent"]) == (2, 1)
    assert record["means"] == dict.fromkeys(DIMENSIONS, 1.5)
    assert record["judge"]["model"] == "judge"
    assert record["judge"]["versions"] == ["judge-2"]
    assert len(record["judge"]["rubric_sha256"]) == 64


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("five of five", "JSON"), ("[1, 2]", "whole numbers"), (json.dumps({"type": 3}), "areas: None"),
        (GOOD.replace("3", "6"), "type: 6"), (GOOD.replace("3", "2.5"), "type: 2.5"),
        (GOOD.replace("3", "true"), "True"),
    ],
)  # fmt: skip
def test_answers_outside_the_rubric_are_refused(server, judge, content, told):
    server.content = content
    with pytest.raises(InputError, match=told):
        judge.rate(TRUTH, TRUTH)


def test_errors_of_the_endpoint_are_told(server, judge):
    server.status = 503
    with pytest.raises(InputError, match="HTTP 503"):
        judge.rate(TRUTH, TRUTH)
    server.status, server.body = 200, b"<html>"
    with pytest.raises(InputError, match="cannot be asked"):
        judge.rate(TRUTH, TRUTH)
    server.body = b'{"choices": []}'
    with pytest.raises(InputError, match="JSON"):
        judge.rate(TRUTH, TRUTH)


def test_no_endpoint_is_told():
    with pytest.raises(InputError, match="cannot be asked"):
        Judge("http://127.0.0.1:9/v1", "judge", timeout=1).rate(TRUTH, TRUTH)
    with pytest.raises(InputError, match="http://"):
        Judge("file:///etc", "judge").rate(TRUTH, TRUTH)


@pytest.mark.filterwarnings("ignore:Answers of more")  # bytes are tokens at preset tiny
def test_both_stages_and_the_judge_from_the_shell(server, tmp_path):
    """From photographs to judged explanations, every step by its command."""
    bench, run, sub = tmp_path / "bench", tmp_path / "run", tmp_path / "sub.parquet"
    forgebench.synthesize(PHOTOS, bench, n=12, workers=1, splits={"train": 0.6, "test": 0.4})
    _told(app, "train", "ifdl-vlm", "--data", bench, "--preset", "tiny", "--out", run, "--set", "training.epochs=1")
    _told(app, "explain-train", run, "--data", bench, "--preset", "tiny", "--set", "training.epochs=1")
    told = _told(app, "explain-study", run, "--data", bench, "--out", tmp_path / "study", "--limit", "2")
    assert "region only" in told
    assert {one.name for one in (tmp_path / "study").iterdir()} == {RESULTS, ANSWERS, EXAMPLES}
    _told(forgebench_app, "predict", run, bench, "--out", sub)
    endpoint = f"http://127.0.0.1:{server.server_port}/v1"
    asked = ("--endpoint", endpoint, "--model", "judge", "--out", tmp_path / "said.json")
    _told(app, "judge", sub, "--data", bench, *asked)
    record = json.loads((tmp_path / "said.json").read_text())
    tampered = sum(row["label"] == 1 for row in forgebench.open_benchmark(bench).rows("test", ["label"]))
    assert (record["n"], record["silent"]) == (tampered, tampered - len(server.asked))


def _told(of, *arguments):
    done = CliRunner().invoke(of, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout
