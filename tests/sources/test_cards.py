"""Every source has a card with all its facts, and every card a source."""

from __future__ import annotations

import pytest

import forgebench
from forgebench.errors import InputError
from forgebench.schema import LABELS, SAMPLE_ID
from forgebench.sources import SOURCES, source, sources
from forgebench.sources.spec import cards_folder


def test_sources_and_cards_match():
    cards = {path.stem for path in cards_folder().glob("*.md")}
    assert cards == set(SOURCES)
    assert [spec.name for spec in sources()] == list(SOURCES)
    assert forgebench.sources() == sources()


@pytest.mark.parametrize("name", SOURCES)
def test_a_card_holds_the_facts(name):
    card, prose = source(name).card, source(name).prose
    assert card.name == name
    assert SAMPLE_ID.fullmatch(name)
    assert all([card.title, card.licence, card.homepage.startswith("https://"), card.get, card.layout.strip()])
    assert card.splits
    assert all(split.isidentifier() for split in card.splits)
    assert set(card.expected) <= set(LABELS)
    assert prose
    if not source(name).generic:
        assert card.quirks
        assert card.citation.startswith("@")
        assert 2000 < card.year < 2100


def test_an_unknown_source_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"No source is called 'coverag'\. Did you mean coverage\? There are: casia"):
        source("coverag")
    with pytest.raises(InputError, match=r"No source is called 'zzz'\. There are:"):
        source("zzz")
