"""`python -m baselines study`, `tiers` and `coarseness`, from the shell, at preset tiny."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import forgebench
from baselines.boxpromptiml.coarseness import SHOWN
from baselines.cli import app
from baselines.common import study_page
from baselines.common.study import METRICS
from forgebench.controls import NEGATIVE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
QUICK = ("--preset", "tiny", "--set", "training.epochs=1")


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.stdout if code == 0 else done.output


@pytest.fixture(scope="module")
def studied(told, tmp_path_factory):
    """A study of a linear probe without its ablations."""
    root = tmp_path_factory.mktemp("studied")
    begin, end = (one.format("results") for one in study_page.MARKERS)
    (root / "README.md").write_text(f"# A method\n\n{begin}\n{end}\n")
    where = ("--work", root / "work", "--keep", root / "results", "--readme", root / "README.md")
    said = run("study", "linear-probe", "--data", told, *where, "--no-ablations", *QUICK)
    return root, said


def test_a_study_is_kept_and_written_into_a_page(studied, told):
    root, said = studied
    assert "training linear-probe, full" in said
    content_hash = forgebench.open_benchmark(told).content_hash
    record, _ = forgebench.read_record(root / "results" / "full")
    assert record.benchmark.content_hash == content_hash
    assert f"{record.value('image_auc'):.3f}" in (root / "README.md").read_text()
    assert {one.name for one in (root / "results" / "controls").iterdir()} == set(NEGATIVE)
    assert json.loads((root / "results" / "study.json").read_text())["content_hash"] == content_hash


def test_a_study_that_is_done_is_not_done_again(studied, told):
    root, _ = studied
    before = (root / "work" / "runs" / "full" / "last.pt").stat().st_mtime_ns
    where = ("--work", root / "work", "--keep", root / "results")
    said = run("study", "linear-probe", "--data", told, *where, "--no-ablations", *QUICK)
    assert "training" not in said
    assert (root / "work" / "runs" / "full" / "last.pt").stat().st_mtime_ns == before


def test_tiers_are_those_of_the_comparison(studied, told, tmp_path):
    root, _ = studied
    (controls,) = (root / "controls").iterdir()
    folders = [root / "work" / "scores" / "full", *(controls / "controls" / name for name in ("random", "constant"))]
    assert "tiers on" in run("tiers", *folders, "--keep", tmp_path / "tiers.json")
    (found,) = json.loads((tmp_path / "tiers.json").read_text())
    assert found["content_hash"] == forgebench.open_benchmark(told).content_hash
    assert set(found["tiers"]) == set(METRICS)
    for metric, tiers in found["tiers"].items():
        assert tiers == dict(forgebench.compare(folders, metric=metric).tiers)
        assert len(tiers) == 3


def test_a_sweep_of_coarseness(told, tmp_path):
    kept = ("--set", f"teacher.folder={tmp_path / 'masks'}")
    where = ("--work", tmp_path / "work", "--out", tmp_path / "out", *kept)
    rows = json.loads(run("coarseness", "--data", told, *where, "--ratios", "0.5", *QUICK, "--json"))
    assert [row["coarseness"] for row in rows] == [0.15, 0.5]
    assert rows[0]["iou"] > rows[1]["iou"] > 0  # a looser rectangle is a worse mask
    for row in rows:
        name = "full" if row["coarseness"] == 0.15 else "coarseness-0.5"
        record, _ = forgebench.read_record(tmp_path / "work" / "scores" / name)
        assert all(row[metric]["value"] == record.value(metric) for metric in SHOWN)
    assert (tmp_path / "out" / "coarseness.png").read_bytes().startswith(b"\x89PNG")
    told_so = run("coarseness", "--data", told, *where, "--ratios", "half", *QUICK, code=2)
    assert "numbers separated by commas" in " ".join(told_so.split())
