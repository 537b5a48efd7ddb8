"""Hierarchical edge contrastive learning (HECL): genuine and manipulated edge tokens, two queues for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Selection(NamedTuple):
    """Which tokens are contrasted, shape (B, n), bool; no token is both."""

    genuine: Tensor
    manipulated: Tensor


def select(
    edges: Tensor, p: Tensor, labels: Tensor, *, edge_share: float, manipulated_share: float, genuine_share: float
) -> Selection:
    """Two nested selections: edge tokens, and among them those that are surely genuine or manipulated.

    Level 1 takes the share of strongest edges. Level 2 calls all of them genuine in an authentic image; in a tampered
    one it calls the most suspect share manipulated, the least suspect share genuine, and leaves out the rest. A share
    is rounded, and at least one token.

    Args:
        edges: Shape (B, n): the soft edge map.
        p: Shape (B, n): the similarity map, detached.
        labels: Shape (B,), 1 is tampered.
        edge_share: Of all tokens, in (0, 1].
        manipulated_share: Of the edge tokens.
        genuine_share: Of the edge tokens.
    """
    strongest = edge_tokens(edges, edge_share)
    count = strongest.shape[1]
    order = p.gather(1, strongest).argsort(dim=1, descending=True)
    suspect = strongest.gather(1, order)
    tampered = labels.bool()[:, None]
    manipulated = _marked(edges, suspect[:, : _share(manipulated_share, count)]) & tampered
    least = _marked(edges, suspect[:, count - _share(genuine_share, count) :])
    genuine = torch.where(tampered, least & ~manipulated, _marked(edges, strongest))
    return Selection(genuine, manipulated)


def edge_tokens(edges: Tensor, share: float) -> Tensor:
    """Level 1: the indices of the strongest edges of each row of (B, n), strongest first; shape (B, k)."""
    return edges.topk(_share(share, edges.shape[1]), dim=1).indices


def _share(share: float, count: int) -> int:
    return max(1, round(share * count))


def _marked(like: Tensor, indices: Tensor) -> Tensor:
    return torch.zeros_like(like, dtype=torch.bool).scatter(1, indices, True)


def at_most(chosen: Tensor, limit: int) -> Tensor:
    """At most so many tokens of each row of (B, n), at random."""
    rank = torch.rand(chosen.shape, device=chosen.device).masked_fill(~chosen, -1).argsort(dim=1, descending=True)
    return chosen & _marked(chosen, rank[:, :limit])


class Queue(nn.Module):
    """The last `size` features, first in, first out; buffers, so checkpoints hold them.

    Args:
        size: Features that are kept.
        width: Of each.
    """

    features: Tensor
    pushed: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.zeros(size, width))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.long))

    def push(self, features: Tensor) -> None:
        """Let features of shape (k, width) in; the oldest leave."""
        size, start = len(self.features), int(self.pushed)
        kept = features[-size:]
        first = start + len(features) - len(kept)
        places = torch.arange(first, first + len(kept), device=self.features.device) % size
        self.features[places] = kept.detach().to(self.features.dtype)
        self.pushed += len(features)

    def held(self) -> Tensor:
        """What is in it, in no order, shape (k, width)."""
        return self.features[: int(self.pushed.clamp_max(len(self.features)))].clone()


def info_nce(anchors: Tensor, same: Tensor, places: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Supervised InfoNCE: the mean over positives of -log(e^(z·p / t) / (e^(z·p / t) + sum of e^(z·n / t))).

    Each positive stands alone against all negatives (Khosla et al. 2020, with the sum outside and no other positive
    in the denominator).

    Args:
        anchors: Shape (a, d), L2-normalised.
        same: Shape (s, d): features of the anchors' type.
        places: Shape (a, k), int64: which of them are the positives of each anchor.
        other: Shape (m, d): the negatives of all.
        temperature: Above 0.

    Returns:
        A scalar; 0, with a graph, where there are no anchors, positives or negatives.
    """
    if not places.numel() or not len(other):
        return anchors.sum() * 0
    against = (anchors @ other.T / temperature).logsumexp(dim=1, keepdim=True)
    agreement = (anchors @ same.T / temperature).gather(1, places)
    return functional.softplus(against - agreement).mean()


class LayerContrast(nn.Module):
    """The projection head of one layer and its queues of genuine and of manipulated edges.

    Args:
        width: Of the layer's tokens.
        hidden: Width of the head's hidden layer.
        projected: Width of what is contrasted.
        queue: Size of each queue.
        positives: At most so many positives of an anchor, drawn at random.
        temperature: Of InfoNCE.
    """

    def __init__(
        self, width: int, *, hidden: int, projected: int, queue: int, positives: int, temperature: float
    ) -> None:
        super().__init__()
        self.positives, self.temperature = positives, temperature
        self.head = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, projected))
        self.genuine, self.manipulated = Queue(queue, projected), Queue(queue, projected)
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def forward(self, tokens: Tensor, selection: Selection) -> Tensor:
        """Half the sum of both types' InfoNCE over the tokens, shape (B, n, width). They wait until `update`."""
        genuine, manipulated = (functional.normalize(self.head(tokens[chosen]).float(), dim=-1) for chosen in selection)
        self._waiting.append((genuine.detach(), manipulated.detach()))
        of_genuine = torch.cat([genuine, self.genuine.held()])
        of_manipulated = torch.cat([manipulated, self.manipulated.held()])
        return (
            self._of_type(genuine, of_genuine, of_manipulated) + self._of_type(manipulated, of_manipulated, of_genuine)
        ) / 2

    def _of_type(self, anchors: Tensor, same: Tensor, other: Tensor) -> Tensor:
        """InfoNCE of one type. `same` begins with the anchors themselves; none is its own positive."""
        others = max(0, len(same) - 1)
        drawn = torch.rand(len(anchors), others, device=anchors.device).argsort(dim=1)[:, : self.positives]
        places = drawn + (drawn >= torch.arange(len(anchors), device=drawn.device)[:, None])
        return info_nce(anchors, same, places, other, self.temperature)

    def update(self) -> None:
        """Let what has waited into the queues."""
        for genuine, manipulated in self._waiting:
            self.genuine.push(genuine)
            self.manipulated.push(manipulated)
        self._waiting.clear()


class EdgeContrast(nn.Module):
    """One `LayerContrast` for each layer; its further arguments are theirs.

    Args:
        layers: The blocks whose tokens are contrasted.
        tokens: At most so many tokens of a type and image, drawn at random.
    """

    def __init__(self, layers: Sequence[int], *, tokens: int, **of_each: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.tokens = tokens
        self.layers = nn.ModuleDict({str(layer): LayerContrast(**of_each) for layer in layers})

    def forward(self, tokens: Mapping[int, Tensor], selection: Selection) -> Tensor:
        """L_HECL: the mean over layers; `tokens` has shape (B, n, width) for each."""
        chosen = Selection(*(at_most(one, self.tokens) for one in selection))
        return torch.stack([layer(tokens[int(name)], chosen) for name, layer in self.layers.items()]).mean()

    def update(self) -> None:
        """Let what was selected since the last call into the queues."""
        for layer in self.layers.values():
            cast(LayerContrast, layer).update()


def ramp(epoch: float, *, wait: float, rise: float) -> float:
    """The share of L_HECL's weight: 0 for `wait` epochs, then linear to 1 over `rise` epochs.

    >>> [ramp(epoch, wait=2, rise=2) for epoch in (0, 2, 3, 4, 20)]
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    return min(1.0, max(0.0, epoch - wait) / max(rise, 1e-9))
