"""A page read back with the standard library, as a browser would see its elements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Element:
    """One element: tag, attributes, and all text below it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str, **attributes: str | None) -> Iterator[Element]:
        """Elements below this one; an attribute None may have any value."""
        for child in self.children:
            given = {key.replace("_", "-").rstrip("-"): value for key, value in attributes.items()}
            has = all(k in child.attributes and v in (None, child.attributes[k]) for k, v in given.items())
            if child.tag == tag and has:
                yield child
            yield from child.all(tag, **attributes)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def parse(html: str) -> Element:
    """The page's root; every element must be closed in its place."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.open == [parser.root]
    return parser.root


def words(element: Element) -> str:
    """Its text with single blanks."""
    return " ".join(element.text.split())


def figures(page: Element) -> dict[str, Any]:
    """The page's curves."""
    (script,) = page.all("script", id="figures")
    return dict(json.loads(script.text))
