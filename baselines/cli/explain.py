"""`python -m baselines explain-train`, `explain-study` and `judge`: IFDL-VLM's second stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from baselines.cli.options import BenchmarkPath, Preset, Settings, changes
from forgebench import Explanation, Prediction
from forgebench.cli.output import console, hint
from forgebench.errors import InputError

Run = Annotated[Path, typer.Argument(help="An exported run of ifdl-vlm.")]
Split = Annotated[str, typer.Option(help="Whose tampered images are explained.")]


def explain_train(
    run: Run,
    data: BenchmarkPath,
    preset: Preset = "small",
    settings: Settings = None,
    split: Annotated[str, typer.Option(help="What to learn from; a share of its groups is held out.")] = "train",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train the explainer beside a trained stage 1: `forgebench predict RUN …` writes explanations from then on.

    Several GPUs: `accelerate launch -m baselines explain-train …`.
    """
    from baselines.common.config import override
    from baselines.ifdl_vlm.explain.config import PRESETS
    from baselines.ifdl_vlm.explain.train import train

    if preset not in PRESETS:
        raise InputError(f"Stage 2 has no preset {preset!r}. It has: {', '.join(PRESETS)}")
    train(override(PRESETS[preset], changes(settings or [])), data, run, split=split, resume=resume, say=typer.echo)
    hint(f"forgebench predict {run} BENCHMARK --out SUB.parquet")


def explain_study(
    run: Run,
    data: BenchmarkPath,
    out: Annotated[Path, typer.Option(help="Where explanations.json, answers.json and examples.png are written.")],
    split: Split = "test",
    limit: Annotated[int, typer.Option(help="How many images.", min=1)] = 40,
) -> None:
    """Compare explanations with the true mask, the predicted one, none, and the region alone, and with a template."""
    from baselines.ifdl_vlm.explain.study import study

    report = study(run, data, out, split=split, limit=limit, say=typer.echo)
    table = Table("condition", "malformed", "type", "place", "share", "light", "text F1")
    for name, found in report["conditions"].items():
        numbers = (found[key] for key in ("type", "place", "share", "light", "text_f1"))
        shown = (f"{x['mean']:.2f} [{x['low']:.2f}, {x['high']:.2f}]" for x in numbers)
        table.add_row(name, str(found["malformed"]), *shown)
    console().print(table)
    typer.echo(f"{out}: explanations.json, answers.json, examples.png")


def judge(
    submission: Annotated[Path, typer.Argument(help="A submission with explanations.")],
    data: BenchmarkPath,
    endpoint: Annotated[str, typer.Option(help="An OpenAI-compatible address, such as http://127.0.0.1:8000/v1.")],
    model: Annotated[str, typer.Option(help="The judge's name there.")],
    out: Annotated[Path, typer.Option(help="The record that is written.")],
    split: Split = "test",
) -> None:
    """Have a language model judge explanations against the truth, from 0 to 5; FORGEBENCH_JUDGE_KEY holds its key."""
    from baselines.ifdl_vlm.explain.cases import Cases
    from baselines.ifdl_vlm.judge import Judge, judged
    from forgebench.submission.opened import open_submission

    opened, problems = open_submission(submission)
    if opened is None:
        raise InputError(f"{submission} cannot be read: {'; '.join(str(problem) for problem in problems)}")
    pairs: dict[str, tuple[Explanation | None, Explanation]] = {}
    for case in Cases(data, split):
        height, width = case.image.shape[:2]
        found = opened.read(case.sample_id, (height, width))
        pairs[case.sample_id] = found.explanation if isinstance(found, Prediction) else None, case.explanation
    record = judged(Judge(endpoint, model), pairs)
    temporary = out.with_name(f"{out.name}.partial")
    temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out)
    typer.echo(f"{out}: {record['n']} explanations judged, {record['silent']} missing.")
