"""The page that sets the methods side by side says what perf/README.md and the methods' READMEs say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import method_pages

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return str(method_pages.pages()["methods/index.md"])


@pytest.mark.parametrize("name", method_pages.SPEED)
def test_speeds_are_those_that_were_measured(name, page):
    measured = (ROOT / "perf" / "README.md").read_text(encoding="utf-8")
    told = method_pages.SPEED[name]
    assert told in next(line for line in page.splitlines() if line.startswith("| ") and name in line)
    for number in re.findall(r"\d+\.\d+", told):
        assert number in measured


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("boxpromptiml", "| WSCL | .349 | .124 | .133 | .066 | .123 |"),
        ("boxpromptiml", "| PIM | masks | .648 | .357 |"),
        ("ifdl_vlm", "| SIDA-13B | 89.6 / 91.1 | 98.5 / 98.7 | 92.9 / 91.2 | 93.6 / 93.5 |"),
        ("ifdl_vlm", "| preferred by 50 people | 11.3 % | 65.2 % |"),
    ],
)
def test_the_papers_tables_are_there_and_called_theirs(name, told, page):
    _, _, papers = page.partition("## What the papers report")
    assert told in papers
    assert told in (ROOT / "baselines" / name / "README.md").read_text(encoding="utf-8")
    assert "## Numbers of ours" not in papers
    assert papers.count("the paper's tables") == 2
