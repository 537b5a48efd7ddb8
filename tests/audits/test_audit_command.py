"""`forgebench audit` as people and scripts use it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import planted
import pytest
from typer.testing import CliRunner

import forgebench
from forgebench.audits import Audit
from forgebench.cli import app


def run(*arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["audit", *map(str, arguments), "--workers", "1"])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a folder of one's own: authentic as PNG, tampered as JPEG, and one image twice."""
    root = tmp_path_factory.mktemp("command")
    for folder in ("authentic", "tampered", "masks"):
        (root / "in" / folder).mkdir(parents=True)
    for i in range(12):
        original, mask = planted.scene(i), planted.box()
        (root / "in/authentic" / f"p{i}.png").write_bytes(planted.encoded(original))
        (root / "in/tampered" / f"p{i}.jpg").write_bytes(planted.encoded(planted.forged(original, mask, i), "JPEG"))
        (root / "in/masks" / f"p{i}.png").write_bytes(planted.encoded(mask.astype(np.uint8) * 255))
    forgebench.build("folder", root / "in", root / "bench", workers=1)
    return root / "bench"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    items = [planted.sample(f"x{i}", planted.encoded(planted.scene(300 + i))) for i in range(6)]
    return planted.build(tmp_path_factory.mktemp("honest") / "honest", items).path


def test_a_shortcut_exits_1_and_writes_page_document_and_card(bench: Path, tmp_path: Path) -> None:
    text = run(bench, "--out", tmp_path / "out", "--card", code=1)
    assert "fails" in text
    assert "Shortcut: format, name suffix" in text
    assert "audit.html" in text
    found = Audit.model_validate_json((tmp_path / "out/audit.json").read_text())
    assert found.negative
    assert "**Fails.** Shortcut" in (bench / "README.md").read_text()


def test_json_is_the_document_and_nothing_else(bench: Path, honest: Path) -> None:
    document = json.loads(run(bench, honest, "--json", code=1))
    assert [one["name"] for one in document["benchmarks"]] == ["bench", "honest"]
    assert Audit.model_validate(document).negative


def test_authentic_images_alone_are_undefined_and_exit_0(honest: Path) -> None:
    document = json.loads(run(honest, "--json"))
    probes = document["benchmarks"][0]["probes"]
    assert [(one["verdict"], one["auc"]) for one in probes] == [("undefined", None)] * 2
    assert all("no samples with the label tampered" in one["text"] for one in probes)
    assert "Undefined" in run(honest)


def test_one_sample_is_enough_to_say_so(tmp_path: Path) -> None:
    one = planted.sample("x", planted.encoded(planted.scene(0)), None, tampered=True)
    path = planted.build(tmp_path / "one", [one]).path
    document = json.loads(run(path, "--json"))
    assert document["benchmarks"][0]["n_without_mask"] == document["benchmarks"][0]["n"] == 1
    assert run(path, "--out", tmp_path / "out")


def test_bad_input_exits_2(bench: Path, tmp_path: Path) -> None:
    run(code=2)
    assert "Expected a benchmark at" in run(tmp_path / "none", code=2)
    assert "are one benchmark" in run(bench, bench, code=2)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = planted.build(tmp_path / "bench", [planted.sample("x", planted.encoded(planted.scene(0)))]).path
    (shard,) = path.glob("data/*.parquet")
    data = shard.read_bytes()
    shard.write_bytes(data.replace(b"IDAT", b"IDAX"))
    text = run(path, code=2)
    assert "x of bench cannot be read" in text
    assert "forgebench verify" in text
