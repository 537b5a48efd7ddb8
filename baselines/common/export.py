"""A trained run as a folder that `forgebench predict` takes: safetensors, configuration and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from baselines.common import checkpoint
from baselines.common.checkpoint import BEST
from baselines.common.config import from_yaml
from baselines.common.loop import ABOUT, CONFIG
from baselines.common.method import Method, Model
from baselines.common.registry import get
from forgebench.errors import InputError, NotFoundError

WEIGHTS, METHOD, CARD = "model.safetensors", "method.json", "README.md"


def export(run: str | Path, out: str | Path | None = None) -> Path:
    """Write the best checkpoint of a run for prediction.

    Args:
        run: A folder that training made.
        out: Where to; the run's own folder unless said.

    Raises:
        NotFoundError: If there is no trained run.
    """
    run = Path(run)
    out = Path(out) if out is not None else run
    if not (run / ABOUT).is_file():
        raise NotFoundError(f"Expected a trained run at {run}, with {ABOUT}, found none. python -m baselines train …")
    about = json.loads((run / ABOUT).read_text(encoding="utf-8"))
    method, config_text = get(about["method"]), (run / CONFIG).read_text(encoding="utf-8")
    weights = checkpoint.load(run / BEST)["model"]
    out.mkdir(parents=True, exist_ok=True)
    temporary = out / f"{WEIGHTS}.partial"
    save_file(weights, str(temporary), metadata={"method": method.name})
    temporary.replace(out / WEIGHTS)
    (out / CONFIG).write_text(config_text, encoding="utf-8")
    (out / CARD).write_text(_card(method, about, weights), encoding="utf-8")
    facts = {"factory": "baselines.common.predictor:load", "method": method.name, "supervision": method.level}
    (out / METHOD).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return out


def load_model(folder: str | Path) -> tuple[Method, Any, Model]:
    """The method, configuration and weights of an exported folder.

    Raises:
        NotFoundError: If something of it is missing.
        InputError: If it cannot be read, or its weights do not fit.
    """
    folder = Path(folder)
    missing = [name for name in (METHOD, CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise NotFoundError(f"{folder} lacks {', '.join(missing)}. Make it with: python -m baselines export RUN")
    method = get(json.loads((folder / METHOD).read_text(encoding="utf-8"))["method"])
    config: Any = from_yaml(method.config, (folder / CONFIG).read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        model = method.build(config)
    try:
        model.load_kept_state(load_file(str(folder / WEIGHTS)))
    except (RuntimeError, OSError) as error:
        raise InputError(f"{folder / WEIGHTS} cannot be used: {error}") from error
    return method, config, model.eval()


def _card(method: Method, about: dict[str, Any], weights: dict[str, torch.Tensor]) -> str:
    numbers = sum(one.numel() for one in weights.values())
    further = f"\n{method.card(weights)}\n" if method.card is not None else ""
    return f"""\
---
library_name: forgebench
license: apache-2.0
tags: [image-forensics, forgery-localization]
---

# {method.name}

{method.about}

Trained from level `{method.level}` on {about["training_samples"]} samples, {about["validation_samples"]} held out, on
{about["device"]} with torch {about["torch"]}. {numbers} numbers are stored; `{CONFIG}` says everything else.
{further}
```sh
forgebench predict THIS_FOLDER BENCHMARK --out SUB.parquet
```
"""
