"""What a submission says, as lines of one hash: the same from every container."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark.hashing import frame
from forgebench.schema import FIELDS, Prediction


def prediction_line(prediction: Prediction) -> bytes:
    """A prediction as one line: framed fields, those that it does not have left out.

    sample_id; score (8 bytes, big-endian, as all numbers); SHA-256 of the mask's pixels, or none. Then each of
    `synthetic`, `boxes` (x, y, width, height and score of each) and `explanation` (its framed fields) after its name.
    """
    fields = [prediction.sample_id, struct.pack(">d", prediction.score), _mask(prediction.mask)]
    if prediction.synthetic is not None:
        fields += ["synthetic", struct.pack(">d", prediction.synthetic)]
    if prediction.boxes is not None:
        fields += ["boxes", b"".join(struct.pack(">5d", *box) for box in prediction.boxes)]
    if prediction.explanation is not None:
        fields += ["explanation", b"".join(frame(prediction.explanation[name]) for name in FIELDS)]
    return b"".join(map(frame, fields))


def _mask(mask: NDArray[np.uint8] | None) -> bytes | None:
    return None if mask is None else hashlib.sha256(np.ascontiguousarray(mask).data).digest()
