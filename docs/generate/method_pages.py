"""The methods side by side, and each with its own README and what its studies keep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from baselines.common.method import Method
from baselines.common.registry import METHODS, get
from baselines.common.study import FULL, STUDY
from baselines.common.study_page import SHOWN, cell, table
from forgebench import Record, read_record
from forgebench.metrics.cost import annotation_seconds

ROOT = Path(__file__).parents[2] / "baselines"
_KEPT = (".png", ".jpg", ".svg")
_HEAD = """\
---
hide: [navigation, toc]
---

# Methods

Reference implementations that anyone can train again: each from its own level of annotation alone, each with a README
that says what is paper and what is reconstruction. `python -m baselines methods` lists them;
[Train on several GPUs](../how-to/multi-gpu.md), [Study the cost of annotation](../how-to/annotation-cost.md).

## What each needs

Seconds of annotation are per training image ([where from](../how-to/annotation-cost.md)). Parameters and multiply-adds
of one prediction are those of preset `paper`, counted on the published sizes (half of what is called FLOPs elsewhere);
of IFDL-VLM they are its first stage's, which finds; [its second](ifdl_vlm/index.md), which explains, is a LLaVA.

Speed is that of prediction, from pixels to masks of the images' own size, as a share of the bare backbone's forward
pass on the same machine (of the plain model's `generate` where texts are written): one core of a two-core x86-64
virtual machine without GPU, random weights, 224 pixels; DINOv2-S for all but BoxPromptIML, whose backbone is its
TinyViT-5M, and IFDL-VLM's second stage, of a ViT-S and a language model of 8 blocks. `perf/README.md` has all of it.
"""
SPEED: Mapping[str, str] = {
    "linear-probe": "0.97", "vilaco": "0.89", "sapl": "0.92", "boxpromptiml": "0.83, 18.8 images/s",
    "ifdl-vlm": "texts 0.85, 34.6 tokens/s",
}  # fmt: skip
"""What perf/README.md measured."""
_MEASURED = """\
## What was measured here

At preset `small`, in which a frozen DINOv2-S stands in for each paper's backbone, trained on the synthetic benchmark
alone. The numbers say whether this code learns: **they are not the papers' methods at their best**. In brackets 95 %
intervals by photograph. A tier holds the methods that the data cannot tell apart (paired tests, Holm); 1 is the best.
These runs say nothing of speed: features were read from disk.
"""
_PAPERS = """\
## What the papers report

The papers' own numbers, not ours: mean F1 of tampered images at 0.5, each trained and scored by its own protocol, so
that columns cannot be compared without reading them.

| method | trained on | CASIA v1 | Columbia | COVERAGE | IMD2020 | NIST16 |
| --- | --- | --- | --- | --- | --- | --- |
| ViLaCo (Table 1) | CASIA v2 | .491 | .536 | .319 | .365 | .267 |
| SAPL | CASIA v2 | unknown to us | | | | |
| BoxPromptIML | CASIA v2, parts of COVERAGE, Columbia, NIST16 | .552 | .903 | .403 | | .618 |
| IFDL-VLM | not stated | mean of eight sets .58 | | | | |
"""
_IN_FULL = {"boxpromptiml": "## The paper's numbers\n", "ifdl-vlm": "## Numbers of the paper\n"}
"""Where a README has all tables of its paper, which the page repeats."""


@cache
def pages() -> dict[str, str | bytes]:
    """The pages and their pictures by path."""
    found: dict[str, str | bytes] = {"methods/index.md": _side_by_side()}
    for folder in _folders():
        name = folder.name
        for file in folder.rglob("*"):
            if file.suffix in _KEPT:
                found[f"methods/{name}/{file.relative_to(folder).as_posix()}"] = file.read_bytes()
        found[f"methods/{name}/index.md"] = _linked((folder / "README.md").read_text(encoding="utf-8"), name, found)
    return found


def _folders() -> list[Path]:
    return sorted(readme.parent for readme in ROOT.glob("*/README.md"))


def _side_by_side() -> str:
    methods = [get(name) for name in METHODS]
    needs = table(("method", "learns from", "seconds", "input", "parameters, M", "trained, M", "G multiply-adds",
                    "speed"),
                   map(_needs, methods))  # fmt: skip
    papers = (_in_full(get(name), head) for name, head in _IN_FULL.items())
    return "\n".join([_HEAD, needs, "", _MEASURED, *_measured(methods), _PAPERS, *papers])


def _in_full(method: Method, head: str) -> str:
    """The section of a README that has its paper's numbers."""
    _, _, after = (_folder(method) / "README.md").read_text(encoding="utf-8").partition(head)
    return f"### {method.name}: the paper's tables\n{after.partition(chr(10) + '## ')[0]}\n"


def _needs(method: Method) -> tuple[str, ...]:
    folder = _folder(method)
    name = f"[{method.name}]({folder.name}/index.md)" if (folder / "README.md").is_file() else method.name
    sizes = json.loads((ROOT / "sizes.json").read_text(encoding="utf-8")).get(method.name)
    counted = ("", "", "", "")
    if sizes:
        millions = (f"{sizes[kind] / 1e6:,.1f}" for kind in ("parameters", "trained"))
        counted = (f"{sizes['side']} px", *millions, f"{sizes['multiply_adds'] / 1e9:,.1f}")
    return name, method.level, str(annotation_seconds(method.level)), *counted, SPEED.get(method.name, "")


def _measured(methods: list[Method]) -> Iterator[str]:
    """A table for each benchmark that any method was scored on, the one that they were trained on first."""
    tiers = {one["content_hash"]: one["tiers"] for one in json.loads((ROOT / "tiers.json").read_text(encoding="utf-8"))}
    boards: dict[str, list[tuple[str, Record]]] = {}
    kept = [(method.name, file) for method in methods for file in _records(_folder(method) / "results")]
    for name, file in sorted(kept, key=lambda one: one[1].parent.name != FULL):
        record, _ = read_record(file)
        boards.setdefault(record.benchmark.content_hash, []).append((name, record))
    for content_hash, entries in boards.items():
        bench = entries[0][1].benchmark
        yield f"### {bench.name}\n\n{bench.n} images; content hash `{content_hash[:16]}…`\n"
        rows = [_scores(name, record, tiers.get(content_hash, {})) for name, record in entries]
        yield table(("method", *SHOWN), rows) + "\n"


def _records(results: Path) -> list[Path]:
    """The whole method's, not those of its ablations."""
    if not results.is_dir():
        return []
    ablations = json.loads((results / STUDY).read_text(encoding="utf-8"))["ablations"]
    return [file for file in sorted(results.glob("*/record.json")) if file.parent.name not in ablations]


def _scores(name: str, record: Record, tiers: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    method = record.method.method
    ranks = {metric: f" tier {found[method]}" for metric, found in tiers.items() if method in found}
    return name, *(cell(record, metric) + ranks.get(metric, "") for metric in SHOWN)


def _folder(method: Method) -> Path:
    return ROOT / method.name.replace("-", "_")


def _linked(text: str, name: str, there: dict[str, str | bytes]) -> str:
    """A README whose links to code are plain text: the site has no code."""

    def kept(link: re.Match[str]) -> str:
        target = link[2].split("#")[0]
        known = not target or "://" in target or f"methods/{name}/{target}" in there
        return link[0] if known or link[0].startswith("!") else f"`{link[1].strip('`')}`"

    return re.sub(r"!?\[([^\]]*)\]\(([^)]*)\)", kept, text)
