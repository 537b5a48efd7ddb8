"""The explainer: RAVFE's tokens between the words of a prompt, and a language model with LoRA that goes on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from baselines.common.method import Progress, Trainable
from baselines.ifdl_vlm.explain.answer import write
from baselines.ifdl_vlm.explain.cases import Case, Shown
from baselines.ifdl_vlm.explain.config import ExplainConfig
from baselines.ifdl_vlm.explain.llava import load_llava
from baselines.ifdl_vlm.explain.view import prepared, ravfe
from forgebench.errors import InputError

IGNORED = -100
"""The label of what is not part of an answer."""


class Inputs(NamedTuple):
    """A batch as the language model takes it."""

    embeddings: Tensor
    """Shape (B, L, d): words and image, then the answer, then padding."""
    attended: Tensor
    """Shape (B, L), 1 but in padding."""
    labels: Tensor
    """Shape (B, L): the answers' tokens and the end; elsewhere `IGNORED`."""


class Explainer(Trainable):
    """Stage 2.

    Args:
        config: Its configuration.

    Raises:
        InputError: If named weights cannot be loaded, or the prompt has no place for the image.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ExplainConfig) -> None:
        super().__init__()
        before, place, after = config.prompt.partition("<image>")
        if not place:
            raise InputError(f"The prompt needs a place for the image, <image>: {config.prompt!r}")
        self.config = config
        self.llava, self.tokenizer = load_llava(config)
        self.register_buffer("mean", torch.tensor(config.mean), persistent=False)
        self.register_buffer("std", torch.tensor(config.std), persistent=False)
        # A tokenizer's own first token comes first; nothing ends before the answer does.
        start = [] if self.tokenizer.bos_token_id is None or not config.name else [self.tokenizer.bos_token_id]
        self.before, self.after = start + self.ids(before), self.ids(after)
        self._seen: dict[str, Tensor] = {}

    def losses(self, batch: Shown, progress: Progress) -> dict[str, Tensor]:
        """The cross-entropy of the answers' tokens."""
        return {"loss": self.told(batch.cases)}

    def told(self, cases: Sequence[Case]) -> Tensor:
        """The loss of the true explanations; the frozen tower's features are computed once an image, and kept."""
        for case in cases:
            if case.sample_id not in self._seen:
                self._seen[case.sample_id] = self.see([case.image], [case.mask])[0].half().cpu()
        features = torch.stack([self._seen[case.sample_id].float() for case in cases])
        return self.loss(features, [write(case.explanation) for case in cases])

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without any that begin or end it."""
        return cast(list[int], self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.no_grad()
    def see(
        self, images: Sequence[NDArray[np.uint8]], masks: Sequence[NDArray[np.bool_] | None], alpha: float | None = None
    ) -> Tensor:
        """Region-aware features, shape (B, n, width of the tower).

        Args:
            images: Shape (H, W, 3) each, of any size.
            masks: Shape (H, W) each; None shows the image alone.
            alpha: The configuration's unless given.
        """
        pairs = [
            prepared(image, mask, self.config.size, self.mean.cpu(), self.std.cpu())
            for image, mask in zip(images, masks, strict=True)
        ]
        pixels, regions = (torch.stack(list(part)).to(self.mean.device) for part in zip(*pairs, strict=True))
        with torch.autocast(pixels.device.type, enabled=False):  # in training as in prediction
            return ravfe(self._tokens, pixels, regions, self.config.alpha if alpha is None else alpha)

    def _tokens(self, pixels: Tensor) -> Tensor:
        about, tower = self.llava.config, self.llava.model.vision_tower.eval()
        hidden = tower(pixels.to(self.llava.dtype), output_hidden_states=True).hidden_states
        tokens = hidden[about.vision_feature_layer]
        return cast(Tensor, tokens[:, 1:] if about.vision_feature_select_strategy == "default" else tokens)

    def inputs(self, features: Tensor, answers: Sequence[str]) -> Inputs:
        """What is learned from: the prompt with the image, and the answers, cut at `max_tokens`."""
        prompt = self._prompt(features)
        end = self.tokenizer.eos_token_id
        whole, most = [[*self.ids(text), end] for text in answers], self.config.max_tokens
        if any(len(one) > most for one in whole):
            warnings.warn(f"Answers of more than {most} tokens are cut; see max_tokens.", stacklevel=2)
        ids = [one[:most] for one in whole]
        longest, length = max(map(len, ids)), prompt.shape[1]
        filled = torch.tensor([[*one, *[end] * (longest - len(one))] for one in ids], device=prompt.device)
        lengths = torch.tensor([[len(one)] for one in ids], device=prompt.device)
        inside = torch.arange(longest, device=prompt.device) < lengths
        attended = torch.cat([inside.new_ones(len(ids), length), inside], dim=1).long()
        labels = torch.cat([filled.new_full((len(ids), length), IGNORED), filled.where(inside, IGNORED)], dim=1)
        return Inputs(torch.cat([prompt, self._words(filled)], dim=1), attended, labels)

    def loss(self, features: Tensor, answers: Sequence[str]) -> Tensor:
        """The cross-entropy of the answers' tokens, averaged over all of them."""
        given = self.inputs(features, answers)
        first = int((given.labels != IGNORED).int().argmax(dim=1).min()) - 1
        hidden = self.llava.model.language_model(inputs_embeds=given.embeddings, attention_mask=given.attended)[0]
        logits = self.llava.lm_head(hidden[:, first:-1]).float()
        return functional.cross_entropy(logits.flatten(0, 1), given.labels[:, first + 1 :].flatten())

    @torch.no_grad()
    def answer(self, features: Tensor, seed: int = 0) -> list[str]:
        """Generate answers; the same ones for the same seed.

        Args:
            features: Shape (B, n, width): what `see` gives.
            seed: Of sampling, where the temperature is not 0.
        """
        prompt = self._prompt(features)
        about = self.config
        drawn = {"do_sample": True, "temperature": about.temperature, "top_p": about.top_p}
        devices = [prompt.device] if prompt.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            everywhere = torch.ones(prompt.shape[:2], device=prompt.device, dtype=torch.long)
            made = self.llava.generate(
                inputs_embeds=prompt, attention_mask=everywhere,
                max_new_tokens=about.max_tokens, eos_token_id=self.tokenizer.eos_token_id,
                pad_token_id=self.tokenizer.eos_token_id, **(drawn if about.temperature else {"do_sample": False}),
            )  # fmt: skip
        return [str(text) for text in self.tokenizer.batch_decode(made, skip_special_tokens=True)]

    def _prompt(self, features: Tensor) -> Tensor:
        """Words, the image's tokens, words: shape (B, L, d)."""
        project = self.llava.model.multi_modal_projector
        image = project(features.to(self.mean.device, project.linear_1.weight.dtype)).to(self.llava.dtype)
        before, after = (
            self._words(torch.tensor(ids, device=image.device, dtype=torch.long)).expand(len(image), -1, -1)
            for ids in (self.before, self.after)
        )
        return torch.cat([before, image, after], dim=1)

    def _words(self, ids: Tensor) -> Tensor:
        return cast(Tensor, self.llava.get_input_embeddings()(ids))

    def kept_state(self) -> dict[str, Tensor]:
        """What is trained, by name; all of it where the weights of a part have no name to read them from again."""
        whole = not self.config.name and not (self.config.language.name and self.config.vision.name)
        kept = {name for name, one in self.named_parameters() if one.requires_grad or whole}
        return {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items() if name in kept}

    def load_kept_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `kept_state` gave.

        Raises:
            RuntimeError: If something has no place, or what is trained is missing.
        """
        missing, unexpected = self.load_state_dict(state, strict=False)
        lacking = {name for name, one in self.named_parameters() if one.requires_grad} & set(missing)
        if unexpected or lacking:
            raise RuntimeError(f"The weights do not fit: unexpected {unexpected}, missing {sorted(lacking)}")
