"""Write the JSON Schemas of the files that others make or read."""

from __future__ import annotations

import json
from pathlib import Path

from forgebench.audits import json_schema as audit_schema
from forgebench.scoring.record import json_schema as record_schema
from forgebench.submission import json_schema as submission_schema

FOLDER = Path(__file__).parents[1] / "schemas"
SCHEMAS = {"submission": submission_schema, "record": record_schema, "audit": audit_schema}


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in SCHEMAS.items():
        text = json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
