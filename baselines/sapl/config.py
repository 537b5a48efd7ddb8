"""What SAPL is made of. Its abstract alone is known: every number is our reconstruction unless it says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EdgeSource = Literal["features", "image"]


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Edge-aware contextual prompt learning."""

    words: tuple[str, str] = ("authentic edge", "manipulated edge")
    """Of the two classes; no object is named, as in AnomalyCLIP's "object" and "damaged object"."""
    length: int = 12
    """Context tokens of a class: AnomalyCLIP's."""
    spread: float = 0.02
    """Standard deviation of the contexts at the start: CoOp's."""
    aware: bool = True
    """Contexts attend to the edge-enhanced image (ECPL, named in the abstract); else they are CoOp's."""
    heads: int = 8
    """Of that attention: those of CLIP's text transformer."""
    detach: bool = False
    """Keep gradients of the attention out of the image encoder, where training is unstable."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Hierarchical edge contrastive learning; "hierarchical" is read as two nested selections over several layers."""

    beta: float = 0.2
    """Weight of the loss; 0 leaves the contrast out."""
    edge_share: float = 0.2
    """Level 1: the share of tokens that are edges. A seam and its surroundings are seldom more of an image."""
    manipulated_share: float = 0.1
    """Level 2: the share of a tampered image's edges that are surely manipulated; few, for the map is weak at first."""
    genuine_share: float = 0.3
    """Level 2: the share of its edges that are surely genuine."""
    tokens: int = 32
    """At most so many of a type, layer and image, so that authentic images do not drown the others."""
    positives: int = 64
    """At most so many positives of an anchor."""
    queue: int = 4096
    """Features in each of the two queues of a layer (dual queues: a digest of the paper)."""
    hidden: int = 256
    """Hidden width of a projection head."""
    projected: int = 128
    """Width of what is contrasted: MoCo's."""
    temperature: float = 0.1
    """Of InfoNCE: supervised contrastive learning's."""
    wait_epochs: float = 2
    """Epochs without the loss: level 2 trusts the similarity map, which knows nothing at first."""
    rise_epochs: float = 2
    """Epochs over which its weight then rises to beta."""


@dataclass(frozen=True, kw_only=True)
class Processing:
    """From the similarity map to regions ("after processing": the abstract says no more)."""

    affinity: int = 2
    """P <- A P so many times, at token level, as CLIP-ES spreads evidence; 0 leaves it out."""
    sigma: float = 4.0
    """Of the Gaussian on the upsampled map, in pixels: AnomalyCLIP's test step; 0 leaves it out."""
    close: float = 0.01
    """Radius of the morphological closing, as a share of the short side; 0 leaves it out."""
    fill: bool = True
    """Fill what a region encloses: evidence is at edges, forgeries are areas."""
    drop: float = 0.001
    """Drop regions of less than this share of the image; 0 leaves it out."""
    sam: str = ""
    """Refine by this Segment Anything model, the first author's earlier habit; empty leaves it out."""
    sam_agreement: float = 0.5
    """Take SAM's mask of a region where their IoU is above this."""
