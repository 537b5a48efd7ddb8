"""The boundary-band diagnostic: is evidence at the edges of a forgery larger than inside it?

SAPL's claim is that its similarity map marks boundaries. On tampered images with a mask, the map's mean within one
token of the true boundary is set against its means further inside and further outside, before and after processing; and
the tokens that the contrast would take are set against the truth, which training never sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.common.config import override
from baselines.common.data import Batch, Samples
from baselines.common.export import load_model
from baselines.sapl.contrast import edge_tokens
from baselines.sapl.model import Maps, Sapl
from baselines.sapl.places import RESAMPLES, interval, mean_at, places, signed_distance
from baselines.sapl.processing import process, upsampled
from forgebench import open_benchmark
from forgebench.errors import InputError

STEPS = np.arange(-5.0, 5.5, 0.5)
"""Ends of the profile's bins, tokens from the boundary, positive inside."""
REPORT, PLOT = "band.json", "band.png"

_Row = dict[str, Any]


def measure(
    run: str | Path, benchmark: str | Path, out: str | Path, *, split: str = "test", seed: int = 0,
    steps: Mapping[str, str] | None = None,
) -> _Row:  # fmt: skip
    """Measure a trained run on a benchmark's tampered images; writes `band.json` and `band.png`.

    Args:
        run: A run of SAPL, exported.
        benchmark: A benchmark whose split has masks.
        out: A folder.
        split: Which split.
        seed: Of the bootstrap.
        steps: Settings of the processing that are changed, such as `affinity: "2"`.

    Returns:
        What `band.json` holds: means over images with 95 % intervals, clustered by group.

    Raises:
        InputError: If the run is none of SAPL, a setting cannot be used, or no tampered image has a mask.
    """
    from baselines.sapl.band_plot import draw

    method, config, model = load_model(run)
    if not isinstance(model, Sapl):
        raise InputError(f"{run} is a run of {method.name}. The band is measured on runs of sapl.")
    config = model.config = override(config, {f"processing.{name}": value for name, value in (steps or {}).items()})
    samples = Samples(benchmark, "pixel", config.data, split=split, training=False)
    rows = list(_rows(model, samples, config.training.batch_size))
    if not any(row["tampered"] for row in rows):
        raise InputError(f"Expected tampered images with masks in {split} of {benchmark}, found none.")
    opened = open_benchmark(benchmark)
    report = {
        "benchmark": opened.name, "content_hash": opened.content_hash, "split": split, "seed": seed,
        "resamples": RESAMPLES, "size_px": config.data.size, "token_px": model.vision.patch,
        "processing": asdict(config.processing), **summary(rows, seed),
    }  # fmt: skip
    Path(out).mkdir(parents=True, exist_ok=True)
    draw(report, Path(out) / PLOT)
    partial = Path(out) / f"{REPORT}.partial"
    partial.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(Path(out) / REPORT)
    return report


def _rows(model: Sapl, samples: Samples, size: int) -> Iterator[_Row]:
    """The measurements of each authentic image, and of each tampered one with a mask."""
    groups = samples.groups
    for start in range(0, len(samples), size):
        members = range(start, min(start + size, len(samples)))
        batch = samples.collate([samples[index] for index in members])
        with torch.inference_mode():
            steps = model.config.processing
            maps = model.maps(batch.images, attention_blocks=model.config.affinity_blocks if steps.affinity else 0)
            shape = (batch.images.shape[-2], batch.images.shape[-1])
            before = upsampled(maps.p, maps.grid, shape, 0.0)
            after = process(maps.p, maps.attention, maps.grid, shape, steps)
        for place, index in enumerate(members):
            row = _row(model, maps, batch, place, {"before": before[place].numpy(), "after": after[place].numpy()})
            if row is not None:
                yield {"group": groups[index], **row}


def _row(
    model: Sapl, maps: Maps, batch: Batch, place: int, seen: dict[str, NDArray[np.float32]]
) -> _Row | None:
    if batch.masks is None or batch.has_mask is None:
        return None
    p = maps.p[place].numpy()
    strongest = np.zeros(p.shape, bool)
    strongest[edge_tokens(maps.edges, model.config.contrast.edge_share)[place].numpy()] = True
    if not batch.labels[place]:
        return {"tampered": False, "edges": {"authentic": float(p[strongest].mean())}}
    mask = batch.masks[place, 0].numpy() > 0
    if not batch.has_mask[place] or not mask.any() or mask.all():
        return None
    distance, patch = signed_distance(mask), model.vision.patch
    rows, columns = (np.arange(count) * patch + patch // 2 for count in maps.grid)
    of_tokens = distance[np.ix_(rows, columns)].ravel()
    at_token, at_pixel = places(of_tokens, patch), places(distance, patch)
    genuine, manipulated = (one[place].numpy() for one in model.selection(maps, batch.labels))
    return {
        "tampered": True,
        **{when: {name: mean_at(one, at) for name, at in at_pixel.items()} for when, one in seen.items()},
        "greatest": {when: float(one.max()) for when, one in seen.items()},
        "profile": {when: _profile(one, distance / patch) for when, one in seen.items()},
        "edges": {
            "boundary": mean_at(p, strongest & at_token["band"]),
            "elsewhere": mean_at(p, strongest & at_token["outside"]),
        },
        "chosen": _chosen(genuine, manipulated, strongest, at_token),
    }


def _profile(values: NDArray[np.float32], distance: NDArray[np.float64]) -> list[float]:
    return [mean_at(values, (distance > low) & (distance <= high)) for low, high in pairwise(STEPS)]


def _chosen(
    genuine: NDArray[np.bool_], manipulated: NDArray[np.bool_], strongest: NDArray[np.bool_],
    at: dict[str, NDArray[np.bool_]],
) -> dict[str, float]:  # fmt: skip
    """How pure what would enter the queues is, and how pure it would be were tokens chosen blindly."""
    forged = at["band"] | at["interior"]
    return {
        "manipulated_in_band": mean_at(at["band"], manipulated),
        "manipulated_in_band_or_interior": mean_at(forged, manipulated),
        "genuine_outside": mean_at(at["outside"], genuine),
        "edges_in_band": mean_at(at["band"], strongest),
        "edges_outside": mean_at(at["outside"], strongest),
        "tokens_in_band": float(at["band"].mean()),
        "tokens_in_band_or_interior": float(forged.mean()),
    }


def summary(rows: list[_Row], seed: int) -> _Row:
    """Means over images, differences within images, and what they say of the claim.

    Args:
        rows: One an image; those of tampered images have `before`, `after`, `greatest`, `edges`, `chosen`, `profile`.
        seed: Of the bootstrap.
    """
    tampered = [row for row in rows if row["tampered"]]
    groups = np.array([row["group"] for row in tampered])

    def over(pick: Any) -> _Row:  # noqa: ANN401
        return interval(np.array([pick(row) for row in tampered], float), groups, seed=seed).to_json()

    report: _Row = {"n_tampered": len(tampered), "n_authentic": len(rows) - len(tampered)}
    for when in ("before", "after"):
        report[when] = {name: over(lambda row, n=name, w=when: row[w][n]) for name in tampered[0][when]} | {
            f"band_minus_{name}": over(lambda row, n=name, w=when: row[w]["band"] - row[w][n])
            for name in ("interior", "outside")
        }
    report["greatest"] = {when: over(lambda row, w=when: row["greatest"][w]) for when in ("before", "after")}
    report["edges"] = {name: over(lambda row, n=name: row["edges"][n]) for name in ("boundary", "elsewhere")}
    report["edges"]["boundary_minus_elsewhere"] = over(lambda row: row["edges"]["boundary"] - row["edges"]["elsewhere"])
    plain = [row for row in rows if not row["tampered"]]
    alone = np.array([row["edges"]["authentic"] for row in plain], float)
    report["edges"]["authentic"] = interval(alone, np.array([row["group"] for row in plain]), seed=seed).to_json()
    report["chosen"] = {name: over(lambda row, n=name: row["chosen"][n]) for name in tampered[0]["chosen"]}
    report["claim"] = {name: verdict(report["before"][name]) for name in ("band_minus_interior", "band_minus_outside")}
    report["profile"] = [
        {"from": float(STEPS[i]), "to": float(STEPS[i + 1])}
        | {when: over(lambda row, i=i, w=when: row["profile"][w][i]) for when in ("before", "after")}
        for i in range(len(STEPS) - 1)
    ]
    return report


def verdict(difference: _Row) -> str:
    """What the interval of a difference says: `above`, `below`, or `undecided`."""
    if difference["low"] is None:
        return "undecided"
    return "above" if difference["low"] > 0 else "below" if difference["high"] < 0 else "undecided"
