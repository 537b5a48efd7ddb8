"""Whatever follows from the OpenAPI document is sent: no answer is a 5xx, and none is undocumented."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from people import Participant

schemathesis = pytest.importorskip("schemathesis")
EXAMPLES = 300 if "FORGEBENCH_SOAK" in os.environ else 8


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestWarning")
def test_no_request_breaks_the_service(lite_ann: Participant) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", lite_ann.client.app)
    broken, sent = [], 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def ask(case: object) -> None:
            nonlocal sent
            sent += 1
            answer = case.call(headers={"authorization": f"Bearer {lite_ann.token}"})  # type: ignore[attr-defined]
            if answer.status_code >= 500:
                broken.append((case, answer.status_code))

        operation.as_strategy()
        from hypothesis import given

        given(case=operation.as_strategy())(ask)()
    assert sent >= EXAMPLES * 5
    assert broken == []
