"""A benchmark's `croissant.json`: its description for search engines and tools (Croissant 1.0)."""

from __future__ import annotations

import json
from typing import Any

from forgebench.benchmark.manifest import Manifest
from forgebench.schema import COLUMNS

CROISSANT = "croissant.json"

_CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "dct": "http://purl.org/dc/terms/",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "includes": "cr:includes", "recordSet": "cr:recordSet", "source": "cr:source",
    "repeated": "cr:repeated", "citeAs": "cr:citeAs",
}  # fmt: skip
_TYPES = {
    "image": "sc:ImageObject", "scribble": "sc:ImageObject", "mask": "sc:ImageObject", "source_mask": "sc:ImageObject",
    "label": "sc:Integer", "width": "sc:Integer", "height": "sc:Integer", "boxes": "sc:Float",
}  # fmt: skip


def croissant_text(manifest: Manifest) -> str:
    """The description as JSON-LD."""
    facts = manifest.facts
    description: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": facts.name,
        "description": facts.prose,
        "license": facts.licence,
        "url": facts.homepage,
        "citeAs": facts.citation,
        "version": "1.0.0",
        "distribution": [
            {"@type": "cr:FileObject", "@id": "repo", "name": "repo", "contentUrl": ".",
             "encodingFormat": "application/x-parquet", "sha256": manifest.content_hash},
            {"@type": "cr:FileSet", "@id": "parquet", "name": "parquet", "containedIn": {"@id": "repo"},
             "encodingFormat": "application/x-parquet", "includes": "data/*.parquet"},
        ],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": "samples", "name": "samples",
             "field": [_field(name) for name in COLUMNS if name != "explanation"]},
        ],
    }  # fmt: skip
    if facts.year is not None:
        description["datePublished"] = str(facts.year)
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


def _field(name: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field", "@id": f"samples/{name}", "name": name, "dataType": _TYPES.get(name, "sc:Text"),
        "source": {"fileSet": {"@id": "parquet"}, "extract": {"column": name}},
    } | ({"repeated": True} if name == "boxes" else {})  # fmt: skip
