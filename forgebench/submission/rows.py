"""CSV and JSON from strangers, a row or an entry at a time: nothing deep or endless is ever built."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from forgebench.schema import FIELDS
from forgebench.submission.layout import UnreadableError

SCORE_HEADERS = (["sample_id", "score"], ["sample_id", "score", "synthetic"])
TEXT_HEADERS = (["sample_id", *FIELDS],)
MAX_ENTRY = 4096
"""Most bytes of one entry of `boxes.json`; a box takes some 100."""
_BLANKS = re.compile(rb"[ \t\r\n]*")
_MARK = b"\xef\xbb\xbf"


def csv_rows(data: bytes, headers: tuple[list[str], ...], *, errors: str = "strict") -> Iterator[list[str]]:
    """The rows of a CSV file below its header, which comes first; blank lines are left out.

    Args:
        data: The file.
        headers: The headers that it may have.
        errors: What becomes of bytes that are not UTF-8: `strict` raises, `surrogateescape` keeps them apart.

    Raises:
        UnreadableError: If it is not CSV, or has another header.
    """
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors=errors, newline="")
        reader = csv.reader(text, strict=True)
        header = next(reader, [])
        if header not in headers:
            wanted = " or ".join(f"'{','.join(names)}'" for names in headers)
            raise UnreadableError(f"a first line '{','.join(header)[:100]}' instead of {wanted}")
        yield header
        yield from filter(None, reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(str(error)) from error


def json_entries(data: bytes) -> Iterator[Any]:
    """The entries of a JSON list.

    Each is parsed alone from a window of `MAX_ENTRY` bytes, so that a list of millions of empty lists, or one that
    is a million deep, takes no memory. Bytes that are not ASCII become lone surrogates: no id has any.

    Raises:
        UnreadableError: If it is not JSON, no list, or an entry is larger.
    """
    decoder = json.JSONDecoder()
    place = _after(data, len(_MARK) if data.startswith(_MARK) else 0)
    if data[place : place + 1] != b"[":
        raise UnreadableError("no JSON list")
    place = _after(data, place + 1)
    closed = data[place : place + 1] == b"]"
    while not closed:
        window = data[place : place + MAX_ENTRY].decode("ascii", "surrogateescape")
        try:
            entry, length = decoder.raw_decode(window)
        except (ValueError, RecursionError) as error:
            raise UnreadableError(f"no entry of at most {MAX_ENTRY} bytes at byte {place}: {error}") from error
        yield entry
        place = _after(data, place + length)
        closed = data[place : place + 1] == b"]"
        if not closed:
            if data[place : place + 1] != b",":
                raise UnreadableError(f"neither a comma nor the list's end at byte {place}")
            place = _after(data, place + 1)
    if _after(data, place + 1) != len(data):
        raise UnreadableError(f"more after the list's end at byte {place}")


def _after(data: bytes, place: int) -> int:
    """The first place from there on that is not blank."""
    found = _BLANKS.match(data, place)
    return place if found is None else found.end()
