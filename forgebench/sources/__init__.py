"""Sources: how each public data set lies on disk. One module each; its facts are on its card."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from types import ModuleType

from forgebench.errors import InputError
from forgebench.sources import casia_v1, coverage, folder
from forgebench.sources.read import read
from forgebench.sources.spec import Card, Entry, MaskFile, SourceSpec

SOURCES: dict[str, SourceSpec] = {spec.name: spec for spec in (casia_v1.SPEC, coverage.SPEC, folder.SPEC)}
"""All sources by name."""


def sources() -> list[SourceSpec]:
    """All sources that ForgeBench knows."""
    return list(SOURCES.values())


def source(name: str) -> SourceSpec:
    """The source of this name.

    Raises:
        InputError: If there is none.
    """
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(f"No source is called {name!r}.{hint} There are: {', '.join(SOURCES)}")
    return SOURCES[name]


class _Callable(ModuleType):
    """So that `forgebench.sources()` works too where this package, imported, has taken the function's place."""

    def __call__(self) -> list[SourceSpec]:
        return sources()


sys.modules[__name__].__class__ = _Callable

__all__ = ["SOURCES", "Card", "Entry", "MaskFile", "SourceSpec", "read", "source", "sources"]
