"""Sources: how each public data set lies on disk. One module each; its facts are on its card."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType

from forgebench.errors import InputError
from forgebench.sources.read import read
from forgebench.sources.spec import Card, Entry, MaskFile, SourceSpec

_NAMES = (
    "casia-v1", "casia-v1-plus", "casia-v2", "columbia", "coverage", "nist16", "imd2020", "defacto",
    "realistic-tampering", "dso-1", "cocoglide", "tampcoco", "compraise", "fantastic-reality", "in-the-wild", "misd",
    "comofod", "grip-cmfd", "cvip", "fau", "autosplice", "openforensics", "sid-set", "opensdi", "tgif", "br-gen",
    "magicbrush", "doctamper", "rtm", "tampered-ic13", "sc-iml", "folder", "coco", "hub",
)  # fmt: skip
SOURCES: dict[str, SourceSpec] = {
    name: import_module(f"forgebench.sources.{name.replace('-', '_')}").SPEC for name in _NAMES
}
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
