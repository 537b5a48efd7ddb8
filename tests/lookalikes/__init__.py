"""Small look-alikes of public data sets: their folders, names, file kinds and oddities, with generated pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lookalikes import casia, classic, copy_move, generated, joined, own, text
from lookalikes.casia import casia_v1, casia_v2
from lookalikes.coverage import coverage
from lookalikes.drawing import JUNK, Truth, Truths, encoded, forgery, photo, put, region
from lookalikes.own import folder, turned

MAKERS: dict[str, Callable[[Path], Truths]] = {
    "casia-v1": casia_v1, "casia-v1-plus": casia.casia_v1_plus, "casia-v2": casia_v2, "columbia": classic.columbia,
    "coverage": coverage, "nist16": classic.nist16, "imd2020": classic.imd2020, "defacto": classic.defacto,
    "realistic-tampering": classic.realistic_tampering, "dso-1": classic.dso_1, "cocoglide": classic.cocoglide,
    "tampcoco": classic.tampcoco, "compraise": classic.compraise, "fantastic-reality": classic.fantastic_reality,
    "in-the-wild": classic.in_the_wild, "misd": classic.misd, "comofod": copy_move.comofod,
    "grip-cmfd": copy_move.grip_cmfd, "cvip": copy_move.cvip, "fau": copy_move.fau,
    "autosplice": generated.autosplice, "openforensics": generated.openforensics, "sid-set": generated.sid_set,
    "opensdi": generated.opensdi, "tgif": generated.tgif, "br-gen": generated.br_gen,
    "magicbrush": generated.magicbrush, "doctamper": text.doctamper, "rtm": text.rtm,
    "tampered-ic13": text.tampered_ic13, "sc-iml": joined.sc_iml, "folder": own.folder, "coco": joined.coco,
    "hub": joined.hub,
}  # fmt: skip
"""A look-alike of every source, by its name."""

__all__ = [
    "JUNK", "MAKERS", "Truth", "Truths", "casia_v1", "casia_v2", "coverage", "encoded", "folder", "forgery", "photo",
    "put", "region", "turned",
]  # fmt: skip
