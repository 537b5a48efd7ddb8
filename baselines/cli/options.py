"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forgebench.errors import InputError

MethodName = Annotated[str, typer.Argument(help="The method: `python -m baselines methods` lists them.")]
BenchmarkPath = Annotated[str, typer.Option("--data", help="A benchmark's folder, or a Hub name.")]
Preset = Annotated[str, typer.Option(help="`tiny`, `small` or `paper`.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting, such as training.epochs=3; repeat.")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="A configuration's YAML instead of a preset.")]


def configured(name: str, preset: str, settings: list[str] | None, file: Path | None) -> tuple[Any, Any]:
    """The method, and its configuration.

    Raises:
        InputError: If there is no such method or preset, or a setting cannot be used.
    """
    from baselines.common.config import from_yaml, override
    from baselines.common.registry import get

    method = get(name)
    config: Any
    if file is not None:
        if not file.is_file():
            raise InputError(f"There is no configuration at {file}.")
        config = from_yaml(method.config, file.read_text(encoding="utf-8"))
    elif preset in method.presets:
        config = method.presets[preset]
    else:
        raise InputError(f"{method.name} has no preset {preset!r}. It has: {', '.join(method.presets)}")
    return method, override(config, changes(settings or []))


def changes(settings: list[str]) -> dict[str, str]:
    """Settings by name.

    Raises:
        InputError: If one has no value.
    """
    if wrong := [one for one in settings if "=" not in one]:
        raise InputError(f"Expected --set NAME=VALUE, got {', '.join(wrong)}")
    return {name: value for name, _, value in (one.partition("=") for one in settings)}
