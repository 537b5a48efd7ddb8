"""A benchmark's `README.md`: a Hugging Face card whose four configs are four views of the same files."""

from __future__ import annotations

from typing import Any

import yaml

from forgebench.benchmark.manifest import Manifest
from forgebench.schema import LEVELS

CARD = "README.md"

_LOADING = """\
Load it with `load_dataset(PATH, LEVEL, split="test")`, where LEVEL is `image`, `box`, `scribble` or `pixel`; a level
sees only its own columns. `datasets` writes a cache of its own for each level that is loaded; with `streaming=True`
it does not."""


def card_text(manifest: Manifest) -> str:
    """The card: configs and facts in YAML, then prose."""
    head = yaml.safe_dump(_head(manifest), sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{head}---\n{_prose(manifest)}"


def card_configs(manifest: Manifest) -> list[dict[str, Any]]:
    """The four levels as the card's YAML has them: the same files, each level with its own columns.

    The description tells benchmarks apart for `datasets`, whose cache of a local folder goes by the folder's name and
    these configs alone: without it, a benchmark that was built again would be read as it was before.
    """
    about = f"content {manifest.content_hash}, annotations {manifest.annotation_hash}"
    return [
        {"config_name": level, "description": about, "data_files": _files(manifest), "columns": list(columns)}
        | ({"default": True} if level == "pixel" else {})
        for level, columns in LEVELS.items()
    ]


def _head(manifest: Manifest) -> dict[str, Any]:
    facts = manifest.facts
    return {
        "pretty_name": facts.title,
        "license": "other",
        "task_categories": ["image-classification", "image-segmentation"],
        "tags": ["image-forensics", "forgery-localization", "forgebench"],
        "configs": card_configs(manifest),
    }


def _files(manifest: Manifest) -> list[dict[str, str]]:
    return [{"split": split, "path": f"data/{split}-*.parquet"} for split in manifest.splits]


def _prose(manifest: Manifest) -> str:
    facts = manifest.facts
    rows = [f"| {split} | {c.samples} | {c.authentic} | {c.tampered} |" for split, c in manifest.splits.items()]
    derived = [f"- `{name}`: {how}" for name, how in facts.derived.items()]
    parts = [
        f"# {facts.title}",
        facts.prose,
        "## This benchmark",
        "\n".join(["| split | samples | authentic | tampered |", "|---|---:|---:|---:|", *rows]),
        f"Built from `{facts.source}` by ForgeBench {manifest.forgebench_version}.",
        f"Divided into splits by the protocol `{facts.protocol}`." if facts.protocol else "",
        f"Content hash `{manifest.content_hash}`.",
        _completeness(manifest),
        "\n".join(["Where the annotations come from:", "", *derived]),
        _LOADING,
        f"**Licence.** {facts.licence} {_publishing(facts.redistributable)}",
        f"```bibtex\n{facts.citation.strip()}\n```" if facts.citation else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _publishing(redistributable: bool) -> str:
    return "" if redistributable else "Do not publish these images."


def _completeness(manifest: Manifest) -> str:
    expected, total = manifest.facts.expected, manifest.total.model_dump()
    lines = [
        f"- {total[label]} of {count} {label} samples" for label, count in expected.items() if total[label] != count
    ]
    notes = ["This copy is incomplete:\n\n" + "\n".join(lines)] if lines else []
    if manifest.known_issues:
        fixes = [f"- `{fix.sample_id}`: {fix.issue}; {fix.action}" for fix in manifest.known_issues]
        notes.append("Known defects, and what was done about each in this copy:\n\n" + "\n".join(fixes))
    if manifest.skipped:
        skipped = [f"- `{p.sample_id}`: {p.code}, {p.got}" for p in manifest.skipped]
        notes.append("Left out on the builder's word:\n\n" + "\n".join(skipped))
    return "\n\n".join(notes)
