"""Text metrics against brute force, cases by hand and texts that try to win."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forgebench import InputError
from forgebench.metrics.text import (
    MAX_TOKENS,
    TextCounts,
    common_subsequence,
    embedding_similarity,
    text_counts,
    text_numbers,
    text_numbers_of,
    tokens,
)

FIELDS = ("type", "area", "content", "evidence")
TRUTH = {
    "type": "copy-move",
    "area": "top left, 3 % of the image",
    "content": "a black cat on a wall",
    "evidence": "The cat occurs twice; its blocks are shifted by 3 pixels.",
}


def _numbers(said, truth=None):
    return text_numbers(text_counts(said, TRUTH if truth is None else truth))


def _lcs(a, b):
    """By the recurrence that defines it."""

    @cache
    def of(i, j):
        if i == len(a) or j == len(b):
            return 0
        return 1 + of(i + 1, j + 1) if a[i] == b[j] else max(of(i + 1, j), of(i, j + 1))

    return of(0, 0)


_WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=20)


@given(_WORDS, _WORDS)
@settings(max_examples=400, deadline=None, database=None, derandomize=True)
def test_the_common_subsequence_is_that_of_brute_force(a, b):
    assert common_subsequence(a, b) == _lcs(tuple(a), tuple(b)) == common_subsequence(b, a)


@pytest.mark.parametrize("n", [63, 64, 65, 128, 300])
def test_the_common_subsequence_beyond_a_machine_word(n):
    rng = np.random.default_rng(n)
    a, b = ([str(word) for word in rng.integers(0, 9, n)] for _ in range(2))
    table = np.zeros((n + 1, n + 1), int)
    for i in range(n):
        for j in range(n):
            table[i + 1, j + 1] = table[i, j] + 1 if a[i] == b[j] else max(table[i, j + 1], table[i + 1, j])
    assert common_subsequence(a, b) == table[n, n]


@given(_WORDS, _WORDS)
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_f1_and_rouge_l_by_precision_and_recall(said, true):
    """As the papers write them: precision and recall first, then their harmonic mean."""
    numbers = _numbers({"content": " ".join(said)}, {"content": " ".join(true)})
    left = list(true)
    overlap = sum(word in left and left.remove(word) is None for word in said)
    for name, common in (("text_f1", overlap), ("text_rouge_l", _lcs(tuple(said), tuple(true)))):
        expected = math.nan if not true else 0.0
        if common:
            precision, recall = common / len(said), common / len(true)
            expected = 2 * precision * recall / (precision + recall)
        assert numbers[f"{name}_content"] == pytest.approx(expected, nan_ok=True)
        assert numbers[name] == pytest.approx(expected, nan_ok=True)
    assert math.isnan(numbers["text_type_exact"])


def test_lins_own_example():
    """Lin 2004, section 3: the reference and the candidates that unigrams cannot tell apart."""
    truth = {"content": "police killed the gunman"}
    values = [
        _numbers({"content": text}, truth)["text_rouge_l_content"]
        for text in ("police kill the gunman", "the gunman kill police")
    ]
    assert values == [0.75, 0.5]


def test_the_truth_itself_is_perfect():
    numbers = _numbers(TRUTH)
    assert set(numbers.values()) == {1.0}
    assert len(numbers) == 11


@pytest.mark.parametrize("said", [None, {}, dict.fromkeys(FIELDS, ""), dict.fromkeys(FIELDS, " \n.,-_!?…🙂")])
def test_nothing_said_is_worst_and_defined(said):
    assert set(_numbers(said).values()) == {0.0}


@pytest.mark.parametrize("truth", [None, {}, dict.fromkeys(FIELDS, ""), dict.fromkeys(FIELDS, " … ")])
@pytest.mark.parametrize("said", [None, TRUTH])
def test_without_a_truth_nothing_is_defined(said, truth):
    assert all(math.isnan(value) for value in text_numbers(text_counts(said, truth)).values())


def test_a_field_that_the_truth_does_not_have_is_left_out_of_the_mean():
    numbers = _numbers(TRUTH, TRUTH | {"area": ""})
    assert math.isnan(numbers["text_f1_area"])
    assert numbers["text_f1"] == numbers["text_rouge_l"] == 1
    half = _numbers({"type": "copy-move"}, {"type": "copy-move", "content": "a cat"})
    assert half["text_f1"] == 0.5


def test_fields_do_not_lend_each_other_words():
    said = {"type": TRUTH["content"], "area": TRUTH["evidence"], "content": TRUTH["area"], "evidence": TRUTH["type"]}
    assert _numbers(said)["text_f1"] < 0.25


@pytest.mark.parametrize("said", ["copy-move", "copy_move", "Copy move", "COPY‐MOVE", "ｃｏｐｙ move."])
def test_the_same_type_in_other_letters(said):
    assert _numbers({"type": said})["text_type_exact"] == 1


@pytest.mark.parametrize("said", ["move copy", "copymove", "copy", "copy move copy", "splice", "copy-move or splice"])
def test_another_type(said):
    assert _numbers({"type": said})["text_type_exact"] == 0


def test_words_in_another_order_win_f1_and_lose_rouge_l():
    words = TRUTH["evidence"].split()
    numbers = _numbers({"evidence": " ".join(sorted(words, reverse=True))})
    assert numbers["text_f1_evidence"] == 1
    assert numbers["text_rouge_l_evidence"] < 0.5


def test_repeated_words_do_not_pay():
    once = _numbers({"evidence": "the cat"})
    often = _numbers({"evidence": "the cat " * 50})
    everything = _numbers({"evidence": TRUTH["evidence"] * 20})
    for name in ("text_f1_evidence", "text_rouge_l_evidence"):
        assert often[name] < once[name]
        assert everything[name] < 0.1


def test_saying_every_word_does_not_pay():
    words = " ".join(f"{word} w{i}" for i, word in enumerate(tokens(" ".join(TRUTH.values())) * 5))
    assert _numbers(dict.fromkeys(FIELDS, words))["text_f1"] < 0.1


def test_texts_are_cut_at_4096_tokens_which_bounds_the_work():
    long = "a b " * 2_000_000
    assert len(tokens(long)) == MAX_TOKENS == 4096
    counts = text_counts({"content": long}, {"content": long})
    assert counts.lcs[2] == counts.overlap[2] == counts.predicted[2] == counts.truth[2] == 4096
    other = text_counts({"content": "b a " * 5000}, {"content": long})
    assert other.lcs[2] == 4095


def test_unicode():
    assert tokens("Cafe\u0301 CAFÉ ﬁne Straße STRASSE") == ["café", "café", "fine", "strasse", "strasse"]
    assert tokens("x²+1½ \u0130") == ["x2", "11", "2", "i"]
    assert tokens("🙂👩\u200d💻 \x00 _ ,;") == []
    assert tokens("猫が二匹") == ["猫が二匹"]
    assert tokens("\ud800a") == ["a"]


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_bounds_and_symmetry(a, b):
    counts = text_counts({"content": a}, {"content": b})
    turned = text_counts({"content": b}, {"content": a})
    assert 0 <= counts.lcs[2] <= counts.overlap[2] <= min(counts.predicted[2], counts.truth[2])
    assert (counts.lcs == turned.lcs).all()
    assert (counts.overlap == turned.overlap).all()
    assert (counts.predicted == turned.truth).all()
    assert tokens(a) == tokens(a.upper().lower()) or a.upper().lower().casefold() != a.casefold()


def test_many_at_once_are_the_same_as_one_by_one():
    said = [None, TRUTH, {"type": "splice", "evidence": "the cat occurs"}, {"area": "top"}]
    truths = [TRUTH, TRUTH, TRUTH | {"content": ""}, None]
    one_by_one = [text_counts(a, b) for a, b in zip(said, truths, strict=True)]
    stacked = TextCounts(*(np.stack(column) for column in zip(*one_by_one, strict=True)))
    for name, values in text_numbers_of(stacked).items():
        expected = [text_numbers(counts)[name] for counts in one_by_one]
        np.testing.assert_array_equal(values, expected)
    empty = text_numbers_of(TextCounts(*(np.zeros((0, 4), np.int64) for _ in range(5))))
    assert all(values.shape == (0,) for values in empty.values())


def _letters(texts):
    """Counts of letters: a real embedding, if a poor one."""
    return np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])


def test_embeddings_against_the_formula():
    said = [{"type": "splice", "area": "", "content": "a cat"}, None]
    truth = [TRUTH, TRUTH]
    found = embedding_similarity(_letters, said, truth)
    assert found.shape == (2, 4)
    for column, name in ((0, "type"), (2, "content")):
        a, b = _letters([said[0][name], TRUTH[name]]).astype(float)
        assert found[0, column] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))
    assert found[0, [1, 3]].tolist() == [0, 0]
    assert found[1].tolist() == [0, 0, 0, 0]


def test_embeddings_where_they_are_undefined_perfect_and_opposite():
    found = embedding_similarity(_letters, [TRUTH, TRUTH], [TRUTH | {"area": " … "}, None])
    np.testing.assert_allclose(found, [[1, np.nan, 1, 1], [np.nan] * 4])
    assert np.nanmax(found) <= 1
    opposite = embedding_similarity(lambda texts: [[1.0], [-1.0]][: len(texts)], [{"type": "a"}], [{"type": "b"}])
    assert opposite[0, 0] == 0


def test_an_encoder_sees_each_text_once_and_nothing_that_is_not_needed():
    seen = []

    def noting(texts):
        seen.append(texts)
        return _letters(texts)

    embedding_similarity(noting, [TRUTH, TRUTH, None], [TRUTH, {"type": "splice"}, {"content": "not compared"}])
    assert seen == [sorted({*TRUTH.values(), "splice"})]
    assert embedding_similarity(noting, [None], [TRUTH]).tolist() == [[0, 0, 0, 0]]
    assert embedding_similarity(noting, [], []).shape == (0, 4)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (lambda texts: np.ones(len(texts)), "finite vectors of shape"),
        (lambda texts: np.ones((len(texts) + 1, 3)), "finite vectors of shape"),
        (lambda texts: np.full((len(texts), 3), np.nan), "finite vectors of shape"),
        (lambda texts: np.zeros((len(texts), 3)), "a vector of zeros for '"),
    ],
)
def test_an_encoder_that_is_none(encoder, words):
    with pytest.raises(InputError, match=words):
        embedding_similarity(encoder, [TRUTH], [TRUTH])
