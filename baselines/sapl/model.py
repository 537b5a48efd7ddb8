"""SAPL: prompts that the image's edges move, and the map of where the image agrees with them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from baselines.common.config import Training
from baselines.common.data import Batch
from baselines.common.encoders import load_encoders
from baselines.common.method import Model, Output, Progress
from baselines.common.mil import top_mean
from baselines.sapl.config import Config
from baselines.sapl.contrast import EdgeContrast, Selection, ramp, select
from baselines.sapl.edges import soft_edges
from baselines.sapl.processing import process
from baselines.sapl.prompts import EdgeAwareContexts
from baselines.sapl.refine import Sam
from baselines.sapl.similarity import label_losses, p_manipulated


class Maps(NamedTuple):
    """What the model makes of a batch, on a grid of n = h w tokens."""

    p: Tensor
    """Shape (B, n), float32: the similarity map, the probability of manipulated."""
    pooled: Tensor
    """Shape (B,), float32: that of the image's global feature."""
    edges: Tensor
    """Shape (B, n), float32: the soft edge map."""
    tokens: dict[int, Tensor]
    """Shape (B, n, width) for each layer."""
    grid: tuple[int, int]
    attention: Tensor | None
    """Shape (B, n, n): mean attention of the last blocks between patch tokens; None where it was not asked for."""


class Sapl(Model):
    """The method.

    Args:
        config: What it is made of.

    Raises:
        InputError: If the named encoders cannot be loaded.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.vision, self.text = load_encoders(config.encoder)
        prompts, contrast = config.prompts, config.contrast
        self.contexts = EdgeAwareContexts(
            self.text.width, self.vision.joint, length=prompts.length, heads=prompts.heads, spread=prompts.spread
        )
        if not prompts.aware:
            self.contexts.requires_grad_(False).contexts.requires_grad_(True)
        self.contrast = EdgeContrast(
            config.layers, tokens=contrast.tokens, width=self.vision.width, hidden=contrast.hidden,
            projected=contrast.projected, queue=contrast.queue, positives=contrast.positives,
            temperature=contrast.temperature,
        ) if contrast.beta else None  # fmt: skip
        self.sam = Sam(config.processing.sam) if config.processing.sam else None

    def maps(self, images: Tensor, *, attention_blocks: int = 0) -> Maps:
        """The similarity map, and what it comes from.

        Args:
            images: Shape (B, 3, H, W), float32, RGB in [0, 1].
            attention_blocks: Over how many last blocks attention is averaged; 0 leaves it out.
        """
        config = self.config
        layers = sorted({*config.layers, config.edge_layer})
        seen = self.vision(images, layers=layers, attention_blocks=attention_blocks)
        edges = soft_edges(seen.tokens[config.edge_layer], images, seen.grid, config.edge_sources)
        texts = self.texts(seen.dense, edges)
        p, pooled = (p_manipulated(one, texts, config.temperature) for one in (seen.dense, seen.pooled[:, None]))
        return Maps(p, pooled[:, 0], edges, seen.tokens, seen.grid, seen.attention)

    def texts(self, dense: Tensor, edges: Tensor) -> Tensor:
        """What the two classes read as for each image: [start] context words . [end].

        Args:
            dense: Shape (B, n, joint), dense image features.
            edges: Shape (B, n), the soft edge map.

        Returns:
            Shape (B, 2, joint): authentic, manipulated; (1, 2, joint) without ECPL, where images do not matter.
        """
        prompts = self.config.prompts
        if prompts.aware:
            contexts = self.contexts(dense.detach() if prompts.detach else dense, edges)
        else:
            contexts = self.contexts.contexts[None]
        start, end = self.text.ends()
        read = []
        for number, words in enumerate(prompts.words):
            named = self.text.embed(self.text.tokenize(f"{words} ."))
            fixed = [one.expand(len(contexts), -1, -1) for one in (start, named, end)]
            read.append(self.text(torch.cat([fixed[0], contexts[:, number], *fixed[1:]], dim=1)))
        return torch.stack(read, dim=1)

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """L_cls in its three terms, and beta L_HECL as far as its weight has risen."""
        config, maps = self.config, self.maps(batch.images)
        weights = {"pooled_weight": config.pooled_weight, "authentic_weight": config.authentic_weight}
        terms = label_losses(maps.p, maps.pooled, batch.labels, **weights)
        if self.contrast is not None:
            contrasted = self.contrast(maps.tokens, self.selection(maps, batch.labels))
            terms["contrast"] = config.contrast.beta * self._risen(progress) * contrasted
        return terms

    def selection(self, maps: Maps, labels: Tensor) -> Selection:
        """The tokens that the contrast takes for genuine and for manipulated edges, before they are thinned out."""
        contrast = self.config.contrast
        return select(
            maps.edges, maps.p.detach(), labels, edge_share=contrast.edge_share,
            manipulated_share=contrast.manipulated_share, genuine_share=contrast.genuine_share,
        )  # fmt: skip

    def _risen(self, progress: Progress) -> float:
        contrast = self.config.contrast
        return ramp(progress.epoch, wait=contrast.wait_epochs, rise=contrast.rise_epochs)

    def after_step(self, batch: Batch, progress: Progress) -> None:
        """Let what was contrasted into the queues, from the first step on: they are full when the contrast counts."""
        if self.contrast is not None:
            self.contrast.update()

    def parameter_groups(self, training: Training) -> list[dict[str, Any]]:
        """As ever, with LoRA at its own rate."""
        groups = super().parameter_groups(training)
        adapters = {id(one) for name, one in self.named_parameters() if "lora_" in name}
        parted = [
            (group, [one for one in group["params"] if (id(one) in adapters) is lora], lora)
            for group in groups
            for lora in (False, True)
        ]
        share = self.config.lora_rate
        return [
            {**group, "params": params, "lr": training.learning_rate * (share if lora else 1.0)}
            for group, params, lora in parted
            if params
        ]

    @torch.no_grad()
    def predict(self, images: Tensor) -> Output:
        """The processed map; the score is the mean of the most suspect tokens of the similarity map as it was."""
        steps = self.config.processing
        maps = self.maps(images, attention_blocks=self.config.affinity_blocks if steps.affinity else 0)
        refine = self.sam.refinement(images, steps.sam_agreement) if self.sam is not None else None
        processed = process(maps.p, maps.attention, maps.grid, (images.shape[-2], images.shape[-1]), steps, refine)
        return Output(processed[:, None], top_mean(maps.p))
