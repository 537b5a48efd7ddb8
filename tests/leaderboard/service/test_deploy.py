"""What is shipped to run a board: its files parse, and name only what there is."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import yaml
from typer.testing import CliRunner

from leaderboard.cli import COMMANDS, app
from leaderboard.service.settings import Settings

DEPLOY = Path(__file__).parents[3] / "deploy"
NAMES = {command.__name__ for command in COMMANDS}


def _settings(text: str) -> set[str]:
    return {name.lower() for name in re.findall(r"FORGEBENCH_BOARD_([A-Z_]+)", text)}


def _check_command(words: list[str]) -> None:
    assert words[words.index("leaderboard") + 1] in NAMES
    options = [word for word in words if word.startswith("--")]
    said = CliRunner().invoke(app, [words[words.index("leaderboard") + 1], "--help"], terminal_width=200).output
    assert all(option in said for option in options)


def test_the_compose_file_is_whole() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    compose = yaml.safe_load(text)
    assert set(compose) == {"x-board", "services", "networks", "volumes"}
    services = compose["services"]
    assert set(services) == {"service", "worker", "database"}
    known = {
        "build", "image", "restart", "depends_on", "security_opt", "cap_drop", "read_only", "tmpfs", "environment",
        "command", "ports", "volumes", "healthcheck", "networks",
    }  # fmt: skip
    for service in services.values():
        assert set(service) <= known
        assert set(service.get("depends_on", {})) <= set(services)
        named = {volume.split(":")[0] for volume in service["volumes"] if not volume.startswith(".")}
        assert named <= set(compose["volumes"])
        assert set(service["networks"]) <= set(compose["networks"])
    inside = [name for name, about in compose["networks"].items() if about.get("internal")]
    assert services["worker"]["networks"] == services["database"]["networks"] == inside
    assert _settings(text) <= set(Settings.model_fields)
    assert "FORGEBENCH_BOARD_PRIVATE" not in services["service"]["environment"]
    assert not any("private" in volume for volume in services["service"]["volumes"])
    shared = [{volume.split(":")[0] for volume in services[name]["volumes"]} for name in ("service", "worker")]
    assert set.intersection(*shared) == {"objects", "./benchmarks"}
    assert services["worker"]["environment"]["FORGEBENCH_BOARD_REQUIRE_ISOLATION"] == "true"
    for name in ("service", "worker"):
        _check_command(services[name]["command"])


def test_the_filter_of_the_worker_lets_it_leave_the_network() -> None:
    options = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["worker"]["security_opt"]
    (name,) = [one.removeprefix("seccomp:") for one in options if one.startswith("seccomp:")]
    profile = json.loads((DEPLOY / name).read_text())
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    (rule,) = profile["syscalls"]
    assert rule["action"] == "SCMP_ACT_ERRNO"
    forbidden = set(rule["names"])
    assert not forbidden & {"unshare", "clone", "clone3", "prctl"}
    assert forbidden >= {"mount", "setns", "ptrace", "bpf", "keyctl", "userfaultfd", "io_uring_setup"}


def test_the_unit_and_the_image_name_what_there_is() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "forgebench-board.service")
    assert set(unit) == {"DEFAULT", "Unit", "Service", "Install"}
    _check_command(unit["Service"]["ExecStart"].split())
    assert _settings((DEPLOY / "forgebench-board.service").read_text()) <= set(Settings.model_fields)
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    words = {line.split()[0] for line in lines if line and not line.startswith("#")}
    assert words <= {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert all((DEPLOY.parent / source).exists() for sources in copied for source in sources)
    _check_command(re.findall(r'"([^"]+)"', next(line for line in lines if line.startswith("CMD"))))
