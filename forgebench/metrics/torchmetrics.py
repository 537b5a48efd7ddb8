"""The same validation as a torchmetrics `Metric`, for training loops that want one.

Needs torchmetrics, which nothing else in the package imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from forgebench.metrics.pixel import BINS
from forgebench.metrics.torch import Counted, Images, count_batch, numbers


class ForgeBenchMetric(Metric):
    """`forgebench.metrics.torch.PixelAccumulator` as a torchmetrics `Metric`.

    `compute` and `forward` return one float64 tensor for each metric id. `forward` computes all metrics of its batch:
    call `update` where these are not wanted. Each sample must go to one process, once.
    """

    full_state_update = False
    is_differentiable = False
    histograms: list[Tensor]
    score: list[Tensor]
    tampered: list[Tensor]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        for name in Counted._fields:
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, pred: Images, mask: Tensor | Sequence[Tensor | None], score: Tensor, tampered: Tensor) -> None:
        """Count a batch; see `forgebench.metrics.torch.count_batch`."""
        self._append(count_batch(pred, mask, score, tampered))

    def compute(self) -> dict[str, Tensor]:
        """The metrics by id; see `forgebench.metrics.torch.numbers`."""
        found = numbers([Counted(*(_whole(getattr(self, name)) for name in Counted._fields))])
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in found.items()}

    def sync(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Gather the states of all processes, also of those that have seen no batch."""
        if not len(self.score):
            # torchmetrics would send an empty tensor of another type and shape, which cannot be gathered.
            none = (torch.empty((0, 2, BINS), dtype=torch.int32), torch.empty(0, dtype=torch.float64))
            self._append(Counted(*none, torch.empty(0, dtype=torch.bool)))
        super().sync(*args, **options)

    def _append(self, counted: Counted) -> None:
        for name, values in counted._asdict().items():
            getattr(self, name).append(values.to(self.device))


def _whole(state: Tensor | list[Tensor]) -> Tensor:
    """A state in one piece, as it is after gathering, too."""
    return state if isinstance(state, Tensor) else torch.cat(state)
