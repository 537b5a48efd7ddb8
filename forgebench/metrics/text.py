"""Explanations: how far a predicted text says what the truth says, field by field.

A token is a run of letters and digits of the text in Unicode form NFKC, case folded; an underscore parts tokens as a
blank does, so that `copy_move` is `Copy-move`. Of a text, the first 4096 tokens count. Two numbers stand beside each
other because either can be gamed alone: the token F1 is blind to order, and ROUGE-L sees it; in both, words that are
repeated count no more often than the truth has them, and every further one costs precision.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forgebench.errors import InputError
from forgebench.metrics.pixel import Floats, ratio
from forgebench.schema import FIELDS

MAX_TOKENS = 4096
"""Tokens of a text that are looked at: it bounds the time of the longest common subsequence."""
_TOKEN = re.compile(r"[^\W_]+")

Ints = NDArray[np.int64]
Explained = Mapping[str, str]
"""An explanation: text by field; a field that is not there is empty."""


class TextCounts(NamedTuple):
    """The counts of one explanation, of shape (4,), or of many, of shape (N, 4): type, area, content, evidence."""

    lcs: Ints
    """Length of the longest common subsequence of predicted and true tokens."""
    overlap: Ints
    """Tokens that both have, each as often as the one that has it less often."""
    predicted: Ints
    """Tokens predicted."""
    truth: Ints
    """Tokens of the truth; 0 where the field is undefined."""
    exact: Ints
    """1 where the tokens are the same, in the same order."""


def tokens(text: str) -> list[str]:
    """The tokens of a text, at most 4096.

    >>> tokens("Copy_Move: 3.5 % of the ＣＡＴ's fur")
    ['copy', 'move', '3', '5', 'of', 'the', 'cat', 's', 'fur']
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return [found[0] for found in islice(_TOKEN.finditer(plain), MAX_TOKENS)]


def text_counts(predicted: Explained | None, truth: Explained | None) -> TextCounts:
    """Count the tokens that a predicted and a true explanation have in common.

    Args:
        predicted: None, an empty field or one that is not there: nothing was said.
        truth: None, an empty field or one that is not there: undefined.

    >>> counts = text_counts({"content": "the cat sat on the mat"}, {"content": "The cat lay on a mat."})
    >>> [int(count[2]) for count in counts]
    [4, 4, 6, 6, 0]
    """
    pairs = [tuple(tokens((given or {}).get(name, "")) for given in (predicted, truth)) for name in FIELDS]
    columns = zip(*(_counts(said, true) for said, true in pairs), strict=True)
    return TextCounts(*(np.array(column, np.int64) for column in columns))


def _counts(said: list[str], true: list[str]) -> tuple[int, int, int, int, int]:
    overlap = (Counter(said) & Counter(true)).total()
    return common_subsequence(said, true), overlap, len(said), len(true), int(said == true)


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a machine word of `a` at a time (Hyyrö 2004).

    >>> common_subsequence("the cat sat on the mat".split(), "on the mat the cat sat".split())
    3
    """
    places: dict[str, int] = {}
    for index, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << index
    every = (1 << len(a)) - 1
    row = every
    for token in b:
        match = row & places.get(token, 0)
        row = ((row + match) | (row - match)) & every
    return len(a) - row.bit_count()


def text_numbers(counts: TextCounts) -> dict[str, float]:
    """The numbers of one explanation, all in [0, 1]; higher is better.

    For each field `text_f1_<field>`, twice the overlap over all tokens (Rajpurkar et al. 2016), and
    `text_rouge_l_<field>`, twice the longest common subsequence over all tokens (Lin 2004, equations 2 to 4 with
    beta 1); `text_f1` and `text_rouge_l`, their means over the fields that are defined; `text_type_exact`, 1 where
    the type is the same. Where nothing is said, all are 0. NaN where the truth has no token in the field, or in any.

    >>> truth = {"type": "splice", "area": "", "content": "a black cat", "evidence": "two lights"}
    >>> said = {"type": "Splice", "area": "left", "content": "a cat that is black", "evidence": ""}
    >>> numbers = text_numbers(text_counts(said, truth))
    >>> numbers["text_f1_content"], numbers["text_rouge_l_content"], numbers["text_f1_evidence"]
    (0.75, 0.5, 0.0)
    >>> numbers["text_type_exact"], numbers["text_f1_area"], round(numbers["text_f1"], 4)
    (1.0, nan, 0.5833)
    """
    table = text_numbers_of(TextCounts(*(count[None] for count in counts)))
    return {name: float(values[0]) for name, values in table.items()}


def text_numbers_of(counts: TextCounts) -> dict[str, Floats]:
    """The same numbers for many explanations: counts of shape (N, 4) to arrays of shape (N,)."""
    defined = counts.truth > 0
    every = counts.predicted + counts.truth
    found: dict[str, Floats] = {}
    for name, common in (("text_f1", counts.overlap), ("text_rouge_l", counts.lcs)):
        values = ratio(2 * common, every, where=defined)
        found |= {f"{name}_{field}": values[:, index] for index, field in enumerate(FIELDS)}
        found[name] = mean_of_fields(values)
    exact = np.where(defined, counts.exact, np.nan)
    return {**found, "text_type_exact": exact[:, FIELDS.index("type")]}


def mean_of_fields(values: Floats) -> Floats:
    """The mean of each row's defined values: shape (N, 4) to (N,); NaN where there is none."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=1)
    return ratio(np.where(defined, values, 0.0).sum(axis=1), n, where=n > 0)


def embedding_similarity(
    encoder: Callable[[list[str]], ArrayLike],
    predicted: Sequence[Explained | None],
    truth: Sequence[Explained | None],
) -> Floats:
    """The cosine between the embeddings of predicted and true text, shape (N, 4), in [0, 1]. Higher is better.

    A negative cosine is 0, and so is a field without predicted text; NaN where the truth has no token. It says
    nothing without the encoder's name and version, and changes with it.

    Args:
        encoder: Texts to vectors, one a text: shape (n, D), finite. It is called once, each text in it once, or not
            at all where there is nothing to compare.
        predicted: N explanations; None where there is none.
        truth: The same.

    Raises:
        InputError: If the encoder gives anything else, or a vector of zeros, which has no direction.
    """
    said, true = ([[(e or {}).get(name, "") for name in FIELDS] for e in many] for many in (predicted, truth))
    pairs = {
        (row, column): (said[row][column], text)
        for row, texts in enumerate(true) for column, text in enumerate(texts)
        if tokens(text) and tokens(said[row][column])
    }  # fmt: skip
    found = np.array([[0.0 if tokens(text) else np.nan for text in texts] for texts in true]).reshape(-1, len(FIELDS))
    unit = _directions(encoder, sorted({text for pair in pairs.values() for text in pair}))
    for place, (a, b) in pairs.items():
        found[place] = min(1.0, max(0.0, float(unit[a] @ unit[b])))
    return found


def _directions(encoder: Callable[[list[str]], ArrayLike], texts: list[str]) -> dict[str, Floats]:
    if not texts:
        return {}
    vectors = np.asarray(encoder(texts), np.float64)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise InputError(
            f"Expected an encoder that gives finite vectors of shape ({len(texts)}, D), got shape {vectors.shape}."
        )
    lengths = np.linalg.norm(vectors, axis=1)
    if not lengths.all():
        raise InputError(f"The encoder gives a vector of zeros for {texts[int(lengths.argmin())]!r}.")
    return dict(zip(texts, vectors / lengths[:, None], strict=True))
