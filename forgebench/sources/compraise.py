"""compRAISE (Kwon et al., CAT-Net, IJCV 2022): authentic images of RAISE, compressed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forgebench.sources.files import files_below
from forgebench.sources.pairing import below
from forgebench.sources.spec import Entry, Found, SourceSpec

_IMAGE = below(r"(?P<name>(?P<raise>r[0-9a-f]+t)_Q\d+[^/]*)\.jpg")


def walk(root: Path) -> Iterator[Found]:
    """Every `rHEXt_Q67….jpg` is authentic; images of one RAISE photograph are one group."""
    for path in files_below(root):
        if match := _IMAGE.fullmatch(path):
            yield Entry(match["name"], path, "authentic", match["raise"].lower(), "train")


SPEC = SourceSpec("compraise", walk)
