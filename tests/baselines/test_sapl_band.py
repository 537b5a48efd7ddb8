"""The boundary-band diagnostic, on planted maps whose answer is known, and as a command on a trained run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from baselines.cli import app
from baselines.common.config import override
from baselines.common.data import Batch
from baselines.common.export import export
from baselines.common.loop import train
from baselines.common.registry import get
from baselines.sapl import Sapl
from baselines.sapl.band import _row, summary, verdict
from baselines.sapl.config import PRESETS
from baselines.sapl.model import Maps
from baselines.sapl.places import PLACES

BAND, INSIDE, OUTSIDE = 0.8, 0.5, 0.2


def _mask():
    mask = torch.zeros(1, 64, 64)
    mask[:, 16:48, 16:48] = 1
    return mask


def _tokens(band, inside, outside):
    """A map of 8 x 8 tokens of 8 pixels: on both sides of the boundary of a square of 4 x 4 tokens, and beyond."""
    p = torch.full((8, 8), outside)
    p[1:7, 1:7] = band
    p[3:5, 3:5] = inside
    return p.flatten()[None]


def _measured(p, pixels, edges=None):
    """The row of one tampered image whose map and pixels are planted."""
    batch = Batch(
        ["s"], torch.rand(1, 3, 64, 64), torch.ones(1), torch.ones(1, 1, 64, 64) > 0, masks=_mask()[:, None],
        has_mask=torch.tensor([True]),
    )  # fmt: skip
    maps = Maps(p, torch.rand(1), torch.rand(1, 64) if edges is None else edges, {}, (8, 8), None)
    return _row(Sapl(PRESETS["tiny"]), maps, batch, 0, {"before": pixels, "after": pixels})


def _pixels(p):
    return np.kron(p.reshape(8, 8).numpy(), np.ones((8, 8), np.float32))


def test_a_planted_map_has_its_known_answer():
    p = _tokens(BAND, INSIDE, OUTSIDE)
    row = _measured(p, _pixels(p))
    assert row["before"]["interior"] == pytest.approx(INSIDE)
    assert row["before"]["band"] == pytest.approx(BAND, abs=0.02)
    assert row["before"]["outside"] == pytest.approx(OUTSIDE, abs=0.03)
    assert row["greatest"]["after"] == pytest.approx(BAND)


@pytest.mark.parametrize(
    ("planted", "expected"),
    [((0.8, 0.5, 0.2), "above"), ((0.5, 0.8, 0.9), "below"), ((0.5, 0.5, 0.5), "undecided")],
)
def test_the_claim_follows_the_evidence(planted, expected):
    p = _tokens(*planted)
    rows = [{"group": str(i), **_measured(p, _pixels(p))} for i in range(6)]
    rows.append({"group": "x", "tampered": False, "edges": {"authentic": 0.3}})
    report = summary(rows, 0)
    assert set(report["claim"].values()) == {expected}
    assert (report["n_tampered"], report["n_authentic"]) == (6, 1)
    assert report["edges"]["authentic"]["mean"] == pytest.approx(0.3)


def test_the_purity_of_what_the_queues_would_hold():
    edges = torch.zeros(1, 64)
    edges.unflatten(1, (8, 8))[0, 2, 2:6] = 1.0
    edges.unflatten(1, (8, 8))[0, 7] = 0.9
    edges[0, 0] = 0.9
    p = _tokens(0.8, 0.5, 0.2)
    row = _measured(p, _pixels(p), edges)
    assert row["chosen"]["edges_in_band"] == pytest.approx(4 / 13)
    assert row["chosen"]["manipulated_in_band"] == 1
    assert row["chosen"]["genuine_outside"] == 1
    assert row["chosen"]["tokens_in_band"] == 32 / 64


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.2, "above"), (-0.2, -0.1, "below"), (-0.1, 0.1, "undecided"), (None, None, "undecided")],
)
def test_a_difference_is_decided_by_its_interval(low, high, said):
    assert verdict({"low": low, "high": high}) == said


def _run(name, bench, out):
    config = override(get(name).presets["tiny"], {"training.epochs": "1", "training.validation_share": "0"})
    train(get(name), config, bench, out, split="test")
    return export(out)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_command_writes_a_report_and_a_picture(bench, tmp_path):
    run = _run("sapl", bench, tmp_path / "run")
    result = CliRunner().invoke(app, ["band", str(run), "--data", str(bench), "--out", str(tmp_path / "band")])
    assert result.exit_code == 0, result.output
    assert "band minus interior" in result.output
    report = json.loads((tmp_path / "band" / "band.json").read_text())
    assert report["n_tampered"] > 0
    assert set(PLACES) <= set(report["before"])
    with Image.open(tmp_path / "band" / "band.png") as picture:
        assert picture.size[0] > 300
    assert sorted(path.name for path in (tmp_path / "band").iterdir()) == ["band.json", "band.png"]
    spread = ["band", str(run), "--data", str(bench), "--out", str(tmp_path / "spread")]
    result = CliRunner().invoke(app, [*spread, "--set", "affinity=5", "--set", "sigma=0.0"])
    assert result.exit_code == 0, result.output
    changed = json.loads((tmp_path / "spread" / "band.json").read_text())
    assert (changed["processing"]["affinity"], changed["processing"]["sigma"]) == (5, 0)
    assert changed["greatest"]["before"] == report["greatest"]["before"]
    assert changed["greatest"]["after"]["mean"] < changed["greatest"]["before"]["mean"]
    assert CliRunner().invoke(app, [*spread, "--set", "affinities=5"]).exit_code == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_run_of_another_method_is_refused(bench, tmp_path):
    run = _run("coop", bench, tmp_path / "run")
    result = CliRunner().invoke(app, ["band", str(run), "--data", str(bench), "--out", str(tmp_path / "band")])
    assert result.exit_code == 2
    assert "runs of sapl" in result.output
