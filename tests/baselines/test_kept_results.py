"""What is kept of the runs is still what the code reads, and names no folder of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

import forgebench
from baselines.common.config import from_yaml, to_yaml
from baselines.common.registry import get
from baselines.ifdl_vlm.explain.config import ExplainConfig

ROOT = Path(__file__).parents[2]
HOME = ROOT / "baselines"
CONFIGS = sorted(HOME.glob("*/results/**/config.yaml"))
RECORDS = sorted(HOME.glob("*/results/**/record.json"))


def _name(path: Path) -> str:
    return path.relative_to(HOME).parent.as_posix()


@pytest.mark.parametrize("path", CONFIGS, ids=_name)
def test_a_kept_configuration_can_be_trained_again(path: Path) -> None:
    method = path.relative_to(HOME).parts[0].replace("_", "-")
    text = path.read_text(encoding="utf-8")
    kind = ExplainConfig if path.parent.name == "explain" else get(method).config
    assert to_yaml(from_yaml(kind, text)) == text
    assert " /" not in text  # an absolute path


@pytest.mark.parametrize("path", RECORDS, ids=_name)
def test_a_kept_record_is_as_it_was_written(path: Path) -> None:
    record, _ = forgebench.read_record(path)
    assert record.sealed().record_sha256 == record.record_sha256
