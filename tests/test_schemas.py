"""The published JSON Schemas are those of the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forgebench.audits import json_schema as audit_schema
from forgebench.scoring.record import json_schema as record_schema
from forgebench.submission import json_schema as submission_schema

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


@pytest.mark.parametrize(
    ("name", "schema"), [("record", record_schema), ("submission", submission_schema), ("audit", audit_schema)]
)
def test_published_schemas_are_current(name, schema):
    published = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "run make schemas"
