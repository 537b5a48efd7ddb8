"""BoxPromptIML as a whole: its reported size and cost, ONNX, where training begins, and its commands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from baselines.boxpromptiml import METHOD, coarseness, onnx
from baselines.boxpromptiml.config import ABLATIONS, PRESETS
from baselines.boxpromptiml.model import BoxPromptIML
from baselines.cli import app
from baselines.common.config import override, to_yaml
from baselines.common.export import export, load_model
from baselines.common.loop import train
from forgebench.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

HEAD = 320 + 320 + 320 * 1000 + 1000
"""TinyViT's unused classification head: a norm and a layer of 1000 classes."""


def run_command(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_reported_size_and_cost():
    model = BoxPromptIML(PRESETS["paper"]).eval()
    parameters = sum(one.numel() for one in model.parameters())
    assert parameters == 5_071_124 + 95_432
    assert round((parameters + HEAD) / 1e6, 1) == 5.5, "as reported, if the unused head was counted"
    counted = {}
    for name, part in (("backbone", model.backbone), ("student", model)):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            part(torch.rand(1, 3, 224, 224))
        counted[name] = counter.get_total_flops() / 2e9  # multiply-adds, as such tables count
    assert counted["backbone"] == pytest.approx(1.27, abs=0.02), "as timm's table says"
    assert counted["student"] == pytest.approx(1.4, abs=0.06)
    assert counted["student"] - counted["backbone"] == pytest.approx(0.185, abs=0.002)


def test_prediction_needs_no_prompt_and_is_what_forward_says():
    model = BoxPromptIML(PRESETS["tiny"]).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        mask, score = model.predict(images)
        assert torch.equal(mask, model(images))
    assert mask.shape == (2, 1, 64, 64)
    assert score.shape == (2,)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_are_settings_that_there_are(name):
    changed = override(PRESETS["tiny"], ABLATIONS[name])
    assert changed != PRESETS["tiny"]
    assert to_yaml(changed)


def test_training_begins_with_the_named_weights_and_an_export_needs_them_no_more(bench, tmp_path):
    torch.manual_seed(1)
    backbone = BoxPromptIML(PRESETS["tiny"]).backbone
    folder = tmp_path / "weights"
    folder.mkdir()
    save_file(backbone.state_dict(), str(folder / "model.safetensors"))
    config = replace(
        PRESETS["tiny"],
        backbone=replace(PRESETS["tiny"].backbone, name=str(folder)),
        training=replace(PRESETS["tiny"].training, epochs=1, learning_rate=1e-9),
    )
    train(METHOD, config, bench, tmp_path / "run", split="test")
    (folder / "model.safetensors").unlink()
    _, _, loaded = load_model(export(tmp_path / "run"))
    ours = dict(loaded.backbone.named_parameters())
    for name, one in backbone.named_parameters():
        torch.testing.assert_close(ours[name], one, rtol=0, atol=1e-6)


def test_a_start_without_its_weights_is_told(bench, tmp_path):
    config = replace(PRESETS["tiny"], backbone=replace(PRESETS["tiny"].backbone, name=str(tmp_path)))
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        train(METHOD, config, bench, tmp_path / "run", split="test")


@pytest.fixture(scope="module")
def run(bench, tmp_path_factory):
    """A run of one epoch."""
    out = tmp_path_factory.mktemp("boxpromptiml") / "run"
    train(METHOD, override(PRESETS["tiny"], {"training.epochs": "1"}), bench, out, split="test")
    return export(out)


def test_onnx_says_what_torch_says_for_any_batch(tmp_path):
    torch.manual_seed(0)
    model = BoxPromptIML(replace(PRESETS["tiny"], fusion=replace(PRESETS["tiny"].fusion, mode="prob"))).eval()
    for one in model.fusion.parameters():
        torch.nn.init.normal_(one, std=0.1)
    path = tmp_path / "model.onnx"
    onnx.write(model, 64, path)
    for batch in (1, 5):
        assert onnx.difference(model, 64, path, batch) < 1e-4
    with torch.no_grad():
        model.fusion.base.bias.add_(1)
    assert onnx.difference(model, 64, path) > 1e-2, "a planted difference is seen"


def test_the_command_onnx(run, tmp_path):
    made = run_command("onnx", run, "--out", tmp_path / "model.onnx", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["largest_difference"] < 1e-4
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]


def test_nothing_is_written_where_onnx_differs(run, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "write", lambda model, size, path: path.write_bytes(b"something else"))
    monkeypatch.setattr(onnx, "difference", lambda *_: 0.5)
    with pytest.raises(InputError, match="Nothing was written"):
        onnx.to_onnx(run, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_command_teach(bench, tmp_path):
    about = ("--preset", "tiny", "--set", f"teacher.folder={tmp_path / 'store'}", "--split", "test")
    made = run_command("teach", "--data", bench, *about, "--truth", tmp_path / "truth.json", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert len(told["masks"]) == 16
    report = json.loads((tmp_path / "truth.json").read_text())
    assert report == told["quality"]
    assert 0.3 < report["masks"]["pixel_iou"]["mean"] < 1, "loosened rectangles around rectangles"
    assert report["teacher"]["kind"] == "rectangle"


def test_the_coarseness_sweep_writes_what_the_records_say(bench, tmp_path, monkeypatch):
    asked = {}

    class Recorded:
        """Stands for the study, which is tested by itself: writes the records that it would keep."""

        def __init__(self, method, config, benchmark, work, keep, changes, say):
            asked.update(changes)
            self.keep = keep

        def run(self):
            for place, name in enumerate(("full", *asked)):
                metrics = [
                    {
                        "metric": m, "definition": "forgebench", "subset": None, "value": v, "ci_low": v - 0.1,
                        "ci_high": v + 0.1,
                    }
                    for m, v in zip(coarseness.SHOWN, (0.9, 0.8 - place / 10, 0.7, None), strict=True)
                    if v is not None
                ]
                unknown = dict.fromkeys(("subset", "value", "ci_low", "ci_high"))
                metrics.append({"metric": "image_auc", "definition": "forgebench", **unknown})
                found[self.keep / name] = metrics

    found: dict[Path, list] = {}

    def read(path):
        class One:
            def __init__(self, told):
                self.__dict__ = told

        class Kept:
            metrics = tuple(One(told) for told in found[path])

        return Kept, []

    monkeypatch.setattr(coarseness, "Study", Recorded)
    monkeypatch.setattr(coarseness, "read_record", read)
    rows = coarseness.sweep(METHOD, PRESETS["tiny"], str(bench), tmp_path / "work", tmp_path / "out")
    assert asked == {f"coarseness-{r}": {"teacher.coarseness": r} for r in ("0", "0.1", "0.25", "0.5")}
    assert [row["coarseness"] for row in rows] == [0.0, 0.1, 0.15, 0.25, 0.5]
    np.testing.assert_allclose([row["pixel_ap"]["value"] for row in rows], [0.7, 0.6, 0.8, 0.5, 0.4])
    assert json.loads((tmp_path / "out" / "coarseness.json").read_text()) == rows
    assert (tmp_path / "out" / "coarseness.png").read_bytes().startswith(b"\x89PNG")


def test_the_paper_has_no_image_score_to_choose_by():
    assert PRESETS["paper"].training.select_by == ""
