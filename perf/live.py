"""What a step would hold in memory at once, computed without holding any of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class _Live(TorchDispatchMode):
    """Counts the bytes of all storages that are alive, and their most."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        made = func(*args, **(kwargs or {}))
        for one in tree_iter(made):
            if isinstance(one, torch.Tensor):
                self._add(one.untyped_storage())
        self.most = max(self.most, self.bytes)
        return made

    def _add(self, storage: Any) -> None:  # noqa: ANN401
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return

        def gone(_: Any) -> None:  # noqa: ANN401
            self.bytes -= size
            del self._known[key]

        self._known[key] = weakref.ref(storage, gone)
        self.bytes += size


def most_alive(build: Callable[[], nn.Module], step: Callable[[Any], None]) -> tuple[int, int]:
    """Bytes of a model, and the most that is alive during a step of it.

    Tensors have shapes and no data, so that neither may look at a value. Nothing of the allocator is counted: no
    fragments, no workspaces of kernels, no context.
    """
    with torch.device("meta"):
        model = build()
    live = _Live()
    with FakeTensorMode(allow_non_fake_inputs=True), live:
        _in_memory(model)
        before = live.bytes
        live.most = before
        step(model)
    return before, live.most


def _in_memory(model: nn.Module) -> None:
    """Put a model of the device `meta` where a step runs."""
    there: dict[int, Any] = {}
    for module in model.modules():
        for name, one in module._parameters.items():
            if one is not None and id(one) not in there:
                there[id(one)] = nn.Parameter(torch.empty(one.shape, dtype=one.dtype), one.requires_grad)
            module._parameters[name] = None if one is None else there[id(one)]
        for name, one in module._buffers.items():
            module._buffers[name] = None if one is None else torch.empty(one.shape, dtype=one.dtype)
