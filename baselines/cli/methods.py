"""`python -m baselines methods`: what there is to train."""

from __future__ import annotations

from rich.table import Table

from forgebench.cli.output import AsJson, console, print_json


def methods(as_json: AsJson = False) -> None:
    """List the methods, the level of annotation that each learns from, and their presets."""
    from baselines.common.registry import METHODS, get

    found = [get(name) for name in METHODS]
    if as_json:
        print_json([{"name": m.name, "level": m.level, "presets": list(m.presets), "about": m.about} for m in found])
        return
    table = Table("method", "level", "presets", "")
    for method in found:
        table.add_row(method.name, method.level, ", ".join(method.presets), method.about)
    console().print(table)
