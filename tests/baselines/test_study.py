"""A study keeps what it measured, corrects its p-values, goes on where it was; its page says what its records say."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from typer.testing import CliRunner

import forgebench
from baselines.cli import app
from baselines.common import study, study_page
from baselines.common.config import override
from baselines.common.registry import get
from baselines.common.study import FULL, METRICS, Study
from baselines.common.variants import MEASURED
from forgebench.controls import NEGATIVE
from forgebench.demo import PHOTOS
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

CHANGES = {"last block": {"layers": "[2]"}}
README = "# A method\n\nBefore.\n\n<!-- results -->\nold\n<!-- /results -->\n\nAfter.\n"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A finished study of a linear probe on 24 small samples."""
    root = tmp_path_factory.mktemp("study")
    forgebench.synthesize(PHOTOS, root / "bench", n=24, splits={"train": 0.5, "test": 0.5}, workers=1)
    config = override(get("linear-probe").presets["tiny"], {"training.epochs": "1"})
    made = Study(get("linear-probe"), config, str(root / "bench"), root / "work", root / "method" / "results", CHANGES,
                 say=lambda _: None)  # fmt: skip
    made.run([str(root / "bench")])
    return root, made


def test_all_is_kept_and_small(ran):
    _, made = ran
    for name in (FULL, *CHANGES):
        assert {path.name for path in (made.keep / name).iterdir()} == {
            "record.json", "config.yaml", "losses.csv", "comparison.json",
        }  # fmt: skip
        assert forgebench.read_record(made.keep / name)[0].benchmark.content_hash
    assert {path.name for path in (made.keep / "controls").iterdir()} == set(NEGATIVE)
    assert sum(path.stat().st_size for path in made.keep.rglob("*") if path.is_file()) < 2e6
    assert "layers:\n- 2\n" in (made.keep / "last block" / "config.yaml").read_text()


def test_p_values_are_holms_over_all_pairs_and_ours_comes_first(ran):
    _, made = ran
    found = json.loads((made.keep / FULL / "comparison.json").read_text())
    ours, _ = forgebench.read_record(made.keep / FULL)
    assert set(found) == set(METRICS)
    for metric, pairs in found.items():
        assert {pair["first"] for pair in pairs} == {ours.method.method}
        assert len(pairs) == len(NEGATIVE)
        values = {
            forgebench.read_record(made.keep / "controls" / name)[0].method.method:
            forgebench.read_record(made.keep / "controls" / name)[0].value(metric) for name in NEGATIVE
        }  # fmt: skip
        for pair in pairs:
            if pair["value"] is not None:
                assert pair["value"] == pytest.approx(ours.value(metric) - values[pair["second"]], abs=1e-9)
                assert pair["ci_low"] <= pair["value"] <= pair["ci_high"]
                assert pair["p_holm"] >= pair["p"]


def test_variants_are_compared_with_the_whole(ran):
    _, made = ran
    found = json.loads((made.keep / "variants.json").read_text())
    assert set(found) == set(MEASURED)
    scores = {name: made.work / "scores" / name for name in (FULL, *CHANGES)}
    for metric, (row,) in found.items():
        assert row["variant"] == "last block"
        whole, part = (forgebench.read_record(scores[name])[0].value(metric) for name in scores)
        assert row["value"] == pytest.approx(part - whole, abs=1e-9)
        pair, = forgebench.compare(list(scores.values()), metric=metric).differences
        assert sorted(map(abs, (row["ci_low"], row["ci_high"]))) == sorted(map(abs, (pair.ci_low, pair.ci_high)))
        assert (row["p_holm"], row["ci_low"] <= row["value"] <= row["ci_high"]) == (pair.p_holm, True)


def test_it_goes_on_without_doing_anything_again(ran, monkeypatch):
    _, made = ran

    def never(*_, **__):
        raise AssertionError("done again")

    for name in ("train", "export"):
        monkeypatch.setattr(study, name, never)
    monkeypatch.setattr(forgebench, "predict", never)
    before = (made.keep / FULL / "record.json").read_bytes()
    made.run()
    assert (made.keep / FULL / "record.json").read_bytes() == before


def test_a_run_that_is_trained_again_is_scored_again(ran, tmp_path):
    _, made = ran
    again = replace(made, work=tmp_path / "work", keep=tmp_path / "results", changes={})
    shutil.copytree(made.work.parent / "controls", tmp_path / "controls")
    shutil.copytree(made.work / "scores", tmp_path / "work" / "scores")
    stale = tmp_path / "work" / "scores" / FULL / "per_image.parquet"
    stale.write_bytes(b"of a run that is gone")
    again.run()
    assert stale.read_bytes() != b"of a run that is gone"
    first, second = (forgebench.read_record(one / FULL)[0] for one in (made.keep, again.keep))
    assert first.value("image_auc") == second.value("image_auc")


def test_where_features_are_cached_is_not_kept(ran, tmp_path):
    _, made = ran
    run = made.work / "runs" / FULL
    text = (run / "config.yaml").read_text()
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "config.yaml").write_text(text.replace("cache: ''", "cache: /somewhere/else"))
    replace(made, keep=tmp_path / "results")._keep(FULL, tmp_path / "run", made.work / "scores" / FULL)
    assert "cache: ''" in text
    assert (tmp_path / "results" / FULL / "config.yaml").read_text() == text


def test_one_ablation_against_another(ran, tmp_path):
    root, made = ran
    shutil.copytree(made.work.parent / "controls", tmp_path / "controls")
    made_of = {"one": {"training.seed": "1"}, "two": {"training.seed": "2"}, "three": {}}
    method = replace(made.method, ablations=made_of)
    command = ["study", "linear-probe", "--preset", "tiny", "--set", "training.epochs=1", "--data", root / "bench",
               "--work", tmp_path / "work", "--keep", tmp_path / "seeds"]  # fmt: skip
    with patch("baselines.common.registry.get", lambda _: method):
        done = CliRunner().invoke(app, list(map(str, [*command, "--whole", "one", "--only", "two"])))
        assert done.exit_code == 0, done.output
        wrong = CliRunner().invoke(app, list(map(str, [*command, "--only", "four"])))
    assert wrong.exit_code == 2
    assert "no ablation 'four'" in wrong.output
    assert {path.name for path in (tmp_path / "seeds").iterdir() if path.is_dir()} == {"one", "two", "controls"}
    for name in ("one", "two"):
        assert f"seed: {1 if name == 'one' else 2}\n" in (tmp_path / "seeds" / name / "config.yaml").read_text()
    paired = json.loads((tmp_path / "seeds" / "variants.json").read_text())
    assert [row["variant"] for row in paired["image_auc"]] == ["two"]
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results -->\nkept\n<!-- /results -->\n<!-- seeds -->\n<!-- /seeds -->\n")
    study_page.write(tmp_path / "seeds", readme)
    text = readme.read_text()
    assert "kept\n<!-- /results -->" in text
    assert "Each variant less one, by paired tests" in text
    assert re.findall(r"^\| (one|two|full) \|", text.split("Which parts")[0], re.MULTILINE) == ["one", "two"] * 2


def test_the_page_says_what_the_records_say(ran):
    root, made = ran
    readme = root / "method" / "README.md"
    readme.write_text(README, encoding="utf-8")
    study_page.write(made.keep, readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("# A method\n\nBefore.\n")
    assert text.endswith("\n\nAfter.\n")
    assert "old" not in text.splitlines()
    record, _ = forgebench.read_record(made.keep / FULL)
    (row,) = re.findall(r"^\| full \| (.*) \|$", text, re.MULTILINE)[:1]
    shown = [float(cell.split()[0]) if cell != "–" else np.nan for cell in row.split(" | ")]
    assert shown == pytest.approx([record.value(m) for m in study_page.SHOWN], abs=5e-4, nan_ok=True)
    assert (made.keep / "results.png").stat().st_size < 2e5
    study_page.write(made.keep, readme)
    assert readme.read_text(encoding="utf-8") == text


def test_a_readme_without_markers_is_left_as_it_is(ran):
    root, made = ran
    readme = root / "method" / "OTHER.md"
    readme.write_text("# Nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the markers"):
        study_page.write(made.keep, readme)
    assert readme.read_text(encoding="utf-8") == "# Nothing\n"


def test_a_study_can_have_no_ablations(ran):
    _, made = ran
    replace(made, changes={}, keep=made.keep.parent / "plain").run()
    assert json.loads((made.keep.parent / "plain" / "study.json").read_text())["ablations"] == {}


def test_runs_and_scores_of_another_kind_are_refused(ran, tmp_path):
    root, made = ran
    config = override(made.config, {"training.epochs": "2"})
    with pytest.raises(InputError, match=r"full was trained with another configuration"):
        replace(made, config=config, keep=tmp_path / "kept").run()
    forgebench.synthesize(PHOTOS, root / "other", n=24, splits={"train": 0.5, "test": 0.5}, workers=1, seed=1)
    with pytest.raises(InputError, match=r"full is a score on another benchmark"):
        replace(made, data=str(root / "other"), keep=tmp_path / "kept").run()
