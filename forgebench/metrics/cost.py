"""What a score cost: the seconds of annotation of a training image."""

from __future__ import annotations

from forgebench.errors import InputError

SECONDS = {"zero-shot": 0, "image": 4, "box": 7, "scribble": 20, "pixel": 1380}
"""Seconds to annotate one image at each level of supervision.

Image, box and pixel (23 minutes) are means of 10 volunteers over 100 images (BoxPromptIML, AAAI 2026); scribble is
what the authors of Sc-IML say of theirs (SCAF).
"""


def annotation_seconds(level: str) -> int:
    """Seconds of annotation of a training image at a level of supervision.

    Raises:
        InputError: If there is no such level.
    """
    if level not in SECONDS:
        raise InputError(f"No supervision {level!r}. There are: {', '.join(SECONDS)}")
    return SECONDS[level]


def score_per_second(score: float, level: str) -> float:
    """A score, one of which higher is better, over the seconds of annotation of a training image.

    Higher is better; NaN for zero-shot, which nobody annotates for, and where the score is NaN. Not rankable: the
    seconds differ by a factor of 345 and scores by far less, so that it ranks levels, not methods, and a constant
    prediction from image labels beats any method from pixel masks. The seconds are those of two studies, and say
    nothing of how many images were annotated. A plot of score against seconds hides none of this.

    Raises:
        InputError: If there is no such level.

    >>> score_per_second(0.5, "image"), score_per_second(0.69, "pixel"), score_per_second(0.5, "zero-shot")
    (0.125, 0.0005, nan)
    """
    seconds = annotation_seconds(level)
    return score / seconds if seconds else float("nan")
