"""Does the mask help to explain? One trained explainer with four kinds of mask, a template, and itself untrained."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.common import predictor
from baselines.ifdl_vlm.explain import examples
from baselines.ifdl_vlm.explain.answer import parse
from baselines.ifdl_vlm.explain.cases import Case, Cases
from baselines.ifdl_vlm.explain.fields import NAMES, interval, measured
from baselines.ifdl_vlm.explain.model import Explainer
from baselines.ifdl_vlm.explain.train import load_explainer
from forgebench import Explanation, Sample

RESULTS, ANSWERS, EXAMPLES = "explanations.json", "answers.json", "examples.png"
Masks = Sequence[NDArray[np.bool_] | None]
Answers = Mapping[str, Sequence[str]]


def study(
    run: str | Path, benchmark: str | Path, out: str | Path, *, split: str = "test", limit: int = 40,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:  # fmt: skip
    """Explain held-out images in every condition, and measure the answers.

    The conditions change what a trained explainer is shown; it is not trained anew for each.

    Args:
        run: A run with both stages.
        benchmark: A built benchmark with explanations; the template is made of its split `train`.
        out: Where `explanations.json`, `answers.json` and `examples.png` are written.
        split: What is explained.
        limit: How many images, drawn over the split.
        say: Told a line a condition.
    """
    every = Cases(benchmark, split)
    chosen = [every[int(index)] for index in np.unique(np.linspace(0, len(every) - 1, limit).astype(int))]
    first = predictor.load(run)
    predicted = _predicted(first, chosen)
    answers = explained(run, first.device, chosen, predicted, say)
    fixed = template([case.explanation for case in Cases(benchmark, "train")])
    table = {name: summary(chosen, [parse(text) for text in texts]) for name, texts in answers.items()}
    table["template"] = summary(chosen, [fixed] * len(chosen))
    report = {"n": len(chosen), "groups": len({case.group for case in chosen}), "template": fixed, "conditions": table}
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    ids = [case.sample_id for case in chosen]
    said = {name: dict(zip(ids, texts, strict=True)) for name, texts in answers.items()}
    (out / RESULTS).write_text(json.dumps(_plain(report), indent=1) + "\n", encoding="utf-8")
    (out / ANSWERS).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    examples.draw(chosen, predicted, answers["predicted mask"], out / EXAMPLES)
    return report


def explained(
    run: str | Path, device: torch.device, chosen: Sequence[Case], predicted: Masks, say: Callable[[str], None]
) -> Answers:
    """The answers in every condition, by its name."""
    explainer = load_explainer(run).to(device)
    truth: Masks = [case.mask for case in chosen]
    shown: dict[str, tuple[Masks, float | None]] = {
        "true mask": (truth, None), "predicted mask": (predicted, None),
        "no mask": ([None] * len(chosen), 1.0), "region only": (truth, 0.0),
    }  # fmt: skip
    found = {}
    for name, (masks, alpha) in shown.items():
        say(f"explaining: {name}")
        found[name] = _answers(explainer, chosen, masks, alpha)
    say("explaining: untrained")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(explainer.config.training.seed)
        found["untrained"] = _answers(Explainer(explainer.config).to(device).eval(), chosen, truth, None)
    return found


def _predicted(first: predictor.Predictor, chosen: Sequence[Case]) -> Masks:
    samples = [Sample(c.sample_id, b"", c.image, c.image.shape[1], c.image.shape[0]) for c in chosen]
    return [None if one.mask is None else one.mask > 127 for one in first.predict(samples)]


def _answers(explainer: Explainer, chosen: Sequence[Case], masks: Masks, alpha: float | None) -> list[str]:
    texts: list[str] = []
    size = max(8, explainer.config.training.batch_size)
    for start in range(0, len(chosen), size):
        part = slice(start, start + size)
        texts += explainer.answer(explainer.see([case.image for case in chosen[part]], masks[part], alpha))
    return texts


def template(truths: Sequence[Explanation]) -> Explanation:
    """The answer that ignores the image: the most frequent type and content, and the most frequent place."""
    places = Counter(_place(one["area"]) for one in truths)
    kind, content = (Counter(one[name] for one in truths).most_common(1)[0][0] for name in ("type", "content"))
    shares = sorted(float(part) for one in truths for part in _shares(one["area"]))
    area = f"{places.most_common(1)[0][0]}, {shares[len(shares) // 2]:.1f} % of the image"
    words = Counter(word for one in truths for word in ("brighter", "darker") if word in one["evidence"])
    light = words.most_common(1)[0][0] if words else "brighter"
    return Explanation(type=kind, area=area, content=content, evidence=f"It is {light} than its surroundings.")


def _place(area: str) -> str:
    words = area.replace(",", " ").split()
    return " ".join(word for word in words if word in ("top", "middle", "bottom", "left", "centre", "right"))


def _shares(area: str) -> list[str]:
    words = area.replace("%", " %").split()
    return [before for before, after in pairwise(words) if after.startswith("%")]


def summary(chosen: Sequence[Case], said: Sequence[Explanation | None]) -> dict[str, Any]:
    """Each measure's mean and interval over images, and how many answers had not the form."""
    rows = [measured(one, case.explanation) for one, case in zip(said, chosen, strict=True)]
    groups = [case.group for case in chosen]
    numbers = {name: interval([row[name] for row in rows], groups) for name in NAMES}
    return {"malformed": sum(one is None for one in said), **numbers}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Undefined is null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
