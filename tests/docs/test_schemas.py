"""The published JSON Schemas are those of the code."""

from __future__ import annotations

import json

import pytest

from docs.generate.schemas import FOLDER, SCHEMAS


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_published_schemas_are_current(name, schema):
    published = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "run make schemas"
