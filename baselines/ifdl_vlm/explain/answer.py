"""The form of an answer: four headed lines, written for training and read from what was generated."""

from __future__ import annotations

import re

from forgebench import Explanation

_HEADS = ("Type", "Areas", "Tampered Content", "Visual Inconsistencies")
_FORM = re.compile(r"\s*" + r"\n\s*".join(f"{head}:[ \t]*(.*)" for head in _HEADS) + r"\s*", re.IGNORECASE)


def write(explanation: Explanation) -> str:
    r"""An explanation as an answer, one line a field.

    >>> write({"type": "splice", "area": "top left", "content": "a cat", "evidence": "a hard edge"})
    'Type: splice\nAreas: top left\nTampered Content: a cat\nVisual Inconsistencies: a hard edge'
    """
    texts = explanation["type"], explanation["area"], explanation["content"], explanation["evidence"]
    return "\n".join(f"{head}: {' '.join(text.split())}" for head, text in zip(_HEADS, texts, strict=True))


def parse(text: str) -> Explanation | None:
    """The explanation that an answer is; None where it has not the form: a head is missing, or they are out of order.

    >>> parse("Type: splice")
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    kind, area, content, evidence = (part.strip() for part in found.groups())
    return Explanation(type=kind, area=area, content=content, evidence=evidence)
