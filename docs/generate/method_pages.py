"""The methods side by side, and each with its own README and what its studies keep."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from baselines.common.registry import METHODS, get
from baselines.common.study import FULL
from baselines.common.study_page import SHOWN, cell
from forgebench import read_record
from forgebench.metrics.cost import annotation_seconds

ROOT = Path(__file__).parents[2] / "baselines"
_KEPT = (".png", ".jpg", ".svg")
_HEAD = """\
# Methods

Reference implementations that anyone can train again: each from its own level of annotation alone, each with a README
that says what is paper and what is reconstruction. `python -m baselines methods` lists them;
[Train on several GPUs](../how-to/multi-gpu.md), [Study the cost of annotation](../how-to/annotation-cost.md).

Sizes are of preset `{preset}`; the numbers were measured at preset `small` on the held-out photographs of a synthetic
benchmark, and say whether the code learns. They are not the papers' numbers, which stand in each README.
"""


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
    rows = [_row(get(name)) for name in METHODS]
    head = ("method", "learns from", "seconds an image", "trained, M", *SHOWN)
    lines = ["| " + " | ".join(line) + " |" for line in (head, ("---",) * len(head), *rows)]
    return "\n".join([_HEAD.format(preset="small"), *lines, ""])


def _row(method: Any) -> tuple[str, ...]:  # noqa: ANN401
    folder = ROOT / method.name.replace("-", "_")
    name = f"[{method.name}]({folder.name}/index.md)" if (folder / "README.md").is_file() else method.name
    record_file = folder / "results" / FULL / "record.json"
    numbers = ["not measured"] + [""] * (len(SHOWN) - 1)
    if record_file.is_file():
        record, _ = read_record(record_file)
        numbers = [cell(record, metric) for metric in SHOWN]
    return name, method.level, str(annotation_seconds(method.level)), _trained(method), *numbers


def _trained(method: Any) -> str:  # noqa: ANN401
    """Millions of parameters that are trained, with random weights of the preset's sizes."""
    config = method.presets["small"]
    if getattr(getattr(config, "encoder", None), "name", ""):
        return "see README"
    parameters = method.build(config).parameters()
    return f"{sum(one.numel() for one in parameters if one.requires_grad) / 1e6:.2f}"


def _linked(text: str, name: str, there: dict[str, str | bytes]) -> str:
    """A README whose links to code are plain text: the site has no code."""

    def kept(link: re.Match[str]) -> str:
        target = link[2].split("#")[0]
        known = not target or "://" in target or f"methods/{name}/{target}" in there
        return link[0] if known or link[0].startswith("!") else f"`{link[1].strip('`')}`"

    return re.sub(r"!?\[([^\]]*)\]\(([^)]*)\)", kept, text)
