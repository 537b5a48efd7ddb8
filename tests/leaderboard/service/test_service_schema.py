"""Whatever follows from the OpenAPI document is sent: no answer is a 5xx, none is undocumented or of another form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from people import Halves, Participant, score_all, submission

from leaderboard.service.board import Board

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.core.failures import FailureGroup  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 300 if "FORGEBENCH_SOAK" in os.environ else 8
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
quietly = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestWarning")


def _schema(ann: Participant) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", ann.client.app)


@pytest.mark.soak
@quietly
def test_no_request_breaks_the_service(lite_ann: Participant) -> None:
    headers, sent = {"authorization": f"Bearer {lite_ann.token}"}, 0
    for result in _schema(lite_ann).get_all_operations():

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=result.ok().as_strategy())
        def ask(case: Any) -> None:
            nonlocal sent
            sent += 1
            case.call_and_validate(headers=headers, checks=CHECKS)

        ask()
    assert sent >= EXAMPLES * 5


@quietly
def test_what_really_is_there_has_the_form_that_is_documented(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path
) -> None:
    """Answers that no random id leads to."""
    schema, headers = _schema(lite_ann), {"authorization": f"Bearer {lite_ann.token}"}
    bad, good = (
        lite_ann.submit(submission(tmp_path, benchmarks.opened("plain"), seed, lose=lose))["id"]
        for seed, lose in ((1, 1), (2, 0))
    )
    score_all(lite)
    token = lite_ann.ask("POST", "/tokens", json={"name": "x", "scopes": ["read"], "days": 1}).json()["id"]
    about = {"benchmark": "plain", "suffix": ".zip", "sha256": "0" * 64, "size": 9}
    upload = lite_ann.ask("POST", "/uploads", json=about).json()["id"]

    def ask(method: str, path: str, expected: int, **more: Any) -> None:
        body = {"body": more.pop("body"), "media_type": "application/json"} if "body" in more else {}
        answer = schema[path][method].Case(path_parameters=more, **body).call_and_validate(
            headers=headers, checks=CHECKS
        )  # fmt: skip
        assert answer.status_code == expected, (method, path)

    for path in ("/healthz", "/readyz", "/metrics", "/board.pub", "/api/v1/tokens", "/api/v1/benchmarks"):
        ask("GET", path, 200)
    ask("GET", "/api/v1/submissions", 200)
    one = "/api/v1/submissions/{submission_id}"
    for submission_id, scored in ((bad, False), (good, True)):
        ask("GET", one, 200, submission_id=submission_id)
        ask("GET", f"{one}/results", 200, submission_id=submission_id)
        ask("GET", f"{one}/record", 200 if scored else 409, submission_id=submission_id)
    ask("GET", f"{one}/results/{{number}}/record", 200, submission_id=good, number=1)
    ask("POST", f"{one}/withdraw", 200, submission_id=good)
    ask("GET", "/api/v1/uploads/{upload_id}", 200, upload_id=upload)
    ask("POST", "/api/v1/uploads", 201, body=about | {"size": 10})
    ask("POST", "/api/v1/submissions", 409, body={"upload": upload})
    ask("DELETE", "/api/v1/tokens/{token_id}", 204, token_id=token)


@quietly
@pytest.mark.parametrize("responses", [{"404": {"description": ""}}, {"200": {"description": "", "content": {
    "application/json": {"schema": {"type": "object", "required": ["other"]}}}}}])  # fmt: skip
def test_a_document_that_lies_is_found(lite_ann: Participant, responses: dict[str, Any]) -> None:
    document = lite_ann.client.get("/api/v1/openapi.json").json()
    document["paths"]["/healthz"]["get"]["responses"] = responses
    schema = schemathesis.openapi.from_dict(document)
    schema.app = lite_ann.client.app
    with pytest.raises(FailureGroup):
        schema["/healthz"]["GET"].Case().call_and_validate(checks=CHECKS)
