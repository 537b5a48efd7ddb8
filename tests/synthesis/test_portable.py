"""Forgeries are the same on another processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import pytest

from forgebench.sources.files import sha256
from forgebench.synthesis import forge, load_recipe
from synthesis.making import photos

NARROW = {
    "OPENCV_CPU_DISABLE": "AVX2,AVX512-SKX,FP16,FMA3",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL X86_V3",
    "OPENBLAS_CORETYPE": "Nehalem",
    "JSIMD_FORCENONE": "1",
}
"""What has libraries take the code that they keep for an old processor."""
_FORGE = "import sys; from synthesis.test_portable import digests; digests(sys.argv[1])"


@cache
def digests(recipe: str) -> list[str]:
    """Of a few samples, printed as well."""
    made = [sha256(forge(photos(), load_recipe(recipe), 7, index).image) for index in range(40)]
    sys.stdout.write(json.dumps(made))
    return made


def _elsewhere(recipe: str, **variables: str) -> list[str]:
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORGE, recipe], env={**os.environ, "PYTHONPATH": path, **variables},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(run.stdout)


@pytest.mark.parametrize("recipe", ["splice", "mixed"])
def test_a_narrower_processor_makes_the_same_bytes(recipe: str) -> None:
    assert _elsewhere(recipe, **NARROW) == digests(recipe)


@pytest.mark.skipif(not cv2.ipp.useIPP(), reason="this OpenCV has no IPP")
def test_with_ipp_they_would_not_be() -> None:
    """The planted fault: whoever asks for IPP by OpenCV's own variable gets other pixels."""
    assert _elsewhere("splice", OPENCV_IPP="sse42") != digests("splice")


def test_opencv_is_left_as_it_was() -> None:
    before = cv2.ipp.useIPP()
    forge(photos(), load_recipe("splice"), 7, 0)
    assert cv2.ipp.useIPP() == before
