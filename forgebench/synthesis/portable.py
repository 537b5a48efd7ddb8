"""The same pixels on every processor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_ipp() -> Iterator[None]:
    """OpenCV without Intel's IPP, which has other code for other processors, and rounds otherwise there.

    Who sets OpenCV's own variable `OPENCV_IPP` keeps it, and gets forgeries that depend on the processor.
    """
    import cv2

    used = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(used and "OPENCV_IPP" in os.environ)
    try:
        yield
    finally:
        cv2.ipp.setUseIPP(used)
