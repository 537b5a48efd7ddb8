"""Text encoders on embeddings, so that learned context tokens get gradients through frozen weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from baselines.common.config import EncoderConfig

_LENGTH = 77
"""Positions of CLIP's text tower."""
_WORDS = 512


class TextEncoder(nn.Module, ABC):
    """Turns token embeddings into a vector in the space of images."""

    width: int
    """Of a token's embedding."""

    @abstractmethod
    def tokenize(self, words: str) -> list[int]:
        """The tokens of words, without a beginning and an end."""

    @abstractmethod
    def embed(self, tokens: Sequence[int]) -> Tensor:
        """Embeddings of tokens, shape (L, width)."""

    @abstractmethod
    def ends(self) -> tuple[Tensor, Tensor]:
        """The embeddings of the tokens that begin and end a text, each of shape (1, width)."""

    @abstractmethod
    def forward(self, embeddings: Tensor) -> Tensor:
        """Encode texts of one length whose last token is the end.

        Args:
            embeddings: Shape (B, L, width), positions not added yet.

        Returns:
            Shape (B, joint), not normalised.
        """

    def sentence(self, before: Tensor, words: str, after: Tensor) -> Tensor:
        """A text with learned context around words, shape (L, width).

        Args:
            before: Shape (k, width): context before the words; k may be 0.
            words: What stands in the middle.
            after: Shape (m, width): context behind them.
        """
        start, end = self.ends()
        return torch.cat([start, before, self.embed(self.tokenize(words)), after, end])


class ClipText(TextEncoder):
    """CLIP's text tower, frozen; gradients flow through it to what it is given.

    Raises:
        InputError: If the named weights cannot be loaded.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

        self._tokenizer: Any = None
        if config.name:
            from transformers import CLIPTokenizer

            from baselines.common.encoders import named

            model = named(lambda: CLIPTextModelWithProjection.from_pretrained(config.name), config.name)
            self._tokenizer = named(lambda: CLIPTokenizer.from_pretrained(config.name), config.name)
        else:
            about = CLIPTextConfig(
                vocab_size=_WORDS, hidden_size=config.width, intermediate_size=4 * config.width,
                num_hidden_layers=config.depth, num_attention_heads=config.heads, projection_dim=config.joint,
                max_position_embeddings=_LENGTH, bos_token_id=_WORDS - 2, eos_token_id=_WORDS - 1,
            )  # fmt: skip
            model = CLIPTextModelWithProjection(about)
        self.reloaded = bool(config.name)
        self.tower, self.projection = model.text_model, model.text_projection
        self.width = model.config.hidden_size
        self._ends = [model.config.bos_token_id, model.config.eos_token_id]
        if self._tokenizer is not None:
            self._ends = [self._tokenizer.bos_token_id, self._tokenizer.eos_token_id]
        self.requires_grad_(False)

    def tokenize(self, words: str) -> list[int]:
        """The tokens of words; where weights are random, a hash of each word."""
        if self._tokenizer is None:
            return [crc32(word.encode()) % (_WORDS - 2) for word in words.split()]
        return list(self._tokenizer(words, add_special_tokens=False)["input_ids"])

    def embed(self, tokens: Sequence[int]) -> Tensor:
        """Embeddings of tokens, shape (L, width)."""
        table = self.tower.embeddings.token_embedding
        return table(torch.tensor(list(tokens), dtype=torch.long, device=table.weight.device))

    def ends(self) -> tuple[Tensor, Tensor]:
        """The embeddings of the tokens that begin and end a text."""
        first, last = self.embed(self._ends)
        return first[None], last[None]

    def forward(self, embeddings: Tensor) -> Tensor:
        """Encode texts; see `TextEncoder`."""
        length = embeddings.shape[1]
        causal = torch.full((length, length), float("-inf"), device=embeddings.device).triu(1).to(embeddings.dtype)
        hidden = self.tower.embeddings(inputs_embeds=embeddings)
        hidden = self.tower.encoder(inputs_embeds=hidden, attention_mask=causal[None, None]).last_hidden_state
        return self.projection(self.tower.final_layer_norm(hidden)[:, -1])


class LearnedText(TextEncoder):
    """Texts where there is no text tower: learned embeddings of words, mixed by one learned block.

    It stands in for CLIP's text tower beside a vision tower that has seen no texts, and knows no language.
    """

    def __init__(self, joint: int, heads: int = 4) -> None:
        super().__init__()
        self.width = joint
        self.words = nn.Embedding(_WORDS, joint)
        self.positions = nn.Parameter(torch.randn(_LENGTH, joint) * 0.01)
        self.block = nn.TransformerEncoderLayer(
            joint, heads if joint % heads == 0 else 1, 2 * joint, dropout=0.0, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.norm = nn.LayerNorm(joint)

    def tokenize(self, words: str) -> list[int]:
        """A hash of each word."""
        return [crc32(word.encode()) % (_WORDS - 2) for word in words.split()]

    def embed(self, tokens: Sequence[int]) -> Tensor:
        """Embeddings of tokens, shape (L, width)."""
        return self.words(torch.tensor(list(tokens), dtype=torch.long, device=self.words.weight.device))

    def ends(self) -> tuple[Tensor, Tensor]:
        """The embeddings of the tokens that begin and end a text."""
        first, last = self.embed([_WORDS - 2, _WORDS - 1])
        return first[None], last[None]

    def forward(self, embeddings: Tensor) -> Tensor:
        """Encode texts; see `TextEncoder`."""
        return self.norm(self.block(embeddings + self.positions[: embeddings.shape[1]]))[:, -1]
