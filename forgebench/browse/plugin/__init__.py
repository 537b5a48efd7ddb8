"""ForgeBench in FiftyOne's App: `forgebench browse` puts this folder where the App looks for plugins."""

from __future__ import annotations

from typing import Any, Protocol

from forgebench.browse.plugin.actions import ExportList, ExportView, OpenSample
from forgebench.browse.plugin.panel import Threshold


class _Plugin(Protocol):
    def register(self, operator: type[Any]) -> None: ...


def register(plugin: _Plugin) -> None:
    """Called by FiftyOne."""
    for one in (Threshold, OpenSample, ExportList, ExportView):
        plugin.register(one)
